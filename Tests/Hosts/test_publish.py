"""The connector's operation Publish: the examples in C, Lua and Python, and the HTTP listener."""

import asyncio
import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pubsubgw
from devbroker import DevBroker, until
from support import ROOT, WORK, unused_port
from test_c import read_all
from test_lua import PATH
from test_python_client import run

PYTHON = os.path.join(ROOT, "examples/python/publish.py")
ENVIRONMENT = {**os.environ, "LUA_PATH": PATH, "LD_LIBRARY_PATH": WORK,
               "PYTHONPATH": os.path.join(ROOT, "bindings/python")}


def in_c():
    program = os.path.join(WORK, "publish")
    subprocess.run(
        ["cc", "-std=c11", "-D_GNU_SOURCE", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
         "-fsanitize=undefined", "-fno-sanitize-recover", "-o", program,
         os.path.join(ROOT, "examples/c/publish.c"), "-I" + os.path.join(ROOT, "include"),
         "-L" + WORK, "-lpubsubgw"], check=True)
    return [program]


def in_lua():
    return ["luajit", os.path.join(ROOT, "examples/lua/publish.lua")]


def in_python():
    return [sys.executable, PYTHON]


def published(command, *words, payload=b""):
    """What the program prints, which is JSON; and whether it calls that a success."""
    done = subprocess.run([*command, *words], input=payload, capture_output=True, timeout=60,
                          env=ENVIRONMENT)
    assert not done.stderr and done.returncode in (0, 1), (done.returncode, done.stderr)
    said = json.loads(done.stdout)
    assert set(said) == ({"Code", "Description"} if done.returncode
                         else {"topic", "partition", "offset"}), said
    return said


def refused(command, *words, says, payload=b"x"):
    said = published(command, *words, payload=payload)
    assert said.get("Code") == "CORE:RUNTIME", said
    for part in says:
        assert part in said["Description"], said


def stores(command):
    """Every input, read back by two clients that others wrote."""
    with DevBroker("--topic", "t:3", "--topic", "other:1") as broker:
        to = (broker.bootstrap, "t")
        raw = bytes(range(256)) * 1000
        headers = {"plain": "x", "empty": "", "n\u00e4me": "a\"\\\n\t\u20ac\U0001F600\x7f", "": "v"}
        assert published(command, *to, "partition=1", "key=k", "headers=" + json.dumps(headers),
                         payload=raw) == {"topic": "t", "partition": 1, "offset": 0}
        # Not escaped, and with spaces where JSON allows them.
        spaced = ' { "a" : "\u00e9" ,\n"b":"c" } '
        assert published(command, *to, "partition=1", "key=", "payload=t\u00e4xt",
                         "headers=" + spaced) == {"topic": "t", "partition": 1, "offset": 1}
        assert published(command, *to, "partition=2", "headers={ }")["offset"] == 0
        # One key, one partition, and without either some partition.
        places = [published(command, *to, "key=same", payload=b"k") for _ in range(2)]
        assert places[0]["partition"] == places[1]["partition"], places
        assert places[1]["offset"] == places[0]["offset"] + 1, places
        for settings in (["acks=All"], ["acks=All", "idempotence=true"], [
                "flush.bytes=1000", "flush.messages=1", "flush.frequency_ms=5",
                "flush.max_messages=10"]):
            assert published(command, broker.bootstrap, "other", *settings)["partition"] == 0
        # Nobody tells where it is.
        assert published(command, broker.bootstrap, "other", "acks=None")["offset"] == -1
        records = read_all(broker.bootstrap, "t", 3, "read_uncommitted")
        ones = [record for record in records if record[0] == 1 and record[3] != b"same"]
        assert ones[0][3:] == (b"k", raw, tuple(
            (name, value.encode()) for name, value in headers.items())), ones[0][3:]
        assert ones[1][3:] == (
            b"", "t\u00e4xt".encode(), (("a", "\u00e9".encode()), ("b", b"c"))), ones[1]
        twos = [record for record in records if record[0] == 2 and record[3] != b"same"]
        assert [record[3:] for record in twos] == [(None, b"", ())], twos
        assert sum(record[3] == b"same" for record in records) == 2


