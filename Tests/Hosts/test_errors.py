"""What goes wrong, and what the client, the caller and the log get; and that the next client is
served."""

import asyncio
import os
import re
import socket
import subprocess

import pubsub_pb2 as pb
import pubsubgw
from devbroker import DevBroker, until
from support import (Client, Gateway, WORK, check_records, close_code_of, frame, raw_session,
                     receive_all, route, unused_port)

GOOD = ("--records", "good:100:50")


def fetch(topic="good", **more):
    return dict(cmd_kafka_fetch=pb.CmdKafkaFetch(topic=topic, **more))


def list_offset(topic="good", timestamp=-1):
    return dict(cmd_kafka_list_offset=pb.CmdKafkaListOffset(topic=topic, timestamp=timestamp))


def served(gateway, path="/kafka"):
    """The next client is served."""
    with Client(gateway.url(path)) as client:
        client.ping()
        check_records(client.fetch("good").messages, "good", 0)


def test_bad_routes():
    node = {"uri": "/x", "upstream": {"scheme": "kafka", "nodes": "localhost:9092"}}
    bad = [
        ("", "end"),
        ("[]", "object"),
        ('{\n "uri": "/x",\n "upstream": {"scheme": "kafka", "nodes": {}}}', "line 3"),
        ({"uri": "/x"}, "upstream"),
        ({**node, "uri": "x"}, "uri"),
        ({**node, "nonsense": 1}, "nonsense"),
        ({**node, "pubsub": {"nonsense": 1}}, "nonsense"),
        ({**node, "pubsub": {"limits": {"sesions": 1}}}, "sesions"),
        ({**node, "pubsub": {"fetch": {"max_bytes": -1}}}, "max_bytes"),
        ({**node, "plugins": {"kafka-proxy": {"sasl": {"username": "ann"}}}}, "password"),
        ({**node, "plugins": {"kafka-proxy": {"nonsense": 1}}}, "nonsense"),
        ({"uri": "/x", "upstream": {"scheme": "kafka", "nodes": "h:99999"}}, "nodes"),
    ]
    with DevBroker(*GOOD) as broker, Gateway(route(broker.bootstrap)) as gateway:
        for object, word in bad:
            for call in (pubsubgw.route_check, lambda o: gateway.route_put(o, id="x")):
                try:
                    call(object)
                except pubsubgw.Error as error:
                    assert error.code == pubsubgw.Status.CONFIG, error
                    assert word in error.text, (object, error.text)
                    assert "line" in error.text and "column" in error.text or not object, error
                else:
                    raise AssertionError(f"accepted {object}")
        served(gateway)


def test_a_plugin_that_nobody_enforces():
    upstream = {"scheme": "kafka", "nodes": "h:1"}
    guarded = {"uri": "/x", "upstream": upstream, "plugins": {"key-auth": {}}}
    # A check knows no gateway: only the host can say whether it enforces the plugin.
    assert any("key-auth" in note for note in pubsubgw.route_check(guarded))
    with Gateway(route("h:1")) as gateway:
        try:
            gateway.route_put(guarded, id="x")
        except pubsubgw.Error as error:
            assert error.code == pubsubgw.Status.CONFIG and "host_plugins" in error.text, error
        else:
            raise AssertionError("a route was opened that key-auth protects")


def test_bad_frames():
    # RFC 6455: each fault has its code, in a Close frame.
    bad = [
        ("reserved opcode", frame(3, b""), 1002),
        ("reserved bit", frame(2, b"", rsv=4), 1002),
        ("not masked", frame(2, b"x", masked=False), 1002),
        ("long ping", frame(9, b"x" * 126), 1002),
        ("ping in pieces", frame(9, b"", fin=False), 1002),
        ("continuation of nothing", frame(0, b"x"), 1002),
        ("close with one byte", frame(8, b"x"), 1002),
        ("close with 1005", frame(8, b"\x03\xed"), 1002),
        ("too big", frame(2, b"", length=1 << 30), 1009),
        ("2^63", frame(2, b"", length=1 << 63), None),
        ("not UTF-8", frame(1, b"\xff"), 1007),
    ]
    with DevBroker(*GOOD) as broker, Gateway(route(broker.bootstrap)) as gateway:
        for name, sent, code in bad:
            sock = raw_session(gateway.port)
            sock.sendall(sent)
            closed = close_code_of(receive_all(sock))
            assert closed is not None, f"{name}: no Close frame"
            assert code is None or closed[0] == code, f"{name}: {closed}"
            sock.close()
            served(gateway)
        assert 'pubsubgw_closes_total{route="r0",code="1002"}' in gateway.metrics()


