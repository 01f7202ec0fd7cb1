"""The doors of a session: adopt in all its forms, listeners, policies, drain, routes that go."""

import os
import socket
import stat
import time

import pubsub_pb2 as pb
import pubsubgw
from devbroker import DevBroker, until
from support import (Client, Gateway, close_code_of, frame, ping_frame, raw_session, readable,
                     receive_all, receive_head, route, unused_port, upgrade_head)

NOWHERE = f"127.0.0.1:{unused_port()}"
CLOSED, DRAINED = pubsubgw.EventType.CLOSED, pubsubgw.EventType.DRAINED


def pong(sock, sequence=1, state=b"raw"):
    expected = pb.PubSubResp(
        sequence=sequence, pong_resp=pb.PongResp(state=state)).SerializeToString()
    sock.settimeout(5)
    received = b""
    while len(received) < len(expected) + 2:
        more = sock.recv(4096)
        assert more, f"ended with {received!r}"
        received += more
    assert received == bytes([0x82, len(expected)]) + expected, received


def test_adopt_with_the_whole_head_and_a_first_frame_behind_it():
    with Gateway(route(NOWHERE)) as gateway:
        ours, theirs = socket.socketpair()
        gateway.adopt(ours.detach(), request_head=upgrade_head("/kafka?x=1"),
                      preread=ping_frame(), queue=gateway.events, user_data=2**64 - 1)
        head, rest = receive_head(theirs)
        assert head.startswith("HTTP/1.1 101 ") and "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        if not rest:
            pong(theirs)
        theirs.sendall(frame(8, b"\x03\xe8bye"))
        assert close_code_of(receive_all(theirs)) is not None
        event = gateway.event(CLOSED)
        assert (event.code, event.user_data) == (1000, 2**64 - 1), event
        assert event.number > 100 and event.number2 > 0


def test_adopt_with_a_key():
    with Gateway(route(NOWHERE)) as gateway:
        ours, theirs = socket.socketpair()
        gateway.adopt(ours.detach(), route="r0", key="dGhlIHNhbXBsZSBub25jZQ==",
                      protocol="pubsub.text")
        head, _ = receive_head(theirs)
        assert "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        assert "sec-websocket-protocol: pubsub.text" in head.lower()
        theirs.sendall(frame(1, b'{"sequence": 5, "cmdPing": {"state": "x"}}'))
        reply = theirs.recv(4096)
        assert reply[0] == 0x81 and b'"pongResp"' in reply, reply


def test_adopt_after_the_hosts_101():
    with Gateway(route(NOWHERE)) as gateway:
        ours, theirs = socket.socketpair()
        gateway.adopt(ours.detach(), route="r0")
        theirs.sendall(ping_frame())
        pong(theirs)


def test_adopt_a_duplicate_leaves_the_hosts_own():
    with Gateway(route(NOWHERE)) as gateway:
        ours, theirs = socket.socketpair()
        gateway.adopt(ours.fileno(), route="r0", dup=True, queue=gateway.events)
        theirs.sendall(ping_frame())
        pong(theirs)
        theirs.sendall(frame(8, b""))
        gateway.event(CLOSED)
        os.fstat(ours.fileno())
        # Shut down before it was closed: the peer sees the end although a copy is open.
        receive_all(theirs, 5)
        ours.close()


def test_no_closed_event_when_not_wanted():
    with Gateway(route(NOWHERE)) as gateway:
        for wanted in (False, True):
            ours, theirs = socket.socketpair()
            session = gateway.adopt(
                ours.detach(), route="r0", queue=gateway.events, closed_event=wanted)
            theirs.close()
        assert gateway.event(CLOSED).session == session
        assert not gateway.others


def test_a_refusal_is_answered_and_told():
    with Gateway(route(NOWHERE)) as gateway:
        for head, status in [
                (upgrade_head(Upgrade=None), "400"),
                (upgrade_head(**{"Sec-WebSocket-Version": "12"}), "426"),
                (upgrade_head("/none"), "404"),
                (upgrade_head(Origin="https://elsewhere.example"), "403"),
                (b"POST" + upgrade_head()[3:], "405")]:
            ours, theirs = socket.socketpair()
            gateway.adopt(ours.detach(), request_head=head, queue=gateway.events)
            received = receive_all(theirs)
            assert received.startswith(f"HTTP/1.1 {status} ".encode()), received
            assert gateway.event(CLOSED).code == 0
        # The next client is served.
        with Client(gateway.url()) as client:
            client.ping()


