"""Subscriptions while a broker is away, in all three sub-protocols."""

import json

import pubsub_pb2 as pb
from devbroker import DevBroker
from support import Client, Gateway, route
from websockets.sync.client import connect

WAITS = pb.PartitionStart.WAITS
SECONDS = 60


def receive(client, until):
    """What comes, up to the reply for which `until` holds."""
    replies = []
    while not replies or not until(replies[-1]):
        replies.append(client.receive(SECONDS).subscribe_resp)
    return replies


def begun(replies):
    return {start.partition: start.next_offset for reply in replies for start in reply.starts
            if start.outcome != WAITS}


def seen(replies):
    return {(reply.partition, message.offset) for reply in replies for message in reply.messages}


def test_a_frozen_broker_holds_up_its_own_partition_only():
    with DevBroker("--topic", "wide:3", brokers=3) as broker, \
            Gateway(route(broker.bootstrap)) as gateway:
        for partition in range(3):
            broker.do("append", topic="wide", partition=partition, values=["a", "b"])
        broker.do("freeze", broker=3)
        with Client(gateway.url()) as client:
            client.send(cmd_subscribe=pb.CmdSubscribe(
                subscriptions=[pb.Subscription(topic="wide", end=pb.EARLIEST)]))
            replies = receive(client, lambda reply: WAITS in [s.outcome for s in reply.starts])
            while len(begun(replies)) < 2:
                replies.append(client.receive(SECONDS).subscribe_resp)
            waiting, = {0, 1, 2} - set(begun(replies))
            told = [start for reply in replies for start in reply.starts
                    if start.partition == waiting]
            assert {start.next_offset for start in told} == {-2}, told
            while len(seen(replies)) < 4:
                replies.append(client.receive(SECONDS).subscribe_resp)
            assert {partition for partition, _ in seen(replies)} == set(begun(replies))
            broker.do("thaw", broker=3)
            while len(seen(replies)) < 6:
                replies.append(client.receive(SECONDS).subscribe_resp)
            assert begun(replies)[waiting] == 0
            assert sum(len(reply.messages) for reply in replies) == 6


def test_both_json_forms_tell_what_waits():
    with DevBroker("--topic", "wide:3", brokers=3) as broker, \
            Gateway(route(broker.bootstrap)) as gateway:
        with Client(gateway.url()) as client:
            for partition in range(3):
                client.end("wide", partition=partition)
        broker.do("take-down", broker=3, elect=False)
        for form, number in (("pubsub.json", str), ("pubsub.text", int)):
            with connect(gateway.url(), subprotocols=[form], close_timeout=5) as socket:
                socket.send(json.dumps({"cmdSubscribe": {"subscriptions": [{"topic": "wide"}]}}))
                waiting = []
                while not waiting:
                    reply = json.loads(socket.recv(timeout=SECONDS))["subscribeResp"]
                    waiting = [start for start in reply.get("starts", ())
                               if start.get("outcome") == "WAITS" and start.get("reason")]
                assert [start["nextOffset"] for start in waiting] == [number(-1)], reply


def test_what_is_missing_is_told_and_the_rest_begins():
    with DevBroker("--records", "demo:3:100", "--no-auto-create") as broker, \
            Gateway(route(broker.bootstrap)) as gateway, Client(gateway.url()) as client:
        client.send(cmd_subscribe=pb.CmdSubscribe(subscriptions=[
            pb.Subscription(topic="demo", partitions=[0], end=pb.EARLIEST),
            pb.Subscription(topic="missing")]))
        replies = receive(client, lambda reply: reply.HasField("error"))
        assert begun(replies) == {0: 0}
        assert (replies[-1].topic, replies[-1].partition) == ("missing", -1)
        assert (replies[-1].error.code, replies[-1].error.cause) == (5, "not found")
        if not any(reply.messages for reply in replies):
            receive(client, lambda reply: reply.next_offset == 3)
        error = client.error(cmd_subscribe=pb.CmdSubscribe(
            subscriptions=[pb.Subscription(topic="missing")]))
        assert "not found topic" in error.message, error


def subscribe_with_credit(gateway, count, **start):
    """A subscription that has got as many records as it may."""
    client = Client(gateway.url())
    client.send(cmd_subscribe=pb.CmdSubscribe(
        credit_messages=count, subscriptions=[pb.Subscription(topic="demo", **start)]))
    messages = []
    while len(messages) < count:
        messages += client.receive(SECONDS).subscribe_resp.messages
    assert [message.offset for message in messages] == list(range(count))
    return client


def test_a_topic_made_anew_is_never_gone_on_in_silently():
    # It has grown past the place of who reads by offset; it is shorter than that of who reads all.
    for profile, count in (("3.9", 100), ("4.1", 100), ("4.1", 10)):
        with DevBroker("--topic", "demo", "--profile", profile) as broker, \
                Gateway(route(broker.bootstrap)) as gateway:
            broker.do("append", topic="demo", values=[f"old {i}" for i in range(50)])
            with subscribe_with_credit(gateway, 30, partitions=[0], offset=0) as by_offset, \
                    subscribe_with_credit(gateway, 30, end=pb.EARLIEST) as whole:
                broker.do("recreate-topic", topic="demo")
                broker.do("append", topic="demo", values=[f"new {i}" for i in range(count)])
                for client in (by_offset, whole):
                    client.send(cmd_grant=pb.CmdGrant(subscription=1, messages=200))
                values, error = [], None
                while error is None:
                    reply = by_offset.receive(SECONDS)
                    values += [message.value for message in reply.subscribe_resp.messages]
                    if reply.subscribe_resp.HasField("error"):
                        error = reply.subscribe_resp.error
                assert error.code == 1100 and not error.retriable, error
                # What was read of the old log already may come; nothing of the new one.
                assert all(value.startswith(b"old") for value in values), values
                shows_the_new_log(whole, count)


def shows_the_new_log(client, count):
    """A whole topic begins anew, says so, and every record of the new log comes behind that."""
    values, anew = [], None
    while len(values) < count:
        reply = client.receive(SECONDS).subscribe_resp
        assert not reply.HasField("error"), reply
        for start in reply.starts:
            if start.outcome == pb.PartitionStart.BEGUN_ANEW:
                anew = start.next_offset
        if anew is None:
            assert all(message.value.startswith(b"old") for message in reply.messages), reply
        else:
            values += [message.value for message in reply.messages]
    assert anew == 0 and values == [f"new {i}".encode() for i in range(count)], (anew, values)
