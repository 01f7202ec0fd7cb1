"""Leaders that move, and leaders that are silent."""

import threading

import pubsub_pb2 as pb
from devbroker import DevBroker, until
from support import Client, Gateway, check_records, route

# Far beyond what any of these waits for: nothing may hang until a request times out.
SETTINGS = {"request_timeout_ms": 300_000}


def append(broker, *values):
    broker.do("append", topic="t", values=list(values))


def in_background(ask):
    """Asks in a thread of its own; `join` of what comes back answers the reply."""
    replies = []
    thread = threading.Thread(target=lambda: replies.append(ask()))
    thread.start()

    def join():
        thread.join(60)
        assert replies, "no reply"
        return replies[0]
    return join


def test_a_frozen_leader_holds_nobody_up():
    with DevBroker("--topic", "t:1", brokers=3) as broker:
        broker.do("move-leader", topic="t", broker=2)
        append(broker, "0", "1", "2")
        with Gateway(route(broker.bootstrap, pubsub=SETTINGS), log_level=2) as gateway, \
                Client(gateway.url()) as live, Client(gateway.url()) as one, \
                Client(gateway.url()) as other:
            check_records(one.fetch("t").messages, "t", 0)
            assert other.end("t") == 3
            live.send(cmd_subscribe=pb.CmdSubscribe(
                subscriptions=[pb.Subscription(topic="t", end=pb.LATEST)]))
            assert live.receive().subscribe_resp.starts[0].next_offset == 3
            until(5, "the high watermark is known",
                  lambda: one.fetch("t").high_watermark == 3)

            broker.do("freeze", broker=2)
            # What is cached is served, and soon without a word on where the log ends.
            until(5, "no high watermark", lambda: not one.fetch("t").HasField("high_watermark"))
            check_records(one.fetch("t").messages, "t", 0)
            beyond = in_background(lambda: one.fetch("t", 3, max_wait_ms=50_000))
            end = in_background(lambda: other.end("t"))

            broker.do("move-leader", topic="t", broker=3)
            append(broker, "3", "4")
            check_records(live.receive().subscribe_resp.messages, "t", 3)
            check_records(beyond().messages, "t", 3)
            # Told by the new leader: nothing older than the command.
            assert end() in (3, 5)
            assert other.end("t") == 5

            broker.do("thaw", broker=2)
            append(broker, "5")
            check_records(live.receive().subscribe_resp.messages, "t", 5)
            assert other.end("t") == 6
            assert [message.offset for message in one.fetch("t", 4).messages] == [4, 5]


def test_no_leader_is_unavailable():
    with DevBroker("--topic", "t:2", brokers=2) as broker:
        broker.do("move-leader", topic="t", partition=0, broker=1)
        broker.do("move-leader", topic="t", partition=1, broker=2)
        settings = {"request_timeout_ms": 2_000}
        with Gateway(route(broker.bootstrap, pubsub=settings)) as gateway, \
                Client(gateway.url()) as client:
            broker.do("take-down", broker=2, elect=False)
            for command in (
                    dict(cmd_kafka_fetch=pb.CmdKafkaFetch(topic="t", partition=1)),
                    dict(cmd_kafka_list_offset=pb.CmdKafkaListOffset(
                        topic="t", partition=1, timestamp=-1))):
                error = client.error(**command)
                assert error.code == 6 and error.retriable, error
            gateway.log_line(r"t-1: .*not among the brokers")
            assert client.end("t") == 0