def test_a_policy_narrows():
    with DevBroker("--records", "a:10:10", "--records", "b:10:10") as broker:
        with Gateway(route(broker.bootstrap)) as gateway:
            ours, theirs = socket.socketpair()
            gateway.adopt(
                ours.detach(), request_head=upgrade_head(),
                policy={"topics": {"allow": ["a"]}, "commands": ["ping", "fetch"],
                        "principal": "ann", "trace": "t-1"})
            receive_head(theirs)

            def ask(**command):
                theirs.sendall(frame(2, pb.PubSubReq(**command).SerializeToString()))
                received = theirs.recv(65536)
                length = received[1] if received[1] < 126 else int.from_bytes(received[2:4], "big")
                return pb.PubSubResp.FromString(received[-length:])

            theirs.settimeout(10)
            assert len(ask(cmd_kafka_fetch=pb.CmdKafkaFetch(topic="a"))
                       .kafka_fetch_resp.messages) == 10
            # To the client, refused and missing look the same (but for the topic's name).
            refused = ask(cmd_kafka_fetch=pb.CmdKafkaFetch(topic="b")).error_resp
            assert "not found topic" in refused.message, refused
            assert ask(cmd_kafka_list_offset=pb.CmdKafkaListOffset(topic="a")).error_resp.code == 3


def test_unix_listener_has_a_mode_and_removes_its_file():
    path = f"/tmp/pubsubgw-test-{os.getpid()}.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(path)
    stale.close()
    with Gateway(route(NOWHERE)) as gateway:
        assert gateway.listen(f"unix:{path}", 0o600) == 0
        mode = os.stat(path).st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(upgrade_head() + ping_frame())
            head, rest = receive_head(client)
            assert head.startswith("HTTP/1.1 101 ")
            if not rest:
                pong(client)
        # In use: not taken away from its owner.
        with Gateway(route(NOWHERE)) as other:
            try:
                other.listen(f"unix:{path}")
                raise AssertionError("took a live socket")
            except pubsubgw.Error as error:
                assert error.code == pubsubgw.Status.SYSTEM and "in use" in error.text, error
        assert os.path.exists(path)
    assert not os.path.exists(path)


def test_abstract_and_ipv6_listeners():
    with Gateway(route(NOWHERE)) as gateway:
        name = f"pubsubgw-{os.getpid()}"
        assert gateway.listen(f"unix:@{name}") == 0
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("\0" + name)
            client.sendall(upgrade_head())
            assert receive_head(client)[0].startswith("HTTP/1.1 101 ")
        port = gateway.listen("*:0")
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(upgrade_head())
            assert receive_head(client)[0].startswith("HTTP/1.1 101 ")
        if socket.has_ipv6:
            try:
                port = gateway.listen("[::1]:0")
            except pubsubgw.Error as error:
                assert "Cannot assign" in error.text or "not supported" in error.text, error
                return
            with socket.create_connection(("::1", port)) as client:
                client.sendall(upgrade_head())
                assert receive_head(client)[0].startswith("HTTP/1.1 101 ")


def test_several_loops_share_the_clients():
    with Gateway(route(NOWHERE), threads=3) as gateway:
        clients = [Client(gateway.url()) for _ in range(12)]
        for client in clients:
            client.ping()
        stats = gateway.stats()
        assert (stats.threads, stats.sessions, stats.messages_in) == (3, 12, 12), stats
        for client in clients:
            client.ws.close()
        until(5, "no sessions", lambda: gateway.stats().sessions == 0)


