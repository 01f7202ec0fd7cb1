"""GSSAPI against a KDC and a broker that speaks it, with tickets and keytabs of the test's own. The
gateway is a program: Kerberos reads the environment of its process."""

import functools
import os

import kerberos
import pubsubgw
from devbroker import DevBroker, until
from program import Program
from support import Client, route
from test_errors import list_offset

TOPIC = ("--records", "good:100:100")


def needs_kerberos(test):
    """Skipped, with the reason, where it cannot be run."""
    @functools.wraps(test)
    def run():
        reason = kerberos.missing()
        if not reason and not pubsubgw.has_feature("sasl-gssapi"):
            reason = "no libsasl2.so.2 with GSSAPI (Debian: libsasl2-modules-gssapi-mit)"
        return reason or test()
    return run


class Broker(DevBroker):
    """One that takes GSSAPI as kafka/localhost."""

    def __init__(self, realm, *options, host="localhost"):
        keytab = realm.keytab(f"kafka/{host}")
        kept = dict(os.environ)
        os.environ.update(realm.environment, KRB5_KTNAME=keytab)
        try:
            super().__init__(*TOPIC, "--kerberos", host, "--advertise", host, *options)
        finally:
            os.environ.clear()
            os.environ.update(kept)

    @property
    def bootstrap(self):
        return f"localhost:{self.ports[0]}"

    def users(self):
        return {c["user"] for c in self.do("stats")["connections"] if c["user"]}


def gateway(broker, realm, nodes=None, sasl=None, **environment):
    plugins = {"kafka-proxy": {"sasl": {"mechanism": "GSSAPI", **(sasl or {})}}}
    return Program(
        "--listen", "127.0.0.1:0", "--status", "none", "--route", "{0}/kafka.json", "--log",
        "info", files={"kafka.json": {
            "id": "kafka", **route(nodes or broker.bootstrap, plugins=plugins)}},
        lines=1, **realm.environment, **environment)


def served(program):
    with Client(program.url()) as client:
        assert client.end("good") == 100


@needs_kerberos
def test_a_ticket_of_the_cache_logs_in_and_sessions_are_renewed():
    with kerberos.Realm() as realm, Broker(realm, "--session-lifetime", 3000) as broker:
        tickets = realm.tickets("ann", realm.keytab("ann"))
        with gateway(broker, realm, KRB5CCNAME=tickets) as program:
            with Client(program.url()) as client:
                assert client.end("good") == 100
                assert broker.users() == {"ann"}
                until(20, "a second login on a connection", lambda: client.end("good") == 100 and [
                    c for c in broker.do("stats")["connections"]
                    if c["requests"].get("17", 0) >= 2])
                assert client.end("good") == 100


@needs_kerberos
def test_a_keytab_gets_the_tickets():
    with kerberos.Realm() as realm, Broker(realm) as broker, gateway(
            broker, realm, KRB5_CLIENT_KTNAME=realm.keytab("bob"),
            KRB5CCNAME="FILE:" + realm.path("fresh")) as program:
        served(program)
        assert broker.users() == {"bob"}


@needs_kerberos
def test_without_a_ticket_the_log_says_so_and_a_ticket_helps():
    with kerberos.Realm() as realm, Broker(realm) as broker:
        cache = "FILE:" + realm.path("later")
        with gateway(broker, realm, KRB5CCNAME=cache) as program:
            with Client(program.url()) as client:
                error = client.error(**list_offset("good"))
                assert (error.code, error.cause) == (8, "login refused"), error
                realm.tickets("ann", realm.keytab("ann"), "later")
                until(20, "the ticket is used", lambda: client.ask(
                    **list_offset("good")).WhichOneof("resp") == "kafka_list_offset_resp")
            program.process.terminate()
            told = program.process.stderr.read()
            assert "GSSAPI" in told and "credentials" in told, told


@needs_kerberos
def test_an_address_and_a_foreign_service_are_told():
    with kerberos.Realm() as realm, Broker(realm) as broker:
        tickets = realm.tickets("ann", realm.keytab("ann"))
        for nodes, sasl, text in (
                (f"127.0.0.1:{broker.ports[0]}", {}, "127.0.0.1 is an address: advertise a name"),
                (None, {"service_name": "other"}, "not found in Kerberos database")):
            with gateway(broker, realm, nodes, sasl, KRB5CCNAME=tickets) as program:
                with Client(program.url()) as client:
                    assert client.error(**list_offset("good")).code == 8
                program.process.terminate()
                told = program.process.stderr.read()
                assert text in told, told


@needs_kerberos
def test_a_kdc_that_is_away_holds_up_nobody_else():
    with kerberos.Realm() as realm, Broker(realm) as broker:
        tickets = realm.tickets("ann", realm.keytab("ann"))
        realm.stop()
        with gateway(broker, realm, KRB5CCNAME=tickets) as program:
            with Client(program.url()) as client, Client(program.url()) as other:
                sequence = client.send(**list_offset("good"))
                other.ping()
                reply = client.receive()
                assert reply.sequence == sequence and reply.error_resp.code in (6, 7, 8), reply
                realm.start()
                until(60, "the KDC is asked again", lambda: client.ask(
                    **list_offset("good")).WhichOneof("resp") == "kafka_list_offset_resp")
