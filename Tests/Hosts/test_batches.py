"""Record batches as real producers write them, and as no broker should send them."""

import confluent_kafka
import pubsub_pb2 as pb
from devbroker import CODECS, DevBroker
from support import Client, Gateway, check_records, route


def produce(broker, topic, count, codec):
    producer = confluent_kafka.Producer({
        "bootstrap.servers": broker.bootstrap, "compression.codec": codec, "linger.ms": 50})
    for number in range(count):
        producer.produce(topic, f"{codec} value {number} ".encode() * 5, f"key {number}".encode())
    assert producer.flush(20) == 0


def test_every_codec_of_librdkafka():
    topics = [argument for codec in CODECS for argument in ("--topic", codec)]
    with DevBroker(*topics) as broker, Gateway(route(broker.bootstrap)) as gateway:
        for codec in CODECS:
            produce(broker, codec, 200, codec)
            with Client(gateway.url()) as client:
                messages = client.read_all(codec, 57, 200)
                check_records(messages, codec, 57)
                assert [message.value for message in messages] == [
                    f"{codec} value {number} ".encode() * 5 for number in range(57, 200)]
                assert messages[0].key == b"key 57"


def values(client, end, **more):
    """All of the topic up to `end`: what the cache holds may end earlier than the log."""
    found, offset = [], 0
    while offset < end:
        reply = client.fetch("t", offset, **more)
        assert offset < reply.next_offset <= end, reply
        found += [message.value for message in reply.messages]
        offset = reply.next_offset
    return found


def test_transactions_under_both_isolation_levels():
    with DevBroker("--topic", "t") as broker:
        producer = confluent_kafka.Producer({
            "bootstrap.servers": broker.bootstrap, "transactional.id": "one"})
        producer.init_transactions(20)
        for value, end in [(b"committed 1", producer.commit_transaction),
                           (b"aborted", producer.abort_transaction),
                           (b"committed 2", producer.commit_transaction), (b"open", None)]:
            producer.begin_transaction()
            producer.produce("t", value)
            producer.flush(20)
            if end:
                end(20)
        with Gateway(route(broker.bootstrap),
                     route(broker.bootstrap, uri="/committed",
                           pubsub={"isolation": "read_committed"})) as gateway:
            with Client(gateway.url()) as client, Client(gateway.url("/committed")) as other:
                for _ in range(3):
                    assert values(client, 7) \
                        == [b"committed 1", b"aborted", b"committed 2", b"open"]
                    assert values(client, 6, isolation=pb.READ_COMMITTED) \
                        == values(other, 6) == [b"committed 1", b"committed 2"]
                assert (client.end("t"), other.end("t")) == (7, 6)
                producer.commit_transaction(20)
                assert [m.value for m in other.fetch("t", 6).messages] == [b"open"]


def test_bad_batches():
    cases = [("checksum", 1002, "CORRUPT_MESSAGE", "checksum"),
             ("codec", 1076, "UNSUPPORTED_COMPRESSION_TYPE", "unknown compression 7"),
             ("compression", 1002, "CORRUPT_MESSAGE", "gzip")]
    for how, code, name, words in cases:
        with DevBroker("--topic", "t", "--records", "t:100:50") as broker:
            with Gateway(route(broker.bootstrap)) as gateway, Client(gateway.url()) as client:
                broker.do("inject", action="damage", how=how, api=1)
                reply = client.fetch_reply("t").error_resp
                assert reply.code == code, (how, reply)
                assert reply.message == ("failed to fetch message, topic: t, partition: 0, "
                                         f"err: {name}"), reply
                assert words in gateway.log_line("t-0 at offset 0", level=1), gateway.lines
                metrics = gateway.metrics()
                assert f'pubsubgw_kafka_errors_total{{error="{name}"}} 1' in metrics, metrics
                assert 'commands_total{command="fetch",result="kafka"} 1' in metrics, metrics
                assert gateway.stats().kafka_errors == 1
                check_records(client.fetch("t").messages, "t", 0)
                with Client(gateway.url()) as following:
                    check_records(following.fetch("t").messages, "t", 0)


def test_a_batch_that_announces_more_records_than_it_has():
    with DevBroker("--topic", "t", "--records", "t:100:50") as broker:
        with Gateway(route(broker.bootstrap)) as gateway, Client(gateway.url()) as client:
            broker.do("inject", action="damage", how="count", api=1)
            check_records(client.fetch("t").messages, "t", 0)
            assert not client.fetch("t", 100).messages


def test_a_batch_that_never_comes_whole():
    with DevBroker("--topic", "t", "--topic", "good", "--records", "t:10:50",
                   "--records", "good:10:50") as broker:
        with Gateway(route(broker.bootstrap, pubsub={"request_timeout_ms": 3000})) as gateway:
            broker.do("inject", action="damage", how="cut", topic="t", times=1000000)
            with Client(gateway.url()) as client, Client(gateway.url()) as other:
                client.send(cmd_kafka_fetch=pb.CmdKafkaFetch(topic="t"))
                check_records(other.fetch("good").messages, "good", 0)
                error = client.receive().error_resp
                assert error.code == 7 and error.retriable, error
                assert broker.requests(1) < 200, "the broker was asked again and again"
                broker.do("clear-faults")
                check_records(client.fetch("t").messages, "t", 0)
