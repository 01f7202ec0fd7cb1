"""TLS and mutual TLS, alone and under a login."""

import pathlib
import subprocess
import tempfile

import confluent_kafka
import kafka
from clients import Confluent, KafkaPython, check, sample
from devbroker import DevBroker, until


class Authority:
    """A certificate authority for one test."""

    def __init__(self):
        self.place = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.place.name)
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                     "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority")
        for name in ("server", "client"):
            (self.root / f"{name}.ext").write_text(
                "subjectAltName=DNS:localhost,IP:127.0.0.1\n" if name == "server" else
                "extendedKeyUsage=clientAuth\n")
            self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key",
                         "-out", f"{name}.csr", "-subj", f"/CN={name}")
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey",
                         "ca.key", "-CAcreateserial", "-days", "2", "-out", f"{name}.pem",
                         "-extfile", f"{name}.ext")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.root, check=True, capture_output=True)

    def __getitem__(self, name):
        return str(self.root / name)

    def server(self, mutual=False):
        options = ["--tls-cert", self["server.pem"], "--tls-key", self["server.key"]]
        return options + (["--client-ca", self["ca.pem"]] if mutual else [])

    def confluent(self, mutual=False, protocol="ssl"):
        mine = {"ssl.certificate.location": self["client.pem"],
                "ssl.key.location": self["client.key"]} if mutual else {}
        return {"security.protocol": protocol, "ssl.ca.location": self["ca.pem"], **mine}

    def python(self, mutual=False, protocol="SSL"):
        mine = {"ssl_certfile": self["client.pem"],
                "ssl_keyfile": self["client.key"]} if mutual else {}
        return {"security_protocol": protocol, "ssl_cafile": self["ca.pem"], **mine}


def both(mutual):
    authority = Authority()
    with DevBroker("--topic", "t", *authority.server(mutual)) as broker:
        # Larger than what a socket takes at once.
        records = sample(200) + [(b"big%d" % i, bytes([i]) * 300_000, [], 1_700_000_000_000)
                                 for i in range(5)]
        first = Confluent(broker, **authority.confluent(mutual))
        second = KafkaPython(broker, **authority.python(mutual))
        first.write("t", records)
        check(second.read("t", 0, 205), records)
        check(first.read("t", 0, 205), records)
        second.write("t", records)
        check(first.read("t", 205, 205), records, 205, 205)


def without_certificate():
    authority = Authority()
    with DevBroker("--topic", "t", *authority.server(mutual=True)) as broker:
        errors = []
        client = confluent_kafka.Consumer({
            "bootstrap.servers": broker.bootstrap, "group.id": "g",
            "error_cb": lambda error: errors.append(error.str()), **authority.confluent()})
        client.subscribe(["t"])
        until(10, "a refusal", lambda: client.poll(0.05) is None and errors)
        client.close()
        assert broker.requests(3) == 0
        # The next client is served.
        assert KafkaPython(broker, **authority.python(True)).write("t", sample(1)) == [0]


def plain_client():
    authority = Authority()
    with DevBroker("--topic", "t", *authority.server()) as broker:
        try:
            kafka.KafkaConsumer(bootstrap_servers=broker.bootstrap, bootstrap_timeout_ms=2000)
            raise AssertionError("a plain client was served")
        except kafka.errors.KafkaError:
            pass
        assert KafkaPython(broker, **authority.python()).write("t", sample(1)) == [0]


def with_login():
    authority = Authority()
    with DevBroker("--topic", "t", "--sasl", "ann:secret", *authority.server()) as broker:
        records = sample(20)
        Confluent(broker, **authority.confluent(protocol="sasl_ssl"), **{
            "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "ann",
            "sasl.password": "secret"}).write("t", records)
        found = KafkaPython(
            broker, **authority.python(protocol="SASL_SSL"), sasl_mechanism="PLAIN",
            sasl_plain_username="ann", sasl_plain_password="secret").read("t", 0, 20)
        check(found, records)


def tests():
    yield "tls: both clients", lambda: both(False)
    yield "tls: client certificates", lambda: both(True)
    yield "tls: a client without a certificate", without_certificate
    yield "tls: a client without tls", plain_client
    yield "tls: with a login", with_login
