"""Transactions of both clients, seen under both isolation levels."""

import time

import confluent_kafka
import kafka
from clients import CLIENTS
from devbroker import PROFILES, DevBroker


def values(client, broker, committed, count):
    return [value for _, _, value, _, _ in
            client(broker).read("t", 0, count, committed=committed, linger=0.4)]


def expect(broker, plain, committed):
    for client in CLIENTS:
        assert values(client, broker, False, len(plain)) == plain, client.name
        assert values(client, broker, True, len(committed)) == committed, client.name


def by_confluent(profile):
    with DevBroker("--profile", profile, "--topic", "t") as broker:
        settings = {"bootstrap.servers": broker.bootstrap}
        first = confluent_kafka.Producer({**settings, "transactional.id": "one"})
        other = confluent_kafka.Producer({**settings, "transactional.id": "two"})
        plain = confluent_kafka.Producer(settings)
        for producer in (first, other):
            producer.init_transactions(10)
        for value, end in [(b"c1", first.commit_transaction), (b"a1", first.abort_transaction),
                           (b"c2", first.commit_transaction)]:
            first.begin_transaction()
            first.produce("t", value)
            first.flush(10)
            plain.produce("t", b"plain after " + value)
            plain.flush(10)
            end(10)
        everything = [b"c1", b"plain after c1", b"a1", b"plain after a1", b"c2", b"plain after c2"]
        good = [value for value in everything if value != b"a1"]
        expect(broker, everything, good)

        other.begin_transaction()
        other.produce("t", b"open")
        other.flush(10)
        plain.produce("t", b"behind")
        plain.flush(10)
        expect(broker, everything + [b"open", b"behind"], good)
        offsets = broker.do("offsets", topic="t")
        assert offsets["last_stable_offset"] == offsets["high_watermark"] - 2, offsets

        # The same transactional id again: the first producer is fenced, its transaction aborted.
        fencer = confluent_kafka.Producer({**settings, "transactional.id": "two"})
        fencer.init_transactions(10)
        expect(broker, everything + [b"open", b"behind"], good + [b"behind"])
        try:
            other.commit_transaction(10)
            raise AssertionError("a fenced producer committed")
        except confluent_kafka.KafkaException as error:
            assert error.args[0].fatal(), error
        offsets = broker.do("offsets", topic="t")
        assert offsets["last_stable_offset"] == offsets["high_watermark"], offsets


def by_kafka_python(profile):
    with DevBroker("--profile", profile, "--topic", "t") as broker:
        producer = kafka.KafkaProducer(
            bootstrap_servers=broker.bootstrap, transactional_id="one")
        producer.init_transactions()
        for value, commits in [(b"a", False), (b"b", True), (b"c", False), (b"d", True)]:
            producer.begin_transaction()
            producer.send("t", value)
            producer.flush(10)
            (producer.commit_transaction if commits else producer.abort_transaction)()
        producer.close()
        expect(broker, [b"a", b"b", b"c", b"d"], [b"b", b"d"])


def offsets_in_transactions():
    """Consume, transform, produce: positions count with the commit only."""
    with DevBroker("--topic", "t", "--records", "source:10:20") as broker:
        settings = {"bootstrap.servers": broker.bootstrap}
        consumer = confluent_kafka.Consumer({
            **settings, "group.id": "g", "enable.auto.commit": False,
            "auto.offset.reset": "earliest"})
        consumer.subscribe(["source"])
        assert len(consumer.consume(5, 10)) == 5
        producer = confluent_kafka.Producer({**settings, "transactional.id": "eos"})
        producer.init_transactions(10)
        where = confluent_kafka.TopicPartition("source", 0, 5)
        for commits, wanted in [(False, confluent_kafka.OFFSET_INVALID), (True, 5)]:
            producer.begin_transaction()
            producer.produce("t", b"result")
            producer.send_offsets_to_transaction([where], consumer.consumer_group_metadata(), 10)
            (producer.commit_transaction if commits else producer.abort_transaction)(10)
            committed = consumer.committed([where], 10)[0]
            assert committed.offset == wanted, committed
        consumer.close()


