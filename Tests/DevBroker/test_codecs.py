"""Both clients write and both read, with every codec, against every profile."""

from clients import CLIENTS, check, sample
from devbroker import CODECS, PROFILES, DevBroker


def crosswise(profile):
    with DevBroker("--profile", profile, "--topic", "t:10") as broker:
        partition = 0
        for writer in CLIENTS:
            for codec in CODECS:
                records = sample(300, f"{writer.name}-{codec}-")
                offsets = writer(broker).write("t", records, codec, partition)
                assert sorted(offsets) == list(range(300)), offsets
                for reader in CLIENTS:
                    for offset in (0, 157):
                        found = reader(broker).read("t", offset, 300 - offset, partition)
                        check(found, records, offset)
                partition += 1


def large_records():
    """Records over the partition limit, many batches, several partitions at once."""
    with DevBroker("--topic", "t:3") as broker:
        records = [(b"k%d" % i, bytes([i % 256]) * 200_000, [], 1_600_000_000_000 + i)
                   for i in range(20)]
        for partition, writer in enumerate(CLIENTS):
            writer(broker).write("t", records, "none", partition)
            for reader in CLIENTS:
                check(reader(broker).read("t", 0, 20, partition), records)


def acks():
    for client in CLIENTS:
        with DevBroker("--topic", "t") as broker:
            name = "acks" if client.name == "kafka-python" else "request.required.acks"
            for index, value in enumerate([0, 1, -1]):
                records = sample(50, f"{value}-")
                level = "all" if value == -1 and name == "acks" else value
                idempotence = {"enable_idempotence": False} if name == "acks" else {}
                client(broker).write("t", records, **{name: level}, **idempotence)
                found = client(broker).read("t", 50 * index, 50)
                check(found, records, 50 * index, 50 * index)


def too_large():
    """A batch over the broker's limit is refused, and nothing of it is there."""
    import confluent_kafka
    with DevBroker("--topic", "t") as broker:
        failures = []
        producer = confluent_kafka.Producer({
            "bootstrap.servers": broker.bootstrap, "message.max.bytes": 5_000_000})
        producer.produce("t", b"x" * 2_000_000,
                         on_delivery=lambda error, _: failures.append(error.name()))
        producer.flush(10)
        assert failures == ["MSG_SIZE_TOO_LARGE"], failures
        assert broker.do("offsets", topic="t")["log_end"] == 0


def tests():
    for profile in PROFILES:
        yield f"codecs crosswise, {profile}", lambda profile=profile: crosswise(profile)
    yield "large records", large_records
    yield "acks 0, 1, all", acks
    yield "too large a batch", too_large