def refuses(command):
    with DevBroker("--topic", "t:1", "--no-auto-create") as broker:
        to = (broker.bootstrap, "t")
        for wrong in ("x", "-1", "1.5", "", "2147483648", "99999999999999999999", " 1"):
            refused(command, *to, f"partition={wrong}", says=[f"partition={wrong}", "a number"])
        for wrong in ("", "[]", "1", '{"a"}', '{"a": 1}', '{"a": null}', '{"a": "b"', '{"a": "b",}',
                      '{"a": "b"} x', '{"a": "\\ud800"}', '{"a": "\\x"}', '{"a": "\\u12g4"}',
                      '{"a": "b'):
            refused(command, *to, f"headers={wrong}", says=["headers=", "JSON object"])
        refused(command, *to, "colour=red", says=["colour=red", "no setting"])
        refused(command, *to, "flush.x=1", says=["flush.x=1", "no setting"])
        refused(command, *to, "plain", says=["NAME=VALUE"])
        refused(command, *to, "acks=Some", says=["acks"])
        refused(command, *to, "idempotence=true", says=["idempotence", "acks of all"])
        refused(command, *to, "max_message_bytes=-5", says=["max_message_bytes"])
        refused(command, *to, "partition=7", "delivery_timeout_ms=10000", says=["7"])
        refused(command, broker.bootstrap, "none", "request_timeout_ms=500",
                "delivery_timeout_ms=1000", says=["none"])
        refused(command, *to, payload=b"x" * 1_000_000, says=["1000000"])
        refused(command, *to, "max_message_bytes=2000", payload=b"x" * 2000, says=["2000"])
        assert published(command, *to, payload=b"x" * 999_900)["offset"] == 0
        # The broker's own limit is smaller than the program's.
        broker.do("create-topic", topic="small", partitions=1, message_bytes_max=1000)
        refused(command, broker.bootstrap, "small", payload=b"x" * 5000,
                says=["MESSAGE_TOO_LARGE"])
    nowhere = f"127.0.0.1:{unused_port()}"
    begin = time.monotonic()
    refused(command, nowhere, "t", "request_timeout_ms=500", "delivery_timeout_ms=1500", says=[":"])
    assert 1 < time.monotonic() - begin < 20
    with DevBroker("--topic", "t:1", "--sasl", "me:right") as broker:
        def login(password):
            return json.dumps({"nodes": broker.bootstrap, "plugins": {"kafka-proxy": {
                "sasl": {"username": "me", "password": password}}}})
        assert published(command, login("right"), "t")["offset"] == 0
        refused(command, login("wrong"), "t", "request_timeout_ms=500", "delivery_timeout_ms=1500",
                says=[":"])
        assert broker.do("offsets", topic="t")["log_end"] == 1


def test_publish_in_c_stores():
    stores(in_c())


def test_publish_in_c_refuses():
    refuses(in_c())


def test_publish_in_lua_stores():
    stores(in_lua())


def test_publish_in_lua_refuses():
    refuses(in_lua())


def test_publish_in_python_stores():
    stores(in_python())


def test_publish_in_python_refuses():
    refuses(in_python())


