"""Leaders move, brokers die, answers go wrong: clients get over it, no record is lost."""

import confluent_kafka
from clients import CLIENTS, QUICK, check, sample
from devbroker import DevBroker, until


def moving(client):
    """Records come once and in order while leaders move and brokers go down and up."""
    with DevBroker("--topic", "t", "--records", "t:1000:50", brokers=3) as broker:
        for step in range(6):
            leader = broker.do("offsets", topic="t")["leader"]
            if step % 2:
                broker.do("take-down", broker=leader)
                assert broker.do("offsets", topic="t")["leader"] not in (leader, -1)
            else:
                broker.do("move-leader", topic="t", broker=leader % 3 + 1)
            records = sample(20, f"step {step} ")
            client(broker).write("t", records)
            base = 1000 + 20 * step
            found = client(broker).read("t", base, 20)
            check(found, records, base, base)
            if step % 2:
                broker.do("bring-up", broker=leader)


def under_a_consumer():
    """A consumer that runs meanwhile follows the leader."""
    with DevBroker("--topic", "t", brokers=3) as broker:
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": broker.bootstrap, "group.id": "g", "fetch.wait.max.ms": 100,
            "enable.auto.commit": False, **QUICK})
        consumer.assign([confluent_kafka.TopicPartition("t", 0, 0)])
        found = []

        def consumed(count):
            found.extend(m.value() for m in consumer.consume(100, 0.05) if not m.error())
            return len(found) >= count

        for step in range(5):
            broker.do("append", topic="t", values=[f"{step}"])
            until(20, f"record {step}", lambda: consumed(step + 1))
            leader = broker.do("offsets", topic="t")["leader"]
            broker.do("move-leader", topic="t", broker=leader % 3 + 1)
        assert found == [b"0", b"1", b"2", b"3", b"4"], found
        consumer.close()


def injected():
    """Errors that a client has to get over by itself."""
    with DevBroker("--topic", "t", "--records", "t:100:50") as broker:
        for action in [{"action": "error", "code": code} for code in (3, 5, 6, 56, 74, 75)] + [
                {"action": "delay", "milliseconds": 300}, {"action": "close"},
                {"action": "cut", "bytes": 30}, {"action": "throttle", "milliseconds": 200}]:
            broker.do("inject", api=1, times=2, **action)
            found = CLIENTS[0](broker).read("t", 0, 100)
            assert [record[0] for record in found] == list(range(100)), action
            broker.do("clear-faults")


def session_errors():
    """kafka-python uses fetch sessions: it opens another when one is gone."""
    import kafka
    with DevBroker("--topic", "t") as broker:
        consumer = kafka.KafkaConsumer(bootstrap_servers=broker.bootstrap, fetch_max_wait_ms=100)
        consumer.assign([kafka.TopicPartition("t", 0)])
        consumer.seek(kafka.TopicPartition("t", 0), 0)
        found = []

        def polled(count):
            for messages in consumer.poll(100).values():
                found.extend(m.value for m in messages)
            return len(found) >= count

        for step in range(4):
            broker.do("append", topic="t", values=[f"{step}"])
            until(10, f"record {step}", lambda: polled(step + 1))
            if step % 2:
                broker.do("drop-fetch-sessions", broker=1)
            else:
                broker.do("inject", action="error", api=1, code=71)
        assert found == [b"0", b"1", b"2", b"3"], found
        consumer.close()


def recreated():
    with DevBroker("--topic", "t", "--records", "t:50:20") as broker:
        for client in CLIENTS:
            broker.do("recreate-topic", topic="t")
            records = sample(5)
            assert client(broker).write("t", records) == list(range(5))
            check(client(broker).read("t", 0, 5), records)


def compacted():
    """Gaps of compaction, tombstones, deleted records."""
    with DevBroker("--topic", "t") as broker:
        records = [(b"k%d" % (i % 10), b"v%d" % i, [], 1_600_000_000_000 + i) for i in range(100)]
        for start in range(0, 100, 20):
            CLIENTS[1](broker).write("t", records[start:start + 20], "gzip")
        broker.do("compact", topic="t")
        for client in CLIENTS:
            found = client(broker).read("t", 0, 10)
            assert [record[0] for record in found] == list(range(90, 100)), client.name
        broker.do("delete-records", topic="t", offset=95)
        for client in CLIENTS:
            assert [r[0] for r in client(broker).read("t", 95, 5)] == list(range(95, 100))
        assert broker.do("offsets", topic="t")["log_start"] == 95


def tests():
    for client in CLIENTS:
        yield f"faults: moving leaders, {client.name}", lambda client=client: moving(client)
    yield "faults: moving leaders under a consumer", under_a_consumer
    yield "faults: injected", injected
    yield "faults: fetch sessions", session_errors
    yield "faults: a topic made again", recreated
    yield "faults: compaction and deleted records", compacted
