"""Rows of the original's t/pubsub/kafka.t that need TLS or a login, against a broker with both."""

import os
import subprocess

import pubsub_pb2 as pb
from devbroker import DevBroker
from support import Client, Gateway, WORK, route


class TestConsumer(DevBroker):
    """The original's fixture: 30 records, one batch each."""

    def __init__(self, *options):
        super().__init__("--topic", "test-consumer", *options)
        for number in range(1, 31):
            self.do("append", topic="test-consumer", values=[f"testmsg{number}"])


def self_signed():
    """CN=127.0.0.1, as the original's broker has it."""
    key, certificate = (os.path.join(WORK, f"self-signed.{end}") for end in ("key", "pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
         certificate, "-subj", "/CN=127.0.0.1", "-days", "30"], check=True, capture_output=True)
    return "--tls-cert", certificate, "--tls-key", key


def test_row_5_kafka_with_tls():
    with TestConsumer(*self_signed()) as broker, Gateway(route(
            broker.bootstrap, uri="/kafka-tls", upstream_tls={"verify": False})) as gateway:
        with Client(gateway.url("/kafka-tls")) as client:
            assert client.end("test-consumer", -1) == 30
            assert client.fetch("test-consumer", 14).messages[0].value == b"testmsg15"


def test_row_6_kafka_with_tls_and_ssl_verify():
    with TestConsumer(*self_signed()) as broker, Gateway(route(
            broker.bootstrap, uri="/kafka-tlsv", upstream_tls={"verify": True})) as gateway:
        with Client(gateway.url("/kafka-tlsv")) as client:
            error = client.error(cmd_kafka_list_offset=pb.CmdKafkaListOffset(
                topic="test-consumer", timestamp=-1))
            assert error.code == 8, error
            gateway.log_line("self[- ]signed certificate", level=2)
            client.ping()


def test_row_7_kafka_with_sasl():
    with TestConsumer("--sasl", "admin:admin-secret:PLAIN") as broker, Gateway(route(
            broker.bootstrap, uri="/kafka-sasl", plugins={"kafka-proxy": {
                "sasl": {"username": "admin", "password": "admin-secret"}}})) as gateway:
        with Client(gateway.url("/kafka-sasl")) as client:
            assert client.end("test-consumer", -1) == 30
