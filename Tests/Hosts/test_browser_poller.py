"""Pages that poll as clients of the original do (poller.js): they show every record, once.

Tests/README.md tells how to let them run for longer, and as slowly as such pages do.
"""

import contextlib
import os
import random
import threading
import time

import pubsub_pb2 as pb
from chromium import HERE, Chromium, Files
from devbroker import DevBroker
from support import Client, Gateway, route

# Two tests share a minute of Tests/run.
SECONDS = float(os.environ.get("POLLER_SECONDS", "30"))
INTERVAL = int(os.environ.get("POLLER_INTERVAL_MS", "200"))
STATE = "({shown: poller.shown, polls: poller.polls, error: poller.error, place: poller.place})"


class Producer:
    """Appends records in bursts, with pauses that are longer than a cache is trusted too."""

    def __init__(self, broker, topic):
        self.broker, self.topic, self.end, self.isOver = broker, topic, 0, threading.Event()
        self.random = random.Random(3)
        self.thread = threading.Thread(target=self.run)

    def append(self, count):
        self.broker.do("append", topic=self.topic, values=[
            f"{self.topic} {self.end + number}" for number in range(count)])
        self.end += count

    def run(self):
        while not self.isOver.wait(self.random.choice([0.01, 0.1, 0.5, 3])):
            self.append(self.random.choice([1, 1, 2, 5, 20]))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.isOver.set()
        self.thread.join()


@contextlib.contextmanager
def polling(*options, count=15, **pubsub):
    """A page that polls a topic of so many records."""
    with Files() as files, DevBroker("--topic", "polled", *options) as broker, \
            Gateway(route(broker.bootstrap, pubsub={"origins": [files.origin], **pubsub})) \
            as gateway, Chromium() as chromium:
        producer = Producer(broker, "polled")
        if count:
            producer.append(count)
        yield broker, gateway, chromium.page(files.origin), producer


def poll(page, gateway, interval=INTERVAL):
    with open(os.path.join(HERE, "poller.js")) as script:
        page.evaluate(script.read())
    page.run("window.poller = new Poller({url, topic: 'polled', interval})", url=gateway.url(),
             interval=interval)


def caught_up(page, first, end):
    """Waits until everything is shown; says what is missing, or came twice, if that fails."""
    state = page.until(STATE, lambda state: state["error"] or state["place"] == end - 1)
    assert not state["error"], state["error"]
    assert state["shown"] == list(range(first, end)), sorted(
        set(range(first, end)) ^ set(state["shown"]))
    return state


def shows_everything(page, gateway, producer):
    poll(page, gateway)
    page.until(STATE, lambda state: state["polls"] > 0)
    with producer:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(1)
            state = page.evaluate(STATE)
            assert not state["error"], state["error"]
            # A stall is seen while it lasts, not when the next record ends it.
            if INTERVAL <= 1000:
                page.until(STATE, lambda now, wanted=producer.end - 1: now["place"] >= wanted)
    state = caught_up(page, 6, producer.end)
    print(f"{len(state['shown'])} records, each shown once, in {state['polls']} polls")


def test_a_page_that_polls_shows_every_record():
    with polling() as (_, gateway, page, producer):
        shows_everything(page, gateway, producer)


def test_a_page_that_polls_beside_others_shows_every_record():
    with polling() as (_, gateway, page, producer):
        is_over = threading.Event()

        def follow():
            """Comes and goes, so that the partition is followed now and then."""
            while not is_over.wait(0.7):
                with Client(gateway.url()) as client:
                    client.send(cmd_subscribe=pb.CmdSubscribe(subscriptions=[
                        pb.Subscription(topic="polled", partitions=[0])]))
                    is_over.wait(1.5)

        def fetch():
            """At all offsets, so that the cache holds this and that."""
            with Client(gateway.url()) as client:
                while not is_over.wait(0.05):
                    client.fetch("polled", random.randrange(producer.end), max_bytes=500)

        others = [threading.Thread(target=work) for work in (follow, fetch)]
        for thread in others:
            thread.start()
        try:
            shows_everything(page, gateway, producer)
        finally:
            is_over.set()
            for thread in others:
                thread.join()


def test_a_page_that_polls_a_short_log_begins_at_its_start():
    for count in (0, 3):
        with polling(count=count) as (_, gateway, page, producer):
            poll(page, gateway, interval=50)
            producer.append(2)
            caught_up(page, 0, count + 2)


def test_a_page_that_polls_a_trimmed_log_begins_where_the_route_says():
    with polling() as (broker, gateway, page, producer):
        broker.do("delete-records", topic="polled", offset=12)
        poll(page, gateway, interval=50)
        state = page.until(STATE, lambda state: state["error"])
        assert "OFFSET_OUT_OF_RANGE" in state["error"], state
    with polling(fetch={"reset": "nearest"}) as (broker, gateway, page, producer):
        broker.do("delete-records", topic="polled", offset=12)
        poll(page, gateway, interval=50)
        caught_up(page, 12, 15)
        # Another log, shorter than where the page is: its last record tells where it ends.
        broker.do("recreate-topic", topic="polled")
        producer.end = 0
        producer.append(4)
        page.until(STATE, lambda state: state["error"] or state["place"] == 3)
        producer.append(2)
        state = page.until(STATE, lambda state: state["error"] or state["place"] == 5)
        assert state["shown"] == [12, 13, 14, 4, 5] and not state["error"], state


def test_a_page_that_polls_outlives_an_outage():
    with polling() as (broker, gateway, page, producer):
        poll(page, gateway, interval=50)
        caught_up(page, 6, 15)
        for _ in range(3):
            broker.do("take-down", broker=1, elect=False)
            time.sleep(1.5)
            broker.do("bring-up", broker=1)
            producer.append(3)
            caught_up(page, 6, producer.end)
