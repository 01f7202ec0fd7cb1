"""Logins whose secrets change: tokens that the host brings, and files that are replaced."""

import asyncio
import os
import subprocess
import tempfile
import time

import pubsubgw
from pubsubgw._library import check, lib
from devbroker import DevBroker, until
from support import Client, Gateway, route
from test_errors import certificates, list_offset
from test_lua import LIBRARY, luajit

TOPIC = ("--records", "good:100:100")


def login(mechanism, **settings):
    return {"kafka-proxy": {"sasl": {"mechanism": mechanism, **settings}}}


def served(gateway, path="/kafka"):
    with Client(gateway.url(path)) as client:
        assert client.end("good") == 100


def kept(name, text):
    """A file of that text; another one takes its place, as those who know how replace secrets."""
    path = os.path.join(tempfile.mkdtemp(), name)
    replace(path, text)
    return path


def replace(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def users(broker):
    return {c["user"] for c in broker.do("stats")["connections"] if c["user"]}


# The host's token -------------------------------------------------------------------------------


def test_a_token_of_the_host_is_asked_for_once_and_serves_all_connections_and_loops():
    with DevBroker(*TOPIC, "--token", "t0ken:ann") as broker, Gateway(
            route(broker.bootstrap, plugins=login(
                "OAUTHBEARER", host_token="idp", extensions={"traceId": "9"})),
            threads=2) as gateway:
        check(lib.pubsubgw_token_on(gateway._live(), b"idp", gateway.events._live()))
        clients = [Client(gateway.url()) for _ in range(6)]
        sent = [client.send(**list_offset("good")) for client in clients]
        event = gateway.event(pubsubgw.EventType.TOKEN)
        assert (event.text, event.number) == ("idp", 0)
        # Nothing is connected before.
        time.sleep(0.3)
        assert broker.do("stats")["connections"] == []
        gateway.token_set("idp", "t0ken", 60)
        for client, sequence in zip(clients, sent):
            reply = client.receive()
            assert reply.sequence == sequence and reply.kafka_list_offset_resp.offset == 100
            client.ws.close()
        gateway.poll_events(0.1)
        assert [e for e in gateway.others if e.type == pubsubgw.EventType.TOKEN] == []
        told = {(c["user"], tuple(c["extensions"].items()))
                for c in broker.do("stats")["connections"]}
        assert told == {("ann", (("traceId", "9"),))}, told
        assert "t0ken" not in str(gateway.lines)


def test_tokens_in_python_are_refreshed_and_connections_log_in_again_with_the_new_one():
    given = []

    async def main(broker):
        with pubsubgw.Gateway() as gateway:
            gateway.route_put(route(broker.bootstrap, plugins=login(
                "OAUTHBEARER", host_token="idp")), id="kafka")

            @gateway.token("idp")
            async def token():
                await asyncio.sleep(0.01)
                name = f"token{len(given)}"
                given.append(name)
                await asyncio.to_thread(
                    broker.do, "add-token", token=name, user="ann", milliseconds=4000)
                return pubsubgw.Token(name, 4, {"kind": "test"})

            async with gateway.running():
                client = gateway.client(route="kafka")
                end = time.monotonic() + 12
                read = 0
                async for record in client.subscribe("good", 0, "earliest"):
                    assert record.offset == read
                    read += 1
                    if read >= 100:
                        if time.monotonic() > end:
                            break
                        await asyncio.to_thread(
                            broker.do, "append", topic="good", values=["x"])
                        await asyncio.sleep(0.1)
                client.close()
    with DevBroker(*TOPIC, "--token", "unused:nobody") as broker:
        asyncio.run(asyncio.wait_for(main(broker), 200))
        assert len(given) >= 3, given


def test_a_session_is_renewed_on_its_connection_with_the_next_token():
    with DevBroker(*TOPIC, "--token", "unused:nobody") as broker, Gateway(
            route(broker.bootstrap, plugins=login("OAUTHBEARER", host_token="idp"))) as gateway:
        for number, life in ((1, 3000), (2, 60_000)):
            broker.do("add-token", token=f"token{number}", user="ann", milliseconds=life)
        gateway.token_set("idp", "token1", 3)
        with Client(gateway.url()) as client:
            assert client.end("good") == 100
            gateway.token_set("idp", "token2", 60)
            def renewed():
                assert client.end("good") == 100
                return [c for c in broker.do("stats")["connections"]
                        if c["requests"].get("36", 0) >= 2]
            until(10, "a second login on a connection", renewed)
            time.sleep(1)
            assert client.end("good") == 100


def test_a_token_that_nobody_brings_is_told_and_comes_late():
    with DevBroker(*TOPIC, "--token", "t0ken:ann") as broker, Gateway(
            route(broker.bootstrap, plugins=login("OAUTHBEARER", host_token="idp"))) as gateway:
        with Client(gateway.url()) as client:
            error = client.error(**list_offset("good"))
            assert (error.code, error.cause) == (8, "login refused"), error
            gateway.log_line(r'the token "idp" cannot be had: nobody brings it.*pubsubgw_token_on',
                             level=1)
            assert broker.do("stats")["connections"] == []
            gateway.token_fail("idp", "the provider answers 503\n")
            gateway.log_line(r"the provider answers 503\\u\{a\}", level=1)
            gateway.token_set("idp", "t0ken", 60)
            until(10, "the token is used", lambda: client.ask(
                **list_offset("good")).WhichOneof("resp") == "kafka_list_offset_resp")
            gateway.log_line(r'the token "idp" is there again', level=2)


def test_a_refused_token_is_told_with_the_brokers_json_and_never_itself():
    with DevBroker(*TOPIC, "--token", "t0ken:ann") as broker, Gateway(
            route(broker.bootstrap, plugins=login("OAUTHBEARER", token="wr0ng-token"))) as gateway:
        with Client(gateway.url()) as client:
            error = client.error(**list_offset("good"))
            assert (error.code, error.cause) == (8, "login refused"), error
        gateway.log_line(r'SASL_AUTHENTICATION_FAILED: \{"status":"invalid_token"\}', level=1)
        assert "wr0ng" not in str(gateway.lines)


def test_misuse_of_tokens_is_told():
    with Gateway() as gateway:
        for call, kind, text in (
                (lambda: gateway.token_set("a b", "t", 1), pubsubgw.InvalidError, "the token's name"),
                (lambda: gateway.token_set("a", "t t", 1), pubsubgw.InvalidError, "a character"),
                (lambda: gateway.token_set("a", "", 1), pubsubgw.InvalidError, "is empty"),
                (lambda: gateway.token_set("a", "t", 0), pubsubgw.InvalidError, "lifetime_ms is 0"),
                (lambda: gateway.token_set("a", "t", 1, {"auth": "x"}), pubsubgw.ConfigError,
                 "extensions_json: line 1, column 10: auth"),
                (lambda: gateway.token_fail("", "x"), pubsubgw.InvalidError, "the token's name")):
            try:
                call()
                raise AssertionError(f"{text}: nothing was refused")
            except kind as error:
                assert text in str(error), error


def test_a_source_in_python_that_fails_is_told():
    async def main():
        with DevBroker(*TOPIC, "--token", "t:ann") as broker, pubsubgw.Gateway() as gateway:
            gateway.route_put(route(broker.bootstrap, plugins=login(
                "OAUTHBEARER", host_token="idp")), id="kafka")

            @gateway.token("idp")
            def token():
                raise ValueError("the provider is away")
            async with gateway.running():
                with gateway.client(route="kafka") as client:
                    try:
                        await client.list_offset("good", 0, -1)
                        raise AssertionError("it logged in")
                    except pubsubgw.AuthError as error:
                        assert 'token "idp": the provider is away' in str(error), error
    asyncio.run(asyncio.wait_for(main(), 100))


def test_tokens_in_plain_luajit():
    with DevBroker(*TOPIC, "--token", "t0ken:ann") as broker:
        done = luajit("-e", f"""
            local pubsubgw = require "pubsubgw"
            local gateway = assert(pubsubgw.new())
            assert(gateway:start())
            local kafka = assert(pubsubgw.kafka(gateway, {{ nodes = "{broker.bootstrap}",
                plugins = {{ ["kafka-proxy"] = {{ sasl = {{
                    mechanism = "OAUTHBEARER", host_token = "idp" }} }} }} }}))
            local asked = 0
            assert(kafka:token("idp", function(name)
                asked = asked + 1
                assert(name == "idp")
                return "t0ken", 60, {{ traceId = "9" }}
            end))
            print(assert(kafka:list_offset("good", 0, -1)), asked)
            local _, text, code = gateway:token_set("a", "t t", 1)
            print(text, code == pubsubgw.E.INVALID)
        """, PUBSUBGW_LIBRARY=LIBRARY)
        assert done.returncode == 0, done.stderr
        out = done.stdout
        assert out.startswith("100\t1\n"), out
        assert "a character that no token may" in out and out.rstrip().endswith("true"), out


# Files --------------------------------------------------------------------------------------------


def test_a_password_file_that_is_replaced_is_read_for_the_next_connection():
    path = kept("password", "right\n")
    with DevBroker(*TOPIC, "--sasl", "ann:right:SCRAM-SHA-256", "--sasl", "ann:right2:PLAIN") as broker, \
            Gateway(
                route(broker.bootstrap, plugins=login(
                    "PLAIN", username="ann", password_file=path))) as gateway:
        with Client(gateway.url()) as client:
            assert client.error(**list_offset("good")).cause == "login refused"
            replace(path, "right2")
            until(20, "the new password is used", lambda: client.ask(
                **list_offset("good")).WhichOneof("resp") == "kafka_list_offset_resp")
        gateway.log_line(rf"password_file {path}: has changed", level=3)
        assert "right" not in "".join(text for _, text in gateway.lines)
        os.unlink(path)
        broker.do("close-connections")
        served(gateway)
        gateway.log_line(rf"password_file {path}: No such file.*goes on being used, for 10 minutes",
                         level=2)
        replace(path, "right2")
        broker.do("close-connections")
        served(gateway)
        gateway.log_line(rf"password_file {path}: can be read again", level=2)


def test_files_that_cannot_be_used_are_named():
    empty, binary = kept("empty", "\n"), kept("binary", "")
    with open(binary, "wb") as file:
        file.write(b"\xff\xfe")
    for path, reason in (("/nonexistent/x", "No such file or directory"), ("/dev/zero", "not a file"),
                         (os.path.dirname(empty), "not a file"), (empty, "the file is empty"),
                         (binary, "not UTF-8")):
        with DevBroker(*TOPIC, "--sasl", "ann:right") as broker, Gateway(
                route(broker.bootstrap, plugins=login(
                    "SCRAM-SHA-256", username="ann", password_file=path)),
                route(broker.bootstrap, uri="/t", plugins=login("OAUTHBEARER", token_file=path))
        ) as gateway:
            with Client(gateway.url()) as client:
                error = client.error(**list_offset("good"))
                assert (error.code, error.cause) == (8, "login refused"), (path, error)
            gateway.log_line(rf"password_file {path}: {reason}", level=2)


def test_a_token_file_is_read_again_when_the_session_ends():
    with DevBroker(*TOPIC, "--token", "unused:nobody") as broker:
        for number, life in ((1, 3000), (2, 60_000)):
            broker.do("add-token", token=f"token{number}", user="ann", milliseconds=life)
        path = kept("token", "token1\n")
        with Gateway(route(broker.bootstrap, plugins=login(
                "OAUTHBEARER", token_file=path))) as gateway, Client(gateway.url()) as client:
            assert client.end("good") == 100
            replace(path, "token2\n")
            until(10, "a second login on a connection", lambda: client.end("good") == 100 and [
                c for c in broker.do("stats")["connections"] if c["requests"].get("36", 0) >= 2])
            time.sleep(1)
            assert client.end("good") == 100


def test_a_delegation_token_logs_in():
    with DevBroker(*TOPIC, "--delegation-token", "id:aG1hYw==:ann") as broker:
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            with Gateway(route(broker.bootstrap, plugins=login(
                    mechanism, username="id", password_file=kept("hmac", "aG1hYw=="),
                    tokenauth=True))) as gateway:
                served(gateway)
                assert users(broker) == {"ann"}


def test_certificates_and_keys_come_from_files_and_may_be_replaced():
    path, text = certificates()
    directory = os.path.dirname(path("ca.pem"))
    for name in ("client", "client2"):
        subprocess.run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key",
                        "-out", f"{name}.csr", "-subj", f"/CN={name}"],
                       cwd=directory, check=True, capture_output=True)
        subprocess.run(["openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey",
                        "ca.key", "-CAcreateserial", "-out", f"{name}.pem", "-days", "30"],
                       cwd=directory, check=True, capture_output=True)
    certificate, key = kept("cert", text("client.pem")), kept("key", text("client2.key"))
    with DevBroker(*TOPIC, "--tls-cert", path("good.pem"), "--tls-key", path("good.key"),
                   "--client-ca", path("ca.pem")) as broker, Gateway(
            route(broker.bootstrap, upstream_tls={
                "ca_file": path("ca.pem"), "client_cert_file": certificate,
                "client_key_file": key})) as gateway:
        with Client(gateway.url()) as client:
            # The pair does not fit together: half of it was replaced.
            assert client.error(**list_offset("good")).code == 8
            replace(certificate, text("client2.pem"))
            until(20, "the new pair is used", lambda: client.ask(
                **list_offset("good")).WhichOneof("resp") == "kafka_list_offset_resp")
