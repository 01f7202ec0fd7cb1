"""The two clients behind one face: write records, read records."""

import time

import confluent_kafka
import kafka

# librdkafka asks for metadata of a topic that it does not know once in a while only.
QUICK = {"topic.metadata.refresh.interval.ms": 1000, "socket.timeout.ms": 10000,
         "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200}


def sample(count, prefix=""):
    """(key, value, headers, timestamp) of every shape that a record can have."""
    records = []
    for i in range(count):
        key = None if i % 7 == 3 else b"" if i % 7 == 5 else f"{prefix}k{i}".encode()
        value = None if i % 11 == 4 and key else b"" if i % 11 == 6 else \
            f"{prefix}value {i} ".encode() * (1 + i % 5)
        headers = [("h", bytes([i % 256])), ("h", b""), ("na\u00efve", b"\xff\x00")][: i % 4]
        records.append((key, value, headers, 1_600_000_000_000 + 1000 * i))
    return records


class Patience:
    SECONDS_MAX = 15

    def __init__(self, count, linger):
        self.count, self.linger = count, linger
        self.end = time.monotonic() + self.SECONDS_MAX
        self.complete = False

    def goes_on(self, found):
        if not self.complete and len(found) >= self.count:
            self.complete = True
            self.end = time.monotonic() + self.linger
        return time.monotonic() < self.end


class Confluent:
    name = "confluent"

    def __init__(self, broker, **settings):
        self.settings = {"bootstrap.servers": broker.bootstrap, **QUICK, **settings}

    def write(self, topic, records, codec="none", partition=0, **settings):
        failures, offsets = [], []

        def delivered(error, message):
            (failures if error else offsets).append(error or message.offset())

        producer = confluent_kafka.Producer(
            {**self.settings, "compression.type": codec, "linger.ms": 5, **settings})
        for key, value, headers, timestamp in records:
            producer.produce(topic, value, key, partition, timestamp=timestamp,
                             headers=headers, on_delivery=delivered)
        assert producer.flush(20) == 0, "not everything was delivered"
        assert not failures, failures[0]
        return offsets

    def read(self, topic, offset, count, partition=0, committed=False, linger=0):
        """Reads `count` records; goes on for `linger` seconds to see whether there are more."""
        consumer = confluent_kafka.Consumer({
            **self.settings, "group.id": "reader", "enable.auto.commit": False,
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            "auto.offset.reset": "error", "fetch.wait.max.ms": 100})
        consumer.assign([confluent_kafka.TopicPartition(topic, partition, offset)])
        found, wait = [], Patience(count, linger)
        while wait.goes_on(found):
            for message in consumer.consume(count, 0.2):
                assert message.error() is None, message.error()
                found.append((message.offset(), message.key(), message.value(),
                              message.headers() or [], message.timestamp()[1]))
        consumer.close()
        return found


class KafkaPython:
    name = "kafka-python"

    def __init__(self, broker, **settings):
        self.settings = {"bootstrap_servers": broker.bootstrap.split(","),
                         "reconnect_backoff_ms": 20, "reconnect_backoff_max_ms": 200, **settings}

    def write(self, topic, records, codec="none", partition=0, **settings):
        producer = kafka.KafkaProducer(
            **self.settings, compression_type=None if codec == "none" else codec, linger_ms=5,
            **settings)
        futures = [producer.send(topic, value, key, headers, partition, timestamp)
                   for key, value, headers, timestamp in records]
        producer.flush(20)
        offsets = [future.get(10).offset for future in futures]
        producer.close()
        return offsets

    def read(self, topic, offset, count, partition=0, committed=False, linger=0):
        """Reads `count` records; goes on for `linger` seconds to see whether there are more."""
        consumer = kafka.KafkaConsumer(
            **self.settings, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=100,
            isolation_level="read_committed" if committed else "read_uncommitted",
            auto_offset_reset="none")
        where = kafka.TopicPartition(topic, partition)
        consumer.assign([where])
        consumer.seek(where, offset)
        found, wait = [], Patience(count, linger)
        while wait.goes_on(found):
            for messages in consumer.poll(200).values():
                found += [(m.offset, m.key, m.value, list(m.headers), m.timestamp)
                          for m in messages]
        consumer.close()
        return found


CLIENTS = [Confluent, KafkaPython]


def check(found, records, offset=0, base=0):
    """`found`, read from `offset` on, are `records`, of which the first has the offset `base`."""
    wanted = [(base + i, *record) for i, record in enumerate(records)][offset - base:]
    for got, want in zip(found, wanted):
        got, want = list(got), list(want)
        got[3] = [(name, value) for name, value in got[3]]
        assert got == want, f"got {got}, wanted {want}"
    assert len(found) == len(wanted), f"{len(found)} records, wanted {len(wanted)}"