def test_bad_messages_keep_the_session():
    with DevBroker(*GOOD) as broker, Gateway(route(broker.bootstrap)) as gateway:
        with Client(gateway.url()) as client:
            for payload in (b"\x08", b"\xff\xff\xff", b"\xf8\x01\x01"):
                client.ws.send(payload)
                error = client.receive().error_resp
                assert error.code == 1 and error.message, error
            client.ws.send("text on a binary session")
            assert client.receive().error_resp.code == 1
            client.ws.send(pb.PubSubReq(sequence=9).SerializeToString())
            assert client.receive().sequence == 9
            client.ping()
            check_records(client.fetch("good").messages, "good", 0)


def test_kafkas_own_refusals():
    with DevBroker(*GOOD, "--no-auto-create") as broker:
        with Gateway(route(broker.bootstrap)) as gateway:
            with Client(gateway.url()) as client:
                error = client.error(**fetch("missing"))
                assert error.message == ("failed to fetch message, topic: missing, partition: 0, "
                                         "err: not found topic"), error
                assert error.code == 5
                error = client.error(**list_offset("missing"))
                assert error.message == ("failed to list offset, topic: missing, partition: 0, "
                                         "err: not found topic"), error
                error = client.error(**fetch(partition=7))
                assert "not found partition" in error.message and error.code == 5, error
                error = client.error(**fetch(offset=999))
                assert error.message == ("failed to fetch message, topic: good, partition: 0, "
                                         "err: OFFSET_OUT_OF_RANGE"), error
                assert (error.code, error.log_start_offset, error.high_watermark) \
                    == (1001, 0, 100), error
                error = client.error(**fetch("__consumer_offsets"))
                assert "not found topic" in error.message, error
            served(gateway)


def test_a_dead_broker():
    dead = f"127.0.0.1:{unused_port()}"
    with DevBroker(*GOOD) as broker:
        with Gateway(route(broker.bootstrap), route(
                dead, uri="/dead", pubsub={"request_timeout_ms": 2000})) as gateway:
            with Client(gateway.url("/dead")) as client:
                # The client gets the original's words and a code, and no address.
                error = client.error(**list_offset())
                assert error.message == ("failed to list offset, topic: good, partition: 0, "
                                         "err: not found topic"), error
                assert error.code == 6 and error.retriable, error
                assert error.cause == "no broker reachable", error
                error = client.error(**fetch())
                assert "not found topic" in error.message and error.code == 6, error
                assert "127.0.0.1" not in error.message
                client.ping()
            gateway.log_line("Connection refused", level=2)
            assert gateway.stats().kafka_errors > 0
            served(gateway)


def test_a_broker_that_dies_and_comes_back():
    with DevBroker(*GOOD) as broker, Gateway(route(
            broker.bootstrap, pubsub={"request_timeout_ms": 3000})) as gateway:
        served(gateway)
        broker.do("take-down", broker=1)
        with Client(gateway.url()) as client:
            assert client.error(**list_offset()).code in (6, 7)
            broker.do("bring-up", broker=1)
            def comes_back():
                # While nothing can be reached every client is told so at once.
                reply = client.ask(**list_offset())
                return reply.WhichOneof("resp") == "kafka_list_offset_resp" and reply
            reply = until(30, "the broker is asked again", comes_back)
            assert reply.kafka_list_offset_resp.offset == 100, reply
        served(gateway)