def test_drain_closes_with_the_code_and_tells_when_done():
    with Gateway(route(NOWHERE), threads=2) as gateway:
        clients = [Client(gateway.url()) for _ in range(6)]
        for client in clients:
            client.ping()
        gateway.drain(1012, timeout=10)
        assert [client.close_code() for client in clients] == [1012] * 6
        event = gateway.event(DRAINED)
        assert (event.status, event.number) == (0, 0), event
        try:
            socket.create_connection(("127.0.0.1", gateway.port), timeout=1).close()
            raise AssertionError("it still listens")
        except ConnectionRefusedError:
            pass
        start = time.monotonic()
        gateway.stop(30)
        assert time.monotonic() - start < 20


def test_a_reload_refuses_nobody():
    """Clients that have connected and not asked yet, that wait in the listener's queue, that are
    handed over late, or that come to a listener of the restart itself."""
    with Gateway(route(NOWHERE), threads=2) as gateway:
        early = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(50)]
        gateway.drain(1012, timeout=60)
        ours, theirs = socket.socketpair()
        gateway.adopt(ours.detach(), request_head=upgrade_head())
        port = gateway.listen("127.0.0.1:0")
        late = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        for sock in early + late:
            sock.sendall(upgrade_head())
        for sock in [*early, theirs, *late]:
            head, rest = receive_head(sock)
            assert head.startswith("HTTP/1.1 101 "), head
            while len(rest) < 4:
                rest += sock.recv(100)
            assert close_code_of(rest)[0] == 1012, rest
            sock.sendall(frame(8, b"\x03\xf4"))
            assert receive_all(sock) == b""


