"""Logins: every mechanism, right and wrong, and logins that run out."""

import time

import confluent_kafka
import kafka
from clients import Confluent, KafkaPython, check, sample
from devbroker import DevBroker, until

MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


def confluent_login(mechanism, password, user="ann"):
    return {"security.protocol": "sasl_plaintext", "sasl.mechanism": mechanism,
            "sasl.username": user, "sasl.password": password}


def python_login(mechanism, password, user="ann"):
    return {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": mechanism,
            "sasl_plain_username": user, "sasl_plain_password": password}


def right(mechanism, profile):
    with DevBroker("--profile", profile, "--topic", "t", "--sasl", "ann:p=w,d",
                   "--sasl", f"bob:other:{mechanism}") as broker:
        records = sample(40)
        first = Confluent(broker, **confluent_login(mechanism, "p=w,d"))
        second = KafkaPython(broker, **python_login(mechanism, "other", "bob"))
        first.write("t", records)
        check(second.read("t", 0, 40), records)
        check(first.read("t", 0, 40), records)


def wrong(mechanism):
    with DevBroker("--topic", "t", "--sasl", "ann:secret") as broker:
        errors = []
        client = confluent_kafka.Consumer({
            "bootstrap.servers": broker.bootstrap, "group.id": "g",
            "error_cb": lambda error: errors.append(error.str()),
            **confluent_login(mechanism, "wrong")})
        client.subscribe(["t"])
        until(10, "the refusal", lambda: client.poll(0.05) is None and any(
            "Authentication failed" in text or "Invalid username" in text for text in errors))
        client.close()
        try:
            kafka.KafkaConsumer(bootstrap_servers=broker.bootstrap,
                                bootstrap_timeout_ms=3000,
                                **python_login(mechanism, "wrong"))
            raise AssertionError("a wrong password was taken")
        except kafka.errors.KafkaError:
            pass
        assert broker.requests(3) == 0, "metadata before a login"


def unknown_mechanism():
    with DevBroker("--sasl", "ann:secret:PLAIN") as broker:
        errors = []
        client = confluent_kafka.Consumer({
            "bootstrap.servers": broker.bootstrap, "group.id": "g",
            "error_cb": lambda error: errors.append(error.str()),
            **confluent_login("SCRAM-SHA-512", "secret")})
        client.subscribe(["t"])
        until(10, "the refusal", lambda: client.poll(0.05) is None and any(
            "mechanism" in text for text in errors))
        client.close()


def running_out():
    """A session of half a second: the client logs in again on the same connection."""
    with DevBroker("--topic", "t", "--sasl", "ann:secret", "--session-lifetime", 500) as broker:
        client = confluent_kafka.Consumer({
            "bootstrap.servers": broker.bootstrap, "group.id": "g", "fetch.wait.max.ms": 50,
            **confluent_login("SCRAM-SHA-256", "secret")})
        client.assign([confluent_kafka.TopicPartition("t", 0, 0)])
        found, end, step = [], time.monotonic() + 3, 0
        while time.monotonic() < end:
            broker.do("append", topic="t", values=[f"{step}"])
            step += 1
            found += [m.value() for m in client.consume(10, 0.2) if not m.error()]
        until(5, "the last record", lambda: found.extend(
            m.value() for m in client.consume(10, 0.05)) or len(found) == step)
        assert found == [str(i).encode() for i in range(step)]
        connection = max(broker.do("stats")["connections"],
                         key=lambda c: c["requests"].get("36", 0))
        assert connection["requests"]["36"] >= 6, connection
        assert connection["user"] == "ann", connection
        client.close()


def tests():
    for mechanism in MECHANISMS:
        for profile in ("2.1", "4.1"):
            yield (f"sasl: {mechanism}, {profile}",
                   lambda mechanism=mechanism, profile=profile: right(mechanism, profile))
        yield f"sasl: {mechanism}, wrong password", lambda mechanism=mechanism: wrong(mechanism)
    yield "sasl: a mechanism that is not there", unknown_mechanism
    yield "sasl: a login that runs out", running_out