def test_a_wrong_password():
    for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        with DevBroker(*GOOD, "--sasl", f"ann:right:{mechanism}") as broker:
            def login(password):
                return {"kafka-proxy": {"sasl": {
                    "mechanism": mechanism, "username": "ann", "password": password}}}
            with Gateway(
                    route(broker.bootstrap, plugins=login("right")),
                    route(broker.bootstrap, uri="/wrong", plugins=login("wrong-secret"))
            ) as gateway:
                with Client(gateway.url("/wrong")) as client:
                    error = client.error(**list_offset())
                    assert error.code == 8, (mechanism, error)
                    assert error.cause == "login refused", error
                    assert "not found topic" in error.message, error
                    client.ping()
                gateway.log_line("SASL_AUTHENTICATION_FAILED|(?i:authentication failed)", level=2)
                assert "wrong-secret" not in str(gateway.lines)
                served(gateway)


def certificates():
    """A CA, a certificate for 127.0.0.1, and one for another host."""
    directory = os.path.join(WORK, "tls")
    os.makedirs(directory, exist_ok=True)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    if not os.path.exists(os.path.join(directory, "other.pem")):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out",
                "ca.pem", "-subj", "/CN=test ca", "-days", "30")
        for name, subject in (("good", "IP:127.0.0.1"), ("other", "DNS:kafka.example")):
            openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                    f"{name}.csr", "-subj", "/CN=broker")
            with open(os.path.join(directory, "ext"), "w") as out:
                out.write(f"subjectAltName={subject}\n")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                    "-CAcreateserial", "-out", f"{name}.pem", "-days", "30", "-extfile", "ext")

    def path(name):
        return os.path.join(directory, name)

    def text(name):
        with open(path(name)) as file:
            return file.read()

    return path, text


def test_tls_good_and_wrong_certificates():
    path, text = certificates()
    good = ("--tls-cert", path("good.pem"), "--tls-key", path("good.key"))
    other = ("--tls-cert", path("other.pem"), "--tls-key", path("other.key"))
    ca = text("ca.pem")
    with DevBroker(*GOOD, *good) as broker, DevBroker(*GOOD, *other) as elsewhere:
        with Gateway(
                route(broker.bootstrap, upstream_tls={"ca": ca}),
                route(broker.bootstrap, uri="/off", upstream_tls={"verify": False}),
                route(broker.bootstrap, uri="/untrusted", upstream_tls={"verify": True}),
                route(elsewhere.bootstrap, uri="/other", upstream_tls={"ca": ca}),
                route(broker.bootstrap, uri="/plain",
                      pubsub={"request_timeout_ms": 2000})) as gateway:
            served(gateway)
            served(gateway, "/off")
            for uri, words in (("/untrusted", "(?i)certificate"), ("/other", "(?i)match")):
                with Client(gateway.url(uri)) as client:
                    error = client.error(**list_offset())
                    assert error.code == 8, (uri, error)
                    client.ping()
                gateway.log_line(words, level=2)
            # Plain text to a TLS port: an error, and no hang.
            with Client(gateway.url("/plain")) as client:
                assert client.error(**list_offset()).code in (6, 7, 8)
            served(gateway)


def config_error(call):
    try:
        call()
    except pubsubgw.Error as error:
        assert error.code == pubsubgw.Status.CONFIG, error
        return error.text
    raise AssertionError("was accepted")


async def client(gateway, **config):
    return gateway.client(**config)


