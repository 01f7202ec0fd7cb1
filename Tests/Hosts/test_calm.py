"""Clients that ask for more than their share hold nobody else up. What is judged is the work that
the loop counts and the memory that it holds, not the clock: `Tests/Benchmarks/run calm` has times."""

import time

from attacks import KINDS, attacking
from devbroker import DevBroker, until
from prometheus_client.parser import text_string_to_metric_families
from support import Client, Gateway, route
from test_scale import raise_descriptor_limit

SECONDS = 1
MEMORY_BYTES = 32 << 20
# What comes with the sockets, and those that wait for their turns: each up to its budget, and a
# message of a megabyte to inflate that begins at its end.
TURN_WORK_MAX = 8_000_000


def gauge(gateway, name):
    for family in text_string_to_metric_families(gateway.metrics()):
        if family.name == f"pubsubgw_{name}":
            return family.samples[0].value
    raise AssertionError(f"no metric {name}")


def attacked(gateway, client, kinds, count):
    """The most that was held."""
    held = 0
    with attacking(gateway.port, kinds, count):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            client.ping()
            held = max(held, gauge(gateway, "held_bytes"))
    until(60, "the attackers to be gone", lambda: gauge(gateway, "connections") == 1)
    until(60, "their memory", lambda: gauge(gateway, "held_bytes") == 0)
    return held


def test_attackers_of_each_kind_hold_nobody_up():
    raise_descriptor_limit()
    topics = [word for number in range(2000) for word in ("--topic", f"a-usual-name.{number:05}")]
    compression = {"compression": True}
    with DevBroker("--records", "demo:50000:1000", "--topic", "quiet", *topics) as broker:
        with Gateway(route(broker.bootstrap, pubsub=compression), log_level=1,
                     limits={"memory_bytes": MEMORY_BYTES}) as gateway:
            with Client(gateway.url()) as client:
                client.ping()
                rounds = [(["slow frames"], 100), (["deflate"], 20), (["unread metadata"], 50),
                          (list(KINDS), 5)]
                for kinds, count in rounds:
                    held = attacked(gateway, client, kinds, count)
                    work = gauge(gateway, "turn_work")
                    print(f"figure: {', '.join(kinds)}: {work / 1e6:.2f} most work of a turn so far,"
                          f" {held / 1e6:.1f} MB held")
                    assert work <= TURN_WORK_MAX, (kinds, work)
                    assert held <= MEMORY_BYTES, (kinds, held)
