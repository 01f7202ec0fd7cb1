"""A client of TLS that a thread of Python's carries, without a server around it."""

import socket
import ssl
import threading

import pubsubgw
from pubsubgw._carrier import carry
from python_hosts import certificate, gunicorn, until, with_tls
from devbroker import DevBroker
from support import (Gateway, frame, ping_frame, receive_all, receive_head, route, unused_port,
                     upgrade_head)

NOWHERE = f"127.0.0.1:{unused_port()}"


class Carried:
    """A client, and the thread that carries it."""

    def __init__(self, gateway, **options):
        cert, key = certificate()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(cert, key)
        listener = socket.create_server(("127.0.0.1", 0))
        self.ends, self.failure = [], None

        def serve():
            with server.wrap_socket(listener.accept()[0], server_side=True) as connection:
                try:
                    carry(connection, gateway, closed=self.ends.append,
                          request_head=upgrade_head(), route="r0", **options)
                except Exception as error:
                    self.failure = error

        self.thread = threading.Thread(target=serve)
        self.thread.start()
        plain = socket.create_connection(listener.getsockname())
        plain.settimeout(20)
        self.client = ssl.create_default_context(cafile=cert).wrap_socket(
            plain, server_hostname="localhost")
        listener.close()

    def end(self):
        self.thread.join(20)
        assert not self.thread.is_alive() and self.failure is None, self.failure
        return self.ends[0]


def test_the_end_is_told_and_tls_is_ended_in_order():
    with Gateway(route(NOWHERE)) as gateway:
        carried = Carried(gateway, preread=ping_frame())
        # What an orderly end would not show: a stream that is cut.
        carried.client.suppress_ragged_eofs = False
        assert receive_head(carried.client)[0].startswith("HTTP/1.1 101 ")
        carried.client.sendall(frame(8, b"\x03\xe8bye"))
        assert receive_all(carried.client)[-5:] == b"\x03\xe8bye"
        closed = carried.end()
        assert (closed.code, closed.reason, closed.http_status) == (1000, "bye", 101), closed


def test_a_client_that_cuts_the_connection():
    with Gateway(route(NOWHERE)) as gateway:
        carried = Carried(gateway)
        receive_head(carried.client)
        carried.client.close()
        assert carried.end().code == 1006


def test_a_gateway_that_stops_lets_the_thread_go():
    with Gateway(route(NOWHERE)) as gateway:
        carried = Carried(gateway)
        receive_head(carried.client)
        gateway.stop(1)
        assert receive_all(carried.client)[2:4] == b"\x03\xe9"
        assert carried.end().code == 1001


def test_a_stopped_peer_that_goes_away():
    """The session is paused, with output that nobody takes."""
    with Gateway(route(NOWHERE)) as gateway:
        carried = Carried(gateway)
        receive_head(carried.client)
        carried.client.settimeout(1)
        try:
            while True:
                carried.client.sendall(ping_frame(state=b"x" * 4000) * 16)
        except (socket.timeout, TimeoutError):
            pass
        carried.client.close()
        assert carried.end().code == 1006


def test_a_session_that_cannot_be_opened_leaves_nothing():
    with Gateway(route(NOWHERE)) as gateway:
        gateway.drain()
        carried = Carried(gateway)
        carried.thread.join(20)
        assert isinstance(carried.failure, pubsubgw.StateError), carried.failure


def test_gunicorns_workers_of_one_thread_refuse_tls():
    with DevBroker() as broker, with_tls(gunicorn())(broker.bootstrap) as host:
        with host.connect() as client:
            client.sendall(upgrade_head())
            assert receive_all(client).startswith(b"HTTP/1.1 501 ")


def test_gunicorns_threads_end_with_their_sessions():
    with DevBroker() as broker:
        start = with_tls(gunicorn("--worker-class", "gthread", "--threads", "3"))
        with start(broker.bootstrap) as host:
            for _ in range(10):
                with host.connect() as client:
                    client.sendall(upgrade_head())
                    assert receive_head(client)[0].startswith("HTTP/1.1 101 ")
                    client.sendall(frame(8, b"\x03\xe8"))
                    assert receive_all(client)[-2:] == b"\x03\xe8"
            until(lambda: host.connections() == 0)