def test_tls_mistakes_are_told_when_an_object_is_put_or_checked():
    _, text = certificates()
    ca, cert, key = text("ca.pem"), text("good.pem"), text("good.key")
    bad = {
        "ca: certificate 1 cannot be read": {"ca": ca.replace("A", "*", 3)},
        "ca: is cut short": {"ca": ca[:300]},
        "ca: holds a private key": {"ca": key},
        "ca: its line ends are written as": {"ca": ca.replace("\n", "\\n")},
        "client_key: does not belong": {"client_cert": cert, "client_key": text("ca.key")},
        "client_cert: that of the key is number 2": {"client_cert": ca + cert, "client_key": key},
        "client_key: no private key": {"client_cert": cert, "client_key": cert},
        'ciphers: OpenSSL knows no "AES-1"': {"ciphers": "AESGCM:AES-1"},
        "min_version: expected TLSv1.2 or TLSv1.3": {"min_version": "TLSv1.1"},
    }
    with Gateway(route("h:1")) as gateway:
        for words, tls in bad.items():
            object = route("h:1", upstream_tls=tls)
            upstream = {"scheme": "kafka", "nodes": "h:1", "tls": tls}
            for prefix, call in (
                    ("upstream.tls.", lambda: pubsubgw.route_check(object)),
                    ("upstream.tls.", lambda: gateway.route_put(object, id="x")),
                    ("tls.", lambda: gateway.upstream_put(upstream, id="x")),
                    ("tls.", lambda: asyncio.run(client(gateway, nodes="h:1", tls=tls))),
                    ("upstream.tls.", lambda: asyncio.run(client(gateway, upstream=upstream)))):
                said = config_error(call)
                assert re.search(r"line 1, column \d+: " + re.escape(prefix + words), said), said
                assert "PRIVATE KEY-----\n" not in said and "MII" not in said, said
        assert pubsubgw.route_check(route("h:1", upstream_tls={"ca": ca})) == []
        assert "x" not in str(gateway.routes()["upstreams"])


def test_an_intermediate_alone_is_trusted_and_a_common_name_is_enough():
    # RFC 5280 wants a root; Java and Go, and so operators, take what is in the trust store.
    directory = os.path.join(WORK, "tls-chain")
    os.makedirs(directory, exist_ok=True)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out",
            "root.pem", "-subj", "/CN=root", "-days", "30")
    for name, issuer, extension in (("between", "root", "basicConstraints=critical,CA:TRUE"),
                                    ("localhost", "between", "basicConstraints=CA:FALSE")):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={name}")
        with open(os.path.join(directory, "ext"), "w") as out:
            out.write(extension + "\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.pem", "-CAkey",
                f"{issuer}.key", "-CAcreateserial", "-out", f"{name}.pem", "-days", "30",
                "-extfile", "ext")
    with open(os.path.join(directory, "between.pem")) as file:
        ca = file.read()
    with DevBroker(*GOOD, "--tls-cert", os.path.join(directory, "localhost.pem"), "--tls-key",
                   os.path.join(directory, "localhost.key")) as broker:
        with Gateway(route(broker.bootstrap, upstream_tls={
                "ca": ca, "server_name": "localhost"})) as gateway:
            served(gateway)


def test_tls_client_certificates():
    path, text = certificates()
    with DevBroker(*GOOD, "--tls-cert", path("good.pem"), "--tls-key", path("good.key"),
                   "--client-ca", path("ca.pem")) as broker:
        tls = {"ca": text("ca.pem")}
        mutual = {**tls, "client_cert": text("other.pem"), "client_key": text("other.key")}
        with Gateway(
                route(broker.bootstrap, upstream_tls=mutual),
                route(broker.bootstrap, uri="/none", upstream_tls=tls)) as gateway:
            served(gateway)
            with Client(gateway.url("/none")) as client:
                assert client.error(**list_offset()).code in (6, 8)
            served(gateway)


def test_tls_and_sasl_together():
    path, text = certificates()
    with DevBroker(*GOOD, "--tls-cert", path("good.pem"), "--tls-key", path("good.key"),
                   "--sasl", "ann:right") as broker:
        with Gateway(route(
                broker.bootstrap, upstream_tls={"ca": text("ca.pem")},
                plugins={"kafka-proxy": {"sasl": {
                    "mechanism": "SCRAM-SHA-256", "username": "ann", "password": "right"}}})
        ) as gateway:
            served(gateway)


def test_a_host_that_floods_the_log_is_cut_short():
    with Gateway(route("127.0.0.1:1"), log_level=4) as gateway:
        for _ in range(300):
            with socket.create_connection(("127.0.0.1", gateway.port)) as sock:
                sock.sendall(b"GARBAGE\r\n\r\n")
                receive_all(sock)
        gateway.poll_events(0.2)
        assert len(gateway.lines) < 1000
