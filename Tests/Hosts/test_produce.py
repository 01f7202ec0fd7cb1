"""Producing over WebSocket, read back by librdkafka and kafka-python."""

import base64
import json
import socket
import subprocess
import threading
import time

import confluent_kafka
import kafka
import pubsub_pb2 as pb
import pubsubgw
from devbroker import CODECS, DevBroker
from support import Client, Gateway, route
from websockets.sync.client import connect


def allowing(*topics, **more):
    return {"commands": ["ping", "fetch", "produce"], "topics": {"produce": {"allow": list(topics)}}, **more}


def record(topic, value, key=None, headers=(), **more):
    return pb.ProduceRecord(
        topic=topic, key=key, value=value,
        headers=[pb.KafkaHeader(key=name, value=text) for name, text in headers], **more)


def produce(client, *records, timeout=60, **more):
    reply = client.ask(timeout, cmd_produce=pb.CmdProduce(records=records, **more))
    assert reply.WhichOneof("resp") == "produce_resp", reply
    return reply.produce_resp


def by_librdkafka(broker, topic, count, partitions=1):
    """(partition, offset, key, value, headers, timestamp) of every record."""
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": broker.bootstrap, "group.id": "none", "check.crcs": True})
    consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in range(partitions)])
    found = []
    while len(found) < count:
        message = consumer.poll(20)
        assert message is not None and not message.error(), (len(found), message and message.error())
        found.append((message.partition(), message.offset(), message.key(), message.value(),
                      message.headers() or [], message.timestamp()[1]))
    consumer.close()
    return found


def by_kafka_python(broker, topic, count, partitions=1):
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=broker.bootstrap, consumer_timeout_ms=20_000, check_crcs=True)
    consumer.assign([kafka.TopicPartition(topic, p) for p in range(partitions)])
    consumer.seek_to_beginning()
    found = []
    for message in consumer:
        found.append((message.partition, message.offset, message.key, message.value,
                      list(message.headers), message.timestamp))
        if len(found) == count:
            break
    consumer.close()
    return found


def test_records_are_what_other_clients_read():
    pubsub = allowing("t", headers={"app": "web"}, producer={"client_timestamp": True})
    with DevBroker("--topic", "t:3") as broker, Gateway(route(broker.bootstrap, pubsub=pubsub)) as gateway:
        with Client(gateway.url()) as client:
            began = int(time.time() * 1000)
            sent = [record("t", f"value {n}".encode() * 20, f"key {n}".encode()) for n in range(200)]
            sent += [record("t", None, b"gone"), record("t", b"", b""),
                     record("t", b"h", b"h", [("a", b"1"), ("a", None)], timestamp=1234)]
            reply = produce(client, *sent)
        assert not any(result.HasField("error") for result in reply.results)
        told = {(r.partition, r.offset): (s, r.timestamp) for s, r in zip(sent, reply.results)}
        assert len(told) == 203 and not reply.compared
        for read in (by_librdkafka, by_kafka_python):
            found = read(broker, "t", 203, partitions=3)
            for partition, offset, key, value, headers, timestamp in found:
                one, stamp = told[partition, offset]
                assert key == one.key, (key, one)
                assert value == (one.value if one.HasField("value") else None)
                own = [(h.key, h.value if h.HasField("value") else None) for h in one.headers]
                assert headers == own + [("app", b"web")], headers
                assert timestamp == stamp and (stamp == 1234 or began <= stamp <= began + 60_000)
        # The same key goes where Kafka's own clients put it.
        librdkafka = confluent_kafka.Producer({
            "bootstrap.servers": broker.bootstrap, "partitioner": "murmur2_random"})
        placed = {}
        for n in range(50):
            librdkafka.produce("t", b"x", f"key {n}".encode(),
                               on_delivery=lambda _, m: placed.update({m.key(): m.partition()}))
        assert librdkafka.flush(20) == 0
        for one, result in zip(sent[:50], reply.results):
            assert placed[one.key] == result.partition


def test_every_codec():
    for codec in CODECS:
        pubsub = allowing("t", producer={"compression": codec, "batch_bytes": 65536})
        with DevBroker("--topic", "t") as broker, Gateway(route(broker.bootstrap, pubsub=pubsub)) as gateway:
            with Client(gateway.url()) as client:
                reply = produce(client, *[record("t", b"text " * 50) for _ in range(300)])
                assert [result.offset for result in reply.results] == list(range(300)), reply
            for read in (by_librdkafka, by_kafka_python):
                assert [found[3] for found in read(broker, "t", 300)] == [b"text " * 50] * 300