def idempotent_duplicates():
    """A lost answer makes the producer send again; the broker keeps one copy."""
    with DevBroker("--topic", "t") as broker:
        broker.do("inject", action="close", api=0, times=3)
        producer = confluent_kafka.Producer({
            "bootstrap.servers": broker.bootstrap, "enable.idempotence": True,
            "retry.backoff.ms": 20, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 50,
            "linger.ms": 1})
        for i in range(200):
            producer.produce("t", str(i))
            producer.poll(0)
        assert producer.flush(20) == 0
        found = values(CLIENTS[0], broker, False, 200)
        assert found == [str(i).encode() for i in range(200)], found


def late_by_confluent(profile):
    """A transaction that was open for too long is aborted. librdkafka takes that for another
    producer's doing, and whoever comes next with the id goes on."""
    with DevBroker("--profile", profile, "--topic", "t") as broker:
        settings = {"bootstrap.servers": broker.bootstrap, "transactional.id": "one"}
        late = confluent_kafka.Producer({**settings, "transaction.timeout.ms": 1000})
        late.init_transactions(10)
        late.begin_transaction()
        late.produce("t", b"a")
        late.flush(10)
        time.sleep(2)
        expect(broker, [b"a"], [])
        try:
            late.produce("t", b"b")
            late.commit_transaction(10)
            raise AssertionError("it was committed")
        except confluent_kafka.KafkaException as error:
            assert error.args[0].fatal(), error
        other = confluent_kafka.Producer(settings)
        other.init_transactions(10)
        other.begin_transaction()
        other.produce("t", b"c")
        other.commit_transaction(10)
        expect(broker, [b"a", b"c"], [b"c"])


def late_by_kafka_python(profile):
    """kafka-python comes back with its old id and epoch (KIP-360, KIP-588), unless another
    producer has the id by now."""
    with DevBroker("--profile", profile, "--topic", "t") as broker:
        settings = {"bootstrap_servers": broker.bootstrap, "transactional_id": "one"}
        late = kafka.KafkaProducer(**settings, transaction_timeout_ms=1000)
        late.init_transactions()
        late.begin_transaction()
        late.send("t", b"a").get(10)
        time.sleep(2)
        try:
            late.send("t", b"b").get(10)
            raise AssertionError("it was stored")
        except kafka.errors.InvalidProducerEpochError:
            pass
        for value in (b"c", b"d"):
            wait(late.begin_transaction)
            late.send("t", value).get(10)
            late.commit_transaction()
        other = kafka.KafkaProducer(**settings)
        other.init_transactions()
        try:
            late.begin_transaction()
            late.send("t", b"e").get(10)
            late.commit_transaction()
            raise AssertionError("a fenced producer committed")
        except kafka.errors.KafkaError as error:
            assert "Fenced" in repr(error) or "InvalidProducerEpoch" in repr(error), error
        other.begin_transaction()
        other.send("t", b"f").get(10)
        other.commit_transaction()
        expect(broker, [b"a", b"c", b"d", b"f"], [b"c", b"d", b"f"])
        for producer in (late, other):
            producer.close(1)


def wait(step):
    """Does it as soon as the client lets one."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return step()
        except kafka.errors.KafkaError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def tests():
    for profile in PROFILES:
        yield f"transactions of confluent-kafka, {profile}", lambda p=profile: by_confluent(p)
        yield f"transactions of kafka-python, {profile}", lambda p=profile: by_kafka_python(p)
        yield f"late transactions of confluent-kafka, {profile}", lambda p=profile: late_by_confluent(p)
        if profile != "2.1":
            yield (f"late transactions of kafka-python, {profile}",
                   lambda p=profile: late_by_kafka_python(p))
    yield "transactions: committed positions", offsets_in_transactions
    yield "transactions: idempotent producer after lost answers", idempotent_duplicates
