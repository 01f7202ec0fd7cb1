"""Consumer groups: joining, sharing, leaving, committing, coming back."""

import threading
import time

import confluent_kafka
import kafka
import kafka.errors
from clients import CLIENTS, QUICK, sample
from devbroker import PROFILES, DevBroker, until


def confluent_member(broker, **settings):
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": broker.bootstrap, "group.id": "g", "auto.offset.reset": "earliest",
        "session.timeout.ms": 6000, "heartbeat.interval.ms": 100, **QUICK, **settings})
    consumer.subscribe(["t"])
    return consumer


def shared(profile, strategy):
    """Two members split the partitions; one leaves, the other gets all; records come once."""
    with DevBroker("--profile", profile, "--topic", "t:4") as broker:
        for partition in range(4):
            CLIENTS[0](broker).write("t", sample(50, f"{partition}-"), partition=partition)
        members = [confluent_member(broker, **{"partition.assignment.strategy": strategy})
                   for _ in range(2)]
        seen = {}

        def drain():
            for member in members:
                for message in member.consume(100, 0.05):
                    assert message.error() is None, message.error()
                    place = (message.partition(), message.offset())
                    seen[place] = seen.get(place, 0) + 1
            return members

        def split():
            drain()
            owned = [len(member.assignment()) for member in members]
            return sorted(owned) == [2, 2] or None

        until(20, "two partitions each", split)
        until(10, "all records", lambda: drain() and len(seen) == 200)
        for member in members:
            member.commit(asynchronous=False)
        members.pop().close()
        until(20, "all partitions", lambda: drain() and len(members[0].assignment()) == 4)
        CLIENTS[1](broker).write("t", sample(10), partition=3)
        until(10, "the new records", lambda: drain() and len(seen) == 210)
        members[0].commit(asynchronous=False)
        members.pop().close()
        again = confluent_member(broker)
        where = [confluent_kafka.TopicPartition("t", p) for p in range(4)]
        assert [o.offset for o in again.committed(where, 10)] == [50, 50, 50, 60]
        again.close()


def python_group(profile):
    with DevBroker("--profile", profile, "--topic", "t:2") as broker:
        for partition in range(2):
            CLIENTS[1](broker).write("t", sample(50), partition=partition)
        found, assigned, ends = [], {}, threading.Event()

        def member(index):
            consumer = kafka.KafkaConsumer(
                "t", bootstrap_servers=broker.bootstrap, group_id="g",
                auto_offset_reset="earliest", session_timeout_ms=6000,
                heartbeat_interval_ms=100, enable_auto_commit=False)
            while not ends.is_set():
                for messages in consumer.poll(100).values():
                    found.extend((m.partition, m.offset) for m in messages)
                assigned[index] = len(consumer.assignment())
                try:
                    if consumer.assignment():
                        consumer.commit()
                except (kafka.errors.CommitFailedError, kafka.errors.RebalanceInProgressError):
                    pass              # a rebalance came in between; the next round commits
            consumer.close()

        threads = [threading.Thread(target=member, args=(index,)) for index in range(2)]
        for thread in threads:
            thread.start()
            time.sleep(0.3)
        try:
            until(60, "one partition each", lambda: assigned == {0: 1, 1: 1})
            until(10, "all records", lambda: len(set(found)) == 100)
        finally:
            ends.set()
            for thread in threads:
                thread.join()


def static_member():
    """A static member that comes back in time keeps its partitions without a rebalance."""
    with DevBroker("--topic", "t:2") as broker:
        settings = {"group.instance.id": "here"}
        first = confluent_member(broker, **settings)
        until(10, "an assignment", lambda: first.consume(1, 0.05) is not None
              and len(first.assignment()) == 2)
        generation = broker.requests(14)
        first.close()
        second = confluent_member(broker, **settings)
        until(10, "an assignment", lambda: second.consume(1, 0.05) is not None
              and len(second.assignment()) == 2)
        assert broker.requests(13) == 0, "a static member does not leave"
        assert broker.requests(14) == generation + 1
        second.close()


def dead_member():
    """A member that stops its heartbeats is removed when its session is over."""
    with DevBroker("--topic", "t:2") as broker:
        dead = confluent_member(broker, **{"session.timeout.ms": 1000})
        until(10, "an assignment", lambda: dead.consume(1, 0.05) is not None
              and len(dead.assignment()) == 2)
        broker.do("inject", action="silence", api=12, times=1)
        live = confluent_member(broker)
        until(20, "the dead one's partitions", lambda: live.consume(1, 0.05) is not None
              and len(live.assignment()) == 2)
        live.close()
        dead.close()


def admin():
    from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic
    with DevBroker("--profile", "4.1", brokers=3) as broker:
        client = AdminClient({"bootstrap.servers": broker.bootstrap})
        made = client.create_topics([NewTopic("made", 6, 3), NewTopic("no/name", 1, 1)])
        made["made"].result(10)
        try:
            made["no/name"].result(10)
            raise AssertionError("a bad name was taken")
        except confluent_kafka.KafkaException as error:
            assert error.args[0].name() == "TOPIC_EXCEPTION", error
        topic = client.list_topics(timeout=60).topics["made"]
        assert len(topic.partitions) == 6
        assert {p.leader for p in topic.partitions.values()} == {1, 2, 3}
        assert all(len(p.replicas) == 3 for p in topic.partitions.values())
        resource = ConfigResource(ConfigResource.Type.TOPIC, "made")
        configs = client.describe_configs([resource])[resource].result(10)
        assert configs["cleanup.policy"].value == "delete"
        client.delete_topics(["made"])["made"].result(10)
        assert "made" not in client.list_topics(timeout=60).topics


def tests():
    for profile in PROFILES:
        yield f"groups of confluent-kafka, {profile}", lambda p=profile: shared(p, "range")
        yield f"groups of kafka-python, {profile}", lambda p=profile: python_group(p)
    yield "groups: cooperative", lambda: shared("4.1", "cooperative-sticky")
    yield "groups: a static member", static_member
    yield "groups: a dead member", dead_member
    yield "admin requests", admin
