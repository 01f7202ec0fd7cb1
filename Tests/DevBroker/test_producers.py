"""What a broker tells producers beside "stored": both clients understand it and get over it."""

import confluent_kafka
import kafka
import kafka.errors
from clients import CLIENTS, check, sample
from devbroker import DevBroker, until

PATIENT = {"retry.backoff.ms": 20, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 50}


def told(code):
    """An answer that tells an error of records that were stored: each is there once."""
    for client, settings in ((CLIENTS[0], {"enable.idempotence": True, **PATIENT}),
                             (CLIENTS[1], {"enable_idempotence": True, "retry_backoff_ms": 20})):
        with DevBroker("--topic", "t") as broker:
            broker.do("inject", action="error-after", code=code, api=0, times=2)
            records = sample(60)
            client(broker).write("t", records, **settings)
            broker.do("inject", action="error-after", code=code, api=0)
            client(broker).write("t", records, **settings)
            found = client(broker).read("t", 0, 120, linger=0.4)
            check(found[:60], records)
            check(found[60:], records, 60, 60)


def refused(profile):
    """A record without a key in a compacted topic, and one that is too large."""
    with DevBroker("--profile", profile) as broker:
        broker.do("create-topic", topic="c", cleanup_policy="compact")
        broker.do("create-topic", topic="s", message_bytes_max=500)
        code = 2 if profile == "2.1" else 87
        for topic, key, value, wanted in [("c", None, b"v", code), ("s", b"k", b"x" * 600, 10)]:
            assert failure_of_confluent(broker, topic, key, value) == wanted, topic
            assert failure_of_kafka_python(broker, topic, key, value) == wanted, topic
        for client in CLIENTS:
            client(broker).write("c", [(b"k", b"v", [], 1_600_000_000_000)])
        assert broker.do("offsets", topic="c")["log_end"] == 2
        assert broker.do("offsets", topic="s")["log_end"] == 0


def failure_of_confluent(broker, topic, key, value):
    errors = []
    producer = confluent_kafka.Producer({
        "bootstrap.servers": broker.bootstrap, "retries": 2, "linger.ms": 0, **PATIENT})
    producer.produce(topic, value, key, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(10) == 0
    return errors[0].code()


def failure_of_kafka_python(broker, topic, key, value):
    producer = kafka.KafkaProducer(
        bootstrap_servers=broker.bootstrap, retries=2, retry_backoff_ms=20)
    try:
        producer.send(topic, value, key).get(10)
    except kafka.errors.KafkaError as error:
        return error.errno
    finally:
        producer.close()
    raise AssertionError("a record was stored that had to be refused")


def forgotten():
    """A release of old has forgotten the producer with its records: librdkafka begins anew."""
    for profile in ("2.1", "4.1"):
        with DevBroker("--profile", profile, "--topic", "t") as broker:
            producer = confluent_kafka.Producer({
                "bootstrap.servers": broker.bootstrap, "enable.idempotence": True, "linger.ms": 0,
                **PATIENT})
            for step in range(4):
                producer.produce("t", str(step))
                assert producer.flush(10) == 0
                broker.do("delete-records", topic="t", offset=step + 1)
                broker.do("forget-producers", topic="t")
            assert broker.do("offsets", topic="t")["log_end"] == 4


def replicas():
    """Too few replicas in sync: the producer waits until there are enough."""
    with DevBroker(brokers=2) as broker:
        broker.do("create-topic", topic="t", in_sync_replicas_min=2)
        leader = broker.do("offsets", topic="t")["leader"]
        broker.do("take-down", broker=3 - leader)
        producer = confluent_kafka.Producer({
            "bootstrap.servers": broker.bootstrap, "acks": "all", "linger.ms": 0, **PATIENT})
        reports = []
        producer.produce("t", "a", on_delivery=lambda error, _: reports.append(error))
        until(10, "a second attempt", lambda: producer.poll(0.02) or broker.requests(0) > 1)
        assert not reports and broker.do("offsets", topic="t")["log_end"] == 0
        broker.do("bring-up", broker=3 - leader)
        assert producer.flush(10) == 0
        assert reports == [None] and broker.do("offsets", topic="t")["log_end"] == 1


def quota():
    """A producer above its quota is told so, and slowed down."""
    with DevBroker("--topic", "t") as broker:
        broker.do("set-quota", kind="produce", per_second=20_000)
        throttled = []
        producer = confluent_kafka.Producer({
            "bootstrap.servers": broker.bootstrap, "linger.ms": 0, "client.id": "greedy",
            "throttle_cb": throttled.append})
        for _ in range(4):
            producer.produce("t", b"x" * 10_000)
            assert producer.flush(20) == 0
        # A second's worth is free: the last two are above it by half a second's each.
        until(5, "a long throttle", lambda: producer.poll(0.05) or any(
            event.throttle_time > 0.1 for event in throttled))

        python = kafka.KafkaProducer(bootstrap_servers=broker.bootstrap, client_id="as greedy")
        for _ in range(4):
            python.send("t", b"x" * 10_000).get(20)
        longest = [group["throttle-time-max"] for group in python.metrics().values()
                   if "throttle-time-max" in group]
        assert max(longest) > 100, longest
        python.close()
        assert broker.do("offsets", topic="t")["log_end"] == 8


def transactions(profile):
    """Markers that take their time, and an end whose answer is lost: each transaction once."""
    with DevBroker("--profile", profile, "--topic", "t") as broker:
        broker.do("delay-markers", milliseconds=150)
        settings = {"bootstrap.servers": broker.bootstrap, **PATIENT}
        first = confluent_kafka.Producer({**settings, "transactional.id": "one"})
        second = kafka.KafkaProducer(
            bootstrap_servers=broker.bootstrap, transactional_id="two", retry_backoff_ms=20)
        first.init_transactions(10)
        second.init_transactions()
        for step in range(4):
            if step % 2:
                broker.do("inject", action="close", api=26)
            first.begin_transaction()
            first.produce("t", f"c{step}")
            first.flush(10)
            (first.commit_transaction if step < 3 else first.abort_transaction)(10)
            second.begin_transaction()
            second.send("t", f"k{step}".encode())
            second.flush(10)
            (second.commit_transaction if step < 3 else second.abort_transaction)()
        second.close()
        wanted = [f"{who}{step}".encode() for step in range(3) for who in "ck"]
        offsets = until(5, "the last markers", lambda: closed(broker))
        assert offsets["log_end"] == 16, offsets
        for client in CLIENTS:
            found = client(broker).read("t", 0, 6, committed=True, linger=0.4)
            assert [value for _, _, value, _, _ in found] == wanted, client.name


def closed(broker):
    offsets = broker.do("offsets", topic="t")
    return offsets["last_stable_offset"] == offsets["log_end"] and offsets


def tests():
    for code in (7, 20):
        yield f"producers: error {code} of stored records", lambda code=code: told(code)
    for profile in ("2.1", "4.1"):
        yield f"producers: refused records, {profile}", lambda p=profile: refused(p)
        yield f"producers: slow markers and lost ends, {profile}", (
            lambda p=profile: transactions(p))
    yield "producers: forgotten by their broker", forgotten
    yield "producers: too few replicas", replicas
    yield "producers: quota", quota