def test_a_listening_socket_of_the_host_outlives_the_gateway():
    """Who waits in its queue is served by the next gateway."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address, where = f"fd:{listener.fileno()}", listener.getsockname()
        for _ in range(2):
            with Gateway(route(NOWHERE)) as gateway:
                waiting = socket.create_connection(where)
                assert gateway.listen(address) == where[1]
                waiting.sendall(upgrade_head())
                assert receive_head(waiting)[0].startswith("HTTP/1.1 101 ")
        with Gateway(route(NOWHERE)) as gateway:
            try:
                gateway.listen(f"fd:{waiting.fileno()}")
            except pubsubgw.InvalidError as error:
                assert "no socket that listens" in error.text, error.text
            else:
                raise AssertionError("a connection was listened on")


def test_drain_tells_of_clients_that_stay():
    with Gateway(route(NOWHERE)) as gateway:
        stuck = raw_session(gateway.port)
        gateway.drain(1001, timeout=0.3)
        event = gateway.event(DRAINED)
        assert (event.status, event.number) == (pubsubgw.Status.TIMEOUT, 1), event
        # Asked once more, it tells once more.
        gateway.drain(1001, timeout=0.1)
        event = gateway.event(DRAINED)
        assert (event.status, event.number) == (pubsubgw.Status.TIMEOUT, 1), event
        assert close_code_of(receive_once(stuck))[0] == 1001
        start = time.monotonic()
        gateway.stop(0.2)
        # A client has 5 s to answer our Close: it was not waited for.
        assert time.monotonic() - start < 4.5
        assert receive_all(stuck) == b""


def receive_once(sock):
    sock.settimeout(5)
    return sock.recv(65536)


def test_stop_says_goodbye():
    with Gateway(route(NOWHERE)) as gateway:
        with Client(gateway.url()) as client:
            client.ping()
            gateway.stop(5)
            assert client.close_code() == 1001


def test_routes_change_at_run_time():
    with Gateway(route(NOWHERE, id="one", uri="/one")) as gateway:
        assert gateway.route_match("/one?x") == "one"
        assert gateway.route_match("/two") is None
        first = Client(gateway.url("/one"))
        first.ping()
        gateway.route_put(route(NOWHERE, uri="/two"), id="two")
        with Client(gateway.url("/two")) as second:
            second.ping()
            # Delete without closing: the session lives, the next client is refused.
            gateway.route_delete("one")
            first.ping()
            with socket.create_connection(("127.0.0.1", gateway.port)) as late:
                late.sendall(upgrade_head("/one"))
                assert receive_head(late)[0].startswith("HTTP/1.1 404 ")
            gateway.route_delete("two", close_sessions=True)
            assert second.close_code() == 1001
        first.ping()
        first.ws.close()


def test_upstreams_and_secrets():
    sasl = {"kafka-proxy": {"sasl": {"username": "ann", "password": "geheim-123"}}}
    with Gateway() as gateway:
        gateway.upstream_put({"scheme": "kafka", "type": "none", "nodes": NOWHERE}, id="u")
        gateway.route_put({"uri": "/x", "upstream_id": "u", "plugins": sasl}, id="x")
        listed = gateway.routes()
        assert "geheim" not in str(listed) and "***" in str(listed), listed
        try:
            gateway.upstream_delete("u")
            raise AssertionError("deleted in use")
        except pubsubgw.Error as error:
            assert error.code == pubsubgw.Status.STATE and "x" in error.text, error
        gateway.route_delete("x")
        gateway.upstream_delete("u")
        try:
            gateway.route_put({"uri": "/x", "upstream_id": "u", "plugins": sasl}, id="x")
            raise AssertionError("unknown upstream")
        except pubsubgw.Error as error:
            assert error.code == pubsubgw.Status.CONFIG and "geheim" not in error.text, error


def test_a_stopped_client_is_not_read_from():
    with Gateway(route(NOWHERE)) as gateway:
        with socket.socket() as flood:
            flood.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            flood.connect(("127.0.0.1", gateway.port))
            flood.sendall(upgrade_head())
            receive_head(flood)
            flood.setblocking(False)
            message = ping_frame(state=b"x" * 60000)
            sent, quiet, rest = 0, 0, b""
            while quiet < 20 and sent < 200 << 20:
                try:
                    # Whole frames: half of one would be an error, and be read to the end.
                    rest = rest or message
                    count = flood.send(rest)
                    rest = rest[count:]
                    sent += count
                    quiet = 0
                except BlockingIOError:
                    quiet += 1
                    time.sleep(0.02)
            assert sent < 64 << 20, f"{sent} bytes were read from a client that reads nothing"
            # The others don't notice.
            with Client(gateway.url()) as client:
                client.ping()


def leaves_behind(last, code):
    """All the commands that it may have under way wait for records that do not come."""
    with DevBroker("--topic", "quiet") as broker:
        with Gateway(route(broker.bootstrap)) as gateway:
            sock = raw_session(gateway.port)
            for number in range(64):
                sock.sendall(frame(2, pb.PubSubReq(sequence=number, cmd_kafka_fetch=pb.CmdKafkaFetch(
                    topic="quiet", max_wait_ms=30000)).SerializeToString()))
            until(10, "the limit", lambda: "pubsubgw_paused_total 1" in gateway.metrics())
            sock.sendall(last)
            sock.close()
            # Long before the waits end.
            until(15, "its end", lambda: f'code="{code}"' in gateway.metrics())


def test_a_client_that_leaves_is_noticed_while_it_is_not_read_from():
    leaves_behind(b"", 1006)


def test_the_close_frame_of_a_client_that_was_not_read_from_is_looked_at():
    leaves_behind(frame(8, b"\x03\xe9"), 1001)


def test_the_handshake_has_one_deadline():
    with Gateway(route(NOWHERE, pubsub={"limits": {"handshake_ms": 500}})) as gateway:
        slow = socket.create_connection(("127.0.0.1", gateway.port))
        start = time.monotonic()
        try:
            for byte in upgrade_head():
                slow.sendall(bytes([byte]))
                if readable(slow, 0.1):
                    break
        except OSError:
            pass
        assert time.monotonic() - start < 15, "a byte at a time kept the connection"
        slow.close()


def test_many_sessions_come_and_go():
    with Gateway(route(NOWHERE)) as gateway:
        before = len(os.listdir("/proc/self/fd"))
        for round in range(5):
            sockets = [raw_session(gateway.port) for _ in range(100)]
            for index, sock in enumerate(sockets):
                if index % 2:
                    sock.sendall(frame(8, b"\x03\xe8"))
                if index % 3 == 0:
                    # A reset.
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.close()
        until(6, "every session is gone", lambda: gateway.stats().sessions == 0)
        until(6, "every descriptor is closed",
              lambda: len(os.listdir("/proc/self/fd")) <= before)
        assert gateway.stats().sessions_total == 500
