"""A real cluster, where the environment names one:

    KAFKA_BOOTSTRAP=host:port,...      the brokers
    KAFKA_TLS=1, KAFKA_CA=file, KAFKA_CERT=file, KAFKA_KEY=file, KAFKA_VERIFY=0
    KAFKA_SASL=PLAIN|SCRAM-SHA-256|SCRAM-SHA-512, KAFKA_USER=name, KAFKA_PASSWORD=word
"""

import os
import uuid

from support import Client, Gateway, check_records, route

BOOTSTRAP = os.environ.get("KAFKA_BOOTSTRAP")
WITHOUT = "KAFKA_BOOTSTRAP names no cluster"


def file(name):
    path = os.environ.get(name)
    if not path:
        return None
    with open(path) as text:
        return text.read()


def live_route():
    more = {}
    if os.environ.get("KAFKA_TLS") == "1":
        tls = {"verify": os.environ.get("KAFKA_VERIFY") != "0", "ca": file("KAFKA_CA"),
               "client_cert": file("KAFKA_CERT"), "client_key": file("KAFKA_KEY")}
        more["upstream_tls"] = {key: value for key, value in tls.items() if value is not None}
    if os.environ.get("KAFKA_SASL"):
        more["plugins"] = {"kafka-proxy": {"sasl": {
            "mechanism": os.environ["KAFKA_SASL"], "username": os.environ["KAFKA_USER"],
            "password": os.environ["KAFKA_PASSWORD"]}}}
    return route(BOOTSTRAP, **more)


def producer(**more):
    import confluent_kafka
    tls, sasl = os.environ.get("KAFKA_TLS") == "1", os.environ.get("KAFKA_SASL")
    settings = {"bootstrap.servers": BOOTSTRAP, "security.protocol":
                ("sasl_" if sasl else "") + ("ssl" if tls else "plaintext"), **more}
    if tls:
        names = {"KAFKA_CA": "ssl.ca.location", "KAFKA_CERT": "ssl.certificate.location",
                 "KAFKA_KEY": "ssl.key.location"}
        settings.update({key: os.environ[name] for name, key in names.items()
                         if os.environ.get(name)})
        settings["enable.ssl.certificate.verification"] = os.environ.get("KAFKA_VERIFY") != "0"
    if sasl:
        settings.update({"sasl.mechanism": sasl, "sasl.username": os.environ["KAFKA_USER"],
                         "sasl.password": os.environ["KAFKA_PASSWORD"]})
    return confluent_kafka.Producer(settings)


def test_reads_what_librdkafka_wrote():
    if not BOOTSTRAP:
        return WITHOUT
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        topic = f"pubsubgw-test-{codec}-{uuid.uuid4().hex[:8]}"
        writer = producer(**{"compression.type": codec, "linger.ms": 20})
        for number in range(1000):
            writer.produce(topic, f"{topic} {number}".encode(), partition=0)
        assert writer.flush(30) == 0
        with Gateway(live_route()) as gateway, Client(gateway.url()) as client:
            end = client.end(topic)
            assert end == 1000, end
            messages = client.read_all(topic, 0, end, max_bytes=20000)
            check_records(messages, topic, 0)
            assert messages[999].value == f"{topic} 999".encode()


def test_a_missing_topic_is_not_made():
    if not BOOTSTRAP:
        return WITHOUT
    topic = f"pubsubgw-missing-{uuid.uuid4().hex[:8]}"
    import pubsub_pb2 as pb
    with Gateway(live_route()) as gateway, Client(gateway.url()) as client:
        for _ in range(2):
            error = client.error(cmd_kafka_fetch=pb.CmdKafkaFetch(topic=topic))
            assert "not found topic" in error.message, error


def test_follows_the_end():
    if not BOOTSTRAP:
        return WITHOUT
    import pubsub_pb2 as pb
    topic = f"pubsubgw-live-{uuid.uuid4().hex[:8]}"
    writer = producer()
    writer.produce(topic, b"first", partition=0)
    assert writer.flush(30) == 0
    with Gateway(live_route()) as gateway, Client(gateway.url()) as client:
        sequence = client.send(cmd_subscribe=pb.CmdSubscribe(subscriptions=[
            pb.Subscription(topic=topic, partitions=[0], end=pb.EARLIEST)]))
        seen = []
        for number in range(50):
            writer.produce(topic, str(number).encode(), partition=0)
        assert writer.flush(30) == 0
        while len(seen) < 51:
            reply = client.receive(30)
            assert reply.sequence == sequence, reply
            seen += reply.subscribe_resp.messages
        assert [message.offset for message in seen] == list(range(51))
