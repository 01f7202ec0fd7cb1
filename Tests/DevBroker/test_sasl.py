"""Logins: every mechanism, right and wrong, and logins that run out."""

import base64
import json
import os
import shutil
import subprocess
import time

import confluent_kafka
import kafka
import kafka.net.sasl.oauth
import kerberos
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


def jws(user, seconds):
    """A token that nobody has signed (KIP-255)."""
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    now = time.time()
    return f"{part({'alg': 'none'})}.{part({'sub': user, 'iat': now - 1, 'exp': now + seconds})}."


class Provider(kafka.net.sasl.oauth.AbstractTokenProvider):
    def __init__(self, token):
        self._token, self.given = token, 0

    def token(self):
        self.given += 1
        return self._token()

    def extensions(self):
        return {"traceId": "9"}


def python_bearer(token):
    return {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "OAUTHBEARER",
            "sasl_oauth_token_provider": Provider(token)}


def confluent_bearer(token, seconds=60):
    return {"security.protocol": "sasl_plaintext", "sasl.mechanism": "OAUTHBEARER",
            "oauth_cb": lambda _: (token(), time.time() + seconds, "ann", {"traceId": "9"})}


def bearer(profile):
    with DevBroker("--profile", profile, "--topic", "t", "--token", "opaque:ann",
                   "--unsecured-tokens") as broker:
        records = sample(40)
        first = Confluent(broker, **confluent_bearer(lambda: "opaque"))
        second = KafkaPython(broker, **python_bearer(lambda: jws("bob", 60)))
        first.write("t", records)
        check(second.read("t", 0, 40), records)
        reader = confluent_kafka.Consumer({
            "bootstrap.servers": broker.bootstrap, "group.id": "g",
            **confluent_bearer(lambda: "opaque")})
        reader.assign([confluent_kafka.TopicPartition("t", 0, 0)])
        assert len(reader.consume(40, 20)) == 40
        told = [(c["user"], c["extensions"]) for c in broker.do("stats")["connections"] if c["user"]]
        assert ("ann", {"traceId": "9"}) in told, told
        reader.close()


def wrong_bearer():
    with DevBroker("--token", "opaque:ann") as broker:
        errors = []
        client = confluent_kafka.Consumer({
            "bootstrap.servers": broker.bootstrap, "group.id": "g",
            "error_cb": lambda error: errors.append(error.str()),
            **confluent_bearer(lambda: "other")})
        client.subscribe(["t"])
        until(10, "the refusal", lambda: client.poll(0.05) is None and any(
            "invalid_token" in text for text in errors))
        client.close()
        try:
            kafka.KafkaConsumer(bootstrap_servers=broker.bootstrap, bootstrap_timeout_ms=3000,
                                **python_bearer(lambda: "other"))
            raise AssertionError("a wrong token was taken")
        except kafka.errors.KafkaError:
            pass
        assert broker.requests(3) == 0, "metadata before a login"


def bearer_running_out():
    """Tokens of five seconds: the client logs in again on the same connection with the next one."""
    with DevBroker("--topic", "t", "--unsecured-tokens") as broker:
        given = []

        def token(_):
            given.append(jws("ann", 5))
            return given[-1], time.time() + 5
        client = confluent_kafka.Consumer({
            "bootstrap.servers": broker.bootstrap, "group.id": "g", "fetch.wait.max.ms": 50,
            "security.protocol": "sasl_plaintext", "sasl.mechanism": "OAUTHBEARER",
            "oauth_cb": token})
        client.assign([confluent_kafka.TopicPartition("t", 0, 0)])
        found, end, step, logins = [], time.monotonic() + 40, 0, 0
        # A busy machine may be late with one: then the broker ends the connection, as it must.
        while (logins < 2 or len(given) < 2) and time.monotonic() < end:
            broker.do("append", topic="t", values=[f"{step}"])
            step += 1
            found += [m.value() for m in client.consume(10, 0.2) if not m.error()]
            logins = max(c["requests"].get("36", 0) for c in broker.do("stats")["connections"])
        until(5, "the last record", lambda: found.extend(
            m.value() for m in client.consume(10, 0.05)) or len(found) == step)
        assert found == [str(i).encode() for i in range(step)]
        assert len(given) >= 2, given
        assert logins >= 2, broker.do("stats")["connections"]
        client.close()


def delegation_token(mechanism):
    """Neither client knows tokenauth: without it the id is no user."""
    with DevBroker("--topic", "t", "--delegation-token", "id:aG1hYw==:ann") as broker:
        errors = []
        client = confluent_kafka.Consumer({
            "bootstrap.servers": broker.bootstrap, "group.id": "g",
            "error_cb": lambda error: errors.append(error.str()),
            **confluent_login(mechanism, "aG1hYw==", "id")})
        client.subscribe(["t"])
        until(10, "the refusal", lambda: client.poll(0.05) is None and any(
            "Authentication failed" in text for text in errors))
        client.close()


def gssapi():
    """Debian's librdkafka logs in by Cyrus and Kerberos, from its own keytab."""
    reason = kerberos.missing() or (
        "" if shutil.which("kcat") else "kcat is not installed (Debian: kcat)")
    if reason:
        return reason
    with kerberos.Realm() as realm:
        os.environ.update(realm.environment, KRB5_KTNAME=realm.keytab("kafka/localhost"),
                          KRB5CCNAME="FILE:" + realm.path("kcat"))
        keytab = realm.keytab("ann")
        with DevBroker("--records", "t:20:10", "--kerberos", "localhost", "--advertise",
                       "localhost") as broker:
            settings = {
                "security.protocol": "sasl_plaintext", "sasl.mechanism": "GSSAPI",
                "sasl.kerberos.keytab": keytab, "sasl.kerberos.principal": "ann"}
            command = ["kcat", "-b", f"localhost:{broker.ports[0]}", "-C", "-t", "t", "-e", "-q"]
            for key, value in settings.items():
                command += ["-X", f"{key}={value}"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=100)
            if "not supported in build" in done.stderr:
                return "this kcat was built without GSSAPI"
            assert len(done.stdout.splitlines()) == 20, done
            assert "ann" in {c["user"] for c in broker.do("stats")["connections"]} or \
                broker.requests(36) >= 3, broker.do("stats")
    return None


def tests():
    yield "sasl: GSSAPI", gssapi
    for profile in ("2.1", "4.1"):
        yield f"sasl: OAUTHBEARER, {profile}", lambda profile=profile: bearer(profile)
    yield "sasl: OAUTHBEARER, wrong token", wrong_bearer
    yield "sasl: OAUTHBEARER, tokens that run out", bearer_running_out
    for mechanism in MECHANISMS[1:]:
        yield (f"sasl: {mechanism}, a delegation token without tokenauth is refused",
               lambda mechanism=mechanism: delegation_token(mechanism))
    for mechanism in MECHANISMS:
        for profile in ("2.1", "4.1"):
            yield (f"sasl: {mechanism}, {profile}",
                   lambda mechanism=mechanism, profile=profile: right(mechanism, profile))
        yield f"sasl: {mechanism}, wrong password", lambda mechanism=mechanism: wrong(mechanism)
    yield "sasl: a mechanism that is not there", unknown_mechanism
    yield "sasl: a login that runs out", running_out