def test_both_json_forms():
    with DevBroker("--topic", "t") as broker, \
            Gateway(route(broker.bootstrap, pubsub=allowing("t"))) as gateway:
        records = {
            "pubsub.json": {"topic": "t", "key": base64.b64encode(b"k").decode(), "value": "/w==",
                            "headers": [{"key": "h", "value": "aQ=="}]},
            "pubsub.text": {"topic": "t", "key": "k", "valueBase64": "/w",
                            "headers": [{"key": "h", "value": "i"}]}}
        for index, (form, one) in enumerate(records.items()):
            with connect(gateway.url(), subprotocols=[form], close_timeout=5) as page:
                page.send(json.dumps({"sequence": 5, "cmdProduce": {
                    "records": [one, {"topic": "other", "value": ""}]}}))
                reply = json.loads(page.recv(timeout=60))
                assert int(reply["sequence"]) == 5
                first, second = reply["produceResp"]["results"]
                assert int(first.get("offset", 0)) == index and int(first["timestamp"]) > 0, reply
                assert second["error"]["code"] == 5 and int(second["offset"]) == -1, reply
        for _, _, key, value, headers, _ in by_librdkafka(broker, "t", 2):
            assert (key, value, headers) == (b"k", b"\xff", [("h", b"i")])


def test_many_sessions_keep_the_order_of_each():
    sessions, commands = 8, 60
    pubsub = allowing("t", producer={"idempotence": True, "client_partition": True},
                      limits={"commands_in_flight": 16})
    with DevBroker("--topic", "t:2", brokers=2) as broker, \
            Gateway(route(broker.bootstrap, pubsub=pubsub), threads=2) as gateway:
        told, failures = {}, []

        def write(number):
            try:
                with Client(gateway.url()) as client:
                    for n in range(commands):
                        client.send(cmd_produce=pb.CmdProduce(records=[
                            record("t", f"{number} {n} {i}".encode(), partition=i % 2) for i in range(6)]))
                    for _ in range(commands):
                        reply = client.receive()
                        for i, result in enumerate(reply.produce_resp.results):
                            value = f"{number} {reply.sequence - 1} {i}".encode()
                            told[result.partition, result.offset] = value
            except Exception as error:  # the test fails with it
                failures.append(error)

        threads = [threading.Thread(target=write, args=(n,)) for n in range(sessions)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        broker.do("close-connections")
        for thread in threads:
            thread.join()
        assert not failures, failures
        count = sessions * commands * 6
        assert len(told) == count
        found = by_librdkafka(broker, "t", count, partitions=2)
        assert {(p, o): value for p, o, _, value, _, _ in found} == told
        for session in range(sessions):
            for partition in range(2):
                mine = [tuple(map(int, value.split()[1:])) for p, _, _, value, _, _ in sorted(found)
                        if p == partition and value.startswith(f"{session} ".encode())]
                assert mine == sorted(mine) and len(mine) == commands * 3


def adopted(gateway, **policy):
    """A client of whom the host has said who it is."""
    ours, theirs = socket.socketpair()

    def host():
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += ours.recv(4096)
        gateway.adopt(ours.detach(), request_head=head, policy=policy)

    thread = threading.Thread(target=host)
    thread.start()
    client = Client("ws://gateway/kafka", sock=theirs)
    thread.join()
    return client


def test_an_id_makes_a_repeated_command_harmless():
    pubsub = allowing("t", headers={"who": "$principal"})
    with DevBroker("--topic", "t") as broker, Gateway(route(broker.bootstrap, pubsub=pubsub)) as gateway:
        with adopted(gateway, principal="ann") as client:
            first = produce(client, record("t", b"v"), record("t", b"w"), id=b"1")
        assert first.compared and [result.offset for result in first.results] == [0, 1]
        with adopted(gateway, principal="ann") as client:
            assert produce(client, record("t", b"v"), record("t", b"w"), id=b"1") == first
        with adopted(gateway, principal="bob") as client:
            other = produce(client, record("t", b"v"), record("t", b"w"), id=b"1")
            assert other.compared and other.results[0].offset == 2
            forged = produce(client, record("t", b"v", headers=[("who", b"ann")]))
            assert forged.results[0].error.code == 3, forged
        # Nobody has said who this is.
        with Client(gateway.url()) as client:
            for offset in (4, 5):
                reply = produce(client, record("t", b"v"), id=b"1")
                assert not reply.compared and reply.results[0].offset == offset
        assert [found[4] for found in by_librdkafka(broker, "t", 6)] \
            == [[("who", b"ann")]] * 2 + [[("who", b"bob")]] * 2 + [[]] * 2


def test_a_drain_tells_first():
    with DevBroker("--topic", "t") as broker:
        gateway = Gateway(route(broker.bootstrap, pubsub=allowing("t")))
        with gateway:
            client = Client(gateway.url())
            produce(client, record("t", b"first"))
            broker.do("inject", action="delay", api=0, milliseconds=1000)
            client.send(cmd_produce=pb.CmdProduce(records=[record("t", b"second")]))
            time.sleep(0.2)
            gateway.drain(1012, 20.0)
            reply = client.receive(20)
            assert [result.offset for result in reply.produce_resp.results] == [1], reply
            assert client.close_code() == 1012
            assert gateway.event(pubsubgw.EventType.DRAINED).status == 0


def test_a_stop_says_that_nobody_knows():
    with DevBroker("--topic", "t") as broker:
        with Gateway(route(broker.bootstrap, pubsub=allowing("t"))) as gateway:
            client = Client(gateway.url())
            produce(client, record("t", b"first"))
            broker.do("inject", action="delay", api=0, milliseconds=3000)
            client.send(cmd_produce=pb.CmdProduce(records=[record("t", b"second")]))
            time.sleep(0.3)
        reply = client.receive(20)
        error, = [result.error for result in reply.produce_resp.results]
        assert (error.code, error.cause, error.retriable) == (7, "outcome unknown", False), error


def curl(gateway, body, *options):
    """(status, answer) of a POST."""
    done = subprocess.run(
        ["curl", "-sS", "--max-time", "30", "-w", "\n%{http_code}", "-H", "Content-Type: application/json",
         "--data-binary", "@-", *options, f"http://127.0.0.1:{gateway.port}/kafka"],
        input=body, capture_output=True, text=True, check=True)
    answer, status = done.stdout.rsplit("\n", 1)
    return int(status), answer


def test_curl_posts():
    pubsub = allowing("t", limits={"message_bytes": 3 << 20}, producer={"client_partition": True})
    with DevBroker("--topic", "t:2") as broker, Gateway(route(broker.bootstrap, pubsub=pubsub)) as gateway:
        status, answer = curl(gateway, json.dumps({"records": [
            {"topic": "t", "partition": 1, "key": "k", "value": "v"}, {"topic": "x", "value": "v"}]}))
        first, second = json.loads(answer)["results"]
        assert status == 200 and (first["partition"], first["offset"]) == (1, 0), answer
        assert second["error"]["code"] == 5
        # Curl asks before it sends so much.
        large = json.dumps({"records": [{"topic": "t", "partition": 0, "value": "x" * 1000}] * 2000})
        status, answer = curl(gateway, large)
        assert status == 200
        assert [r["offset"] for r in json.loads(answer)["results"]] == list(range(2000)), answer[:500]
        status, answer = curl(gateway, '{"records": [{"topik": "t"}]}')
        assert status == 400 and json.loads(answer)["code"] == 1, answer
        assert curl(gateway, " " * (4 << 20))[0] == 413
        assert curl(gateway, "{}", "-H", "Origin: https://elsewhere.example")[0] == 403
        assert curl(gateway, "{}", "--http1.0")[0] == 200
        assert curl(gateway, "{}", "-H", "Content-Type: text/plain")[0] in (400, 415)
        found = by_librdkafka(broker, "t", 2001, partitions=2)
        assert [f[2:4] for f in found if f[0] == 1] == [(b"k", b"v")]
        # A WebSocket is as before.
        with Client(gateway.url()) as client:
            client.ping()


def test_metrics_count_what_was_produced():
    with DevBroker("--topic", "t") as broker, \
            Gateway(route(broker.bootstrap, pubsub=allowing("t"))) as gateway, \
            Client(gateway.url()) as client:
        produce(client, record("t", b"v"), record("t", b"w"), record("other", b"x"))
        text = gateway.metrics()
        assert "pubsubgw_produced_records_total 2\n" in text, text
        assert 'pubsubgw_produce_errors_total{reason="not_allowed"} 1\n' in text
        assert "pubsubgw_producing_records 0\n" in text
