"""librdkafka's mock cluster: an independent broker, whose answer to a modern ApiVersions request is
broken."""

import confluent_kafka
from support import Client, Gateway, check_records, route


class Mock:
    """A producer whose librdkafka runs the mock brokers."""

    def __init__(self, brokers=3):
        self.producer = confluent_kafka.Producer({
            "test.mock.num.brokers": brokers, "linger.ms": 5, "log_level": 0})
        found = self.producer.list_topics(timeout=60).brokers.values()
        self.bootstrap = ",".join(f"{broker.host}:{broker.port}" for broker in found)

    def produce(self, topic, count, partition=0, **more):
        for number in range(count):
            self.producer.produce(topic, f"value {number}".encode(), f"key {number}".encode(),
                                  partition=partition, **more)
        assert self.producer.flush(10) == 0


def test_reads_every_partition():
    mock = Mock()
    for partition in range(4):
        mock.produce("demo", 100, partition)
    with Gateway(route(mock.bootstrap)) as gateway, Client(gateway.url()) as client:
        for partition in range(4):
            assert client.end("demo", -1, partition) == 100
            assert client.end("demo", -2, partition) == 0
            messages, offset = [], 0
            while offset < 100:
                reply = client.fetch("demo", offset, partition, max_bytes=1000)
                messages += reply.messages
                offset = reply.next_offset
            check_records(messages, "demo", 0)
            assert [message.value for message in messages] \
                == [f"value {number}".encode() for number in range(100)]
            assert messages[7].key == b"key 7"


def test_reads_headers_and_tombstones():
    mock = Mock(1)
    mock.producer.produce("t", None, b"gone", partition=0)
    mock.producer.produce("t", b"", b"", partition=0,
                          headers=[("a", b"1"), ("b", None), ("a", b"")])
    mock.producer.flush(10)
    with Gateway(route(mock.bootstrap)) as gateway, Client(gateway.url()) as client:
        first, second = client.read_all("t", 0, 2)
        assert not first.HasField("value") and first.key == b"gone", first
        assert second.HasField("value") and second.value == b"" and second.HasField("key")
        assert [(h.key, h.value, h.HasField("value")) for h in second.headers] \
            == [("a", b"1", True), ("b", b"", False), ("a", b"", True)], second


def test_every_codec():
    import pubsubgw
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        assert pubsubgw.has_feature(codec), codec
        mock = confluent_kafka.Producer({
            "test.mock.num.brokers": 1, "linger.ms": 50, "log_level": 0,
            "compression.type": codec})
        found = next(iter(mock.list_topics(timeout=60).brokers.values()))
        for number in range(500):
            mock.produce("t", b"the same again " * 5 + str(number).encode(), partition=0)
        mock.flush(10)
        with Gateway(route(f"{found.host}:{found.port}")) as gateway:
            with Client(gateway.url()) as client:
                messages = client.read_all("t", 0, 500, max_bytes=20000)
                check_records(messages, "t", 0)
                assert messages[499].value.endswith(b"499"), codec


def test_a_fetch_inside_a_batch_starts_where_asked():
    mock = Mock(1)
    mock.produce("t", 100)
    with Gateway(route(mock.bootstrap)) as gateway, Client(gateway.url()) as client:
        for offset in (0, 1, 50, 99):
            found = client.fetch("t", offset, max_bytes=1).messages
            assert [message.offset for message in found] == [offset], found