class Listener:
    """publish.py --listen, as a program of its own."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [*in_python(), "--listen", "0", *words], stdout=subprocess.PIPE, text=True,
            env=ENVIRONMENT)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().split()[-1]}/"

    def post(self, body, **more):
        request = urllib.request.Request(self.url, data=body, method="POST", **more)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.headers["Content-Type"] == "application/json"
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(timeout=60) == 0
        finally:
            self.process.kill()


def test_an_http_listener_publishes():
    with DevBroker("--topic", "t:2") as broker, Listener(
            broker.bootstrap, "t", "partition=1", "key=k", 'headers={"n": "v"}') as listener:
        bodies = [b"", b"text", bytes(range(256)) * 100]
        for offset, body in enumerate(bodies):
            assert listener.post(body) == (200, {"topic": "t", "partition": 1, "offset": offset})
        status, said = listener.post(b"x" * 1_000_001)
        assert status == 413 and said["Code"] == "CORE:RUNTIME", (status, said)
        # Of many at once each has a place of its own.
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(listener.post, [b"%d" % number for number in range(200)]))
        assert sorted(said["offset"] for _, said in answers) == list(range(3, 203))
        # Without a length, and with one that is none.
        for head in (b"", b"Content-Length: x\r\n", b"Content-Length: 99999999999\r\n"):
            with socket.create_connection(("127.0.0.1", int(listener.url.split(":")[2][:-1]))) as s:
                s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n")
                text = b""
                while part := s.recv(10000):
                    text += part
                assert text.split()[1] in (b"411", b"413") and b'"CORE:RUNTIME"' in text, text
        records = read_all(broker.bootstrap, "t", 2, "read_uncommitted")
        assert [record[0] for record in records] == [1] * 203
        assert [record[3:] for record in records[:3]] == [
            (b"k", body, (("n", b"v"),)) for body in bodies]
        for _, said in answers:
            assert records[said["offset"]][4].isdigit()


def test_an_http_listener_says_why_not():
    with DevBroker("--topic", "t:1", "--no-auto-create") as broker:
        limits = ("request_timeout_ms=500", "delivery_timeout_ms=1500")
        with Listener(broker.bootstrap, "none", *limits) as listener:
            status, said = listener.post(b"x")
            assert status == 502 and said["Code"] == "CORE:RUNTIME", (status, said)
            assert "none" in said["Description"], said
        with Listener(broker.bootstrap, "t", *limits) as listener:
            assert listener.post(b"x")[0] == 200
            broker.do("take-down", broker=1)
            begin = time.monotonic()
            status, said = listener.post(b"y")
            assert status == 502 and said["Code"] == "CORE:RUNTIME", (status, said)
            assert 1 < time.monotonic() - begin < 20
            broker.do("bring-up", broker=1)
            assert until(10, "a message goes", lambda: listener.post(b"z")[0] == 200)
    refused(in_python(), "--listen", "0", "b:9092", "t", "partition=x", says=["partition=x"])


# The connector's settings of a producer, by what they change ------------------------------------

PATIENT = 20000  # no test waits so long: what goes earlier has another reason


def with_producer(settings, main, *options):
    """`main(producer, broker)` with a producer of those settings, acks of one where not said."""
    async def started(gateway, client, broker):
        with client.producer({"acks": "leader", "linger.ms": 0, **settings}) as producer:
            await main(producer, broker)
    run(started, *options, "--topic", "t:1")


def is_full_by(flush, value, count):
    """The record number `count` makes all before it go, which wait until then."""
    async def main(producer, broker):
        waiting = [asyncio.ensure_future(producer.produce("t", value)) for _ in range(count - 1)]
        done, _ = await asyncio.wait(waiting, timeout=0.7)
        assert not done, f"{len(done)} went"
        places = await asyncio.wait_for(
            asyncio.gather(producer.produce("t", value), *waiting), PATIENT / 2000)
        assert sorted(place.offset for place in places) == list(range(count))
    with_producer({"flush": {**flush, "frequency_ms": PATIENT}}, main)


def test_flush_messages_is_a_count_that_sends():
    is_full_by({"messages": 3}, b"x", 3)


def test_flush_bytes_is_a_size_that_sends():
    is_full_by({"bytes": 3000}, b"x" * 1100, 3)


def test_flush_frequency_is_a_wait():
    async def main(producer, broker):
        begin = time.monotonic()
        await producer.produce("t", b"x")
        assert 0.5 <= time.monotonic() - begin < PATIENT / 1000
    with_producer({"flush": {"frequency_ms": 500}}, main)


def test_flush_max_messages_is_the_most_of_a_request():
    async def requests(producer, broker):
        before = broker.requests(0)
        await producer.produce_batch("t", [b"x"] * 20)
        taken.append(broker.requests(0) - before)
    taken = []
    for most in (2, 0):
        with_producer({"flush": {"max_messages": most, "frequency_ms": 50}}, requests)
    assert taken[0] >= 10 and taken[1] < 5, taken


def test_acks_are_who_must_have_a_record():
    async def main(producer, broker):
        broker.do("create-topic", topic="two", partitions=1, in_sync_replicas_min=2)
        place = asyncio.ensure_future(producer.produce("two", b"x"))
        if wanted != "all":
            assert (await place).offset == (0 if wanted == "leader" else -1)
            return
        try:
            await place
            raise AssertionError("stored")
        except pubsubgw.TimedOutError:  # it was repeated: replicas may come back
            assert broker.do("offsets", topic="two")["log_end"] == 0
    for wanted in ("leader", "none", "all"):
        with_producer({"acks": wanted, "request.timeout.ms": 500, "delivery.timeout.ms": 1500}, main)


def test_idempotence_stores_once_what_is_repeated():
    async def main(producer, broker):
        await producer.produce("t", b"first")
        # Stored, but the answer comes too late: the record is sent again.
        broker.do("inject", action="delay", api=0, milliseconds=2000, times=1)
        await producer.produce("t", b"second")
        ends.append(broker.do("offsets", topic="t")["log_end"])
    ends = []
    for settings in ({"acks": "all", "idempotence": True}, {"acks": "all", "idempotence": False}):
        with_producer({**settings, "request.timeout.ms": 500}, main)
    assert ends == [2, 3], ends


def test_request_timeout_is_how_long_an_answer_is_waited_for():
    async def main(producer, broker):
        await producer.produce("t", b"first")
        broker.do("inject", action="silence", api=0, times=1)
        begin = time.monotonic()
        await producer.produce("t", b"x")
        took.append(time.monotonic() - begin)
    took = []
    for milliseconds in (500, 2500):
        with_producer({"request.timeout.ms": milliseconds}, main)
    assert 0.4 < took[0] < 2.4 < took[1], took
