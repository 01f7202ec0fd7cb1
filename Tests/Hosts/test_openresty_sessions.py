"""Sessions whose connection nginx keeps: as bytes, and as messages of lua-resty-websocket."""

import json
import os
import signal
import socket
import ssl
import threading
import time

import pubsub_pb2 as pb
from devbroker import DevBroker, until
from openresty import Nginx, descriptors
from support import (Client, close_code_of, frame, ping_frame, receive_all, receive_head,
                     upgrade_head)
from test_hosts import RECORDS
from test_openresty import (BIG, SESSIONS, crowd_that_is_killed, end_of_old_workers,
                            own_sessions)

WAYS = ["/direct", "/websocket"]


def pong(sequence, state):
    reply = pb.PubSubResp(sequence=sequence, pong_resp=pb.PongResp(state=state))
    return frame(2, reply.SerializeToString(), masked=False)


def receive_exactly(sock, count, rest=b""):
    while len(rest) < count:
        more = sock.recv(65536)
        assert more, rest[-100:]
        rest += more
    return rest


def test_serve_records():
    with DevBroker(*RECORDS, *BIG) as broker, Nginx(broker.bootstrap) as nginx:
        for path in WAYS:
            with Client(nginx.url(path)) as client:
                client.ping()
                assert client.end("demo") == 500
                messages = client.read_all("demo", 0, 500)
                assert [message.offset for message in messages] == list(range(500))
                assert client.fetch("big", max_bytes=2_000_000).ByteSize() > 1_900_000
                client.ping(b"p" * 200_000)
                assert client.error(cmd_empty=pb.CmdEmpty()).message == "unknown command"
                client.ws.ping().wait(5)


def test_serve_tls():
    with DevBroker(*RECORDS) as broker, Nginx(broker.bootstrap) as nginx:
        context = ssl.create_default_context(cafile=nginx.path("certificate.pem"))
        context.check_hostname = False
        for path in WAYS:
            url = f"wss://127.0.0.1:{nginx.tls_port}{path}"
            with Client(url, ssl=context) as client:
                client.ping(b"p" * 100_000)
                assert len(client.read_all("demo", 0, 500)) == 500


def test_first_frame_comes_with_the_request():
    with Nginx() as nginx:
        for path in WAYS:
            with socket.create_connection(("127.0.0.1", nginx.port)) as sock:
                sock.sendall(upgrade_head(path) + ping_frame(7, b"at once"))
                head, rest = receive_head(sock)
                assert head.startswith("HTTP/1.1 101 "), head
                wanted = pong(7, b"at once")
                assert receive_exactly(sock, len(wanted), rest) == wanted


def test_pieces_of_messages_and_frames():
    message = pb.PubSubReq(sequence=3, cmd_ping=pb.CmdPing(state=b"s" * 300)).SerializeToString()
    pieces = frame(2, message[:100], fin=False) + frame(9, b"between") \
        + frame(0, message[100:200], fin=False) + frame(0, message[200:])
    with Nginx() as nginx:
        for path in WAYS:
            with socket.create_connection(("127.0.0.1", nginx.port)) as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.sendall(upgrade_head(path))
                _, rest = receive_head(sock)
                for at in range(0, len(pieces), 7):
                    sock.sendall(pieces[at:at + 7])
                wanted = frame(10, b"between", masked=False) + pong(3, b"s" * 300)
                assert receive_exactly(sock, len(wanted), rest) == wanted


def test_requests_that_are_no_upgrade_are_refused():
    with Nginx() as nginx:
        for path in WAYS:
            assert nginx.get(path).startswith("HTTP/1.1 400 "), (path, nginx.get(path))
            with Client(nginx.url(path)) as client:
                client.ping()


OWN_ORIGINS = ('pubsub = { origins = { "*" } },', 'pubsub = { origins = { "https://a.example" } },')
UNCHECKED = ("location = /metrics {", """location = /unchecked {
            content_by_lua_block {
                local ws = require("nginx.websocket.server"):new()
                require("pubsubgw.nginx").serve_websocket(ws, { route = "kafka" })
            }
        }
        location = /metrics {""")


def answer(nginx, path, **headers):
    with socket.create_connection(("127.0.0.1", nginx.port)) as sock:
        sock.sendall(upgrade_head(path, **headers))
        return receive_head(sock)[0]


def test_pages_of_strangers_are_refused_before_the_101():
    with Nginx(replace=[OWN_ORIGINS, UNCHECKED]) as nginx:
        for path in WAYS:
            assert answer(nginx, path, Origin="https://a.example").startswith("HTTP/1.1 101 ")
            for origin in ("https://evil.example", "null", "http://a.example", "https://localhost"):
                head = answer(nginx, path, Origin=origin)
                assert head.startswith("HTTP/1.1 403 "), (path, origin, head)
            assert answer(nginx, path + "?x=%2e%2e").startswith("HTTP/1.1 101 ")
        # Who did not ask hears it behind the 101.
        for change in ({"Origin": "https://evil.example"}, {"Host": "a b"}):
            with socket.create_connection(("127.0.0.1", nginx.port)) as sock:
                sock.sendall(upgrade_head("/unchecked", **change))
                head, rest = receive_head(sock)
                if head.startswith("HTTP/1.1 101 "):
                    assert close_code_of(rest + receive_all(sock))[0] == 1008, change
        with Client(nginx.url("/unchecked")) as client:
            client.ping()


def test_the_sub_protocol_that_is_agreed_on_is_spoken():
    offers = {"pubsub.text": "pubsub.text", "x, pubsub.json": "pubsub.json", "mine": "mine",
              "x, y": None, ", pubsub.proto,": "pubsub.proto"}
    with Nginx(replace=[UNCHECKED]) as nginx:
        for path in WAYS:
            for offer, wanted in offers.items():
                head = answer(nginx, path, **{"Sec-WebSocket-Protocol": offer})
                agreed = [line.split(": ")[1] for line in head.split("\r\n")
                          if line.lower().startswith("sec-websocket-protocol")]
                assert agreed == ([wanted] if wanted else []), (path, offer, head)
            for protocol in ("pubsub.text", "pubsub.json"):
                with Client(nginx.url(path), subprotocols=["x", protocol]) as client:
                    client.ws.send('{"sequence": 3, "cmdPing": {"state": "eA=="}}')
                    assert json.loads(client.ws.recv(timeout=60))["sequence"] in (3, "3")
        with Client(nginx.url("/unchecked"), subprotocols=["pubsub.text"]) as client:
            client.ws.send('{"sequence": 3, "cmdPing": {"state": "x"}}')
            assert json.loads(client.ws.recv(timeout=60))["sequence"] == 3


def test_the_clients_close_is_answered():
    with Nginx() as nginx:
        for path in WAYS:
            for payload, wanted in ((b"\x03\xe8bye", 1000), (b"\x0f\xa0", 4000)):
                with socket.create_connection(("127.0.0.1", nginx.port)) as sock:
                    sock.sendall(upgrade_head(path))
                    receive_head(sock)
                    sock.sendall(ping_frame(1) + frame(8, payload))
                    received = receive_all(sock)
                    assert close_code_of(received)[0] == wanted, (path, received)


def test_reload_and_quit_close():
    with DevBroker(*RECORDS) as broker, Nginx(broker.bootstrap) as nginx:
        for name, wanted in (("SIGHUP", 1012), ("SIGQUIT", 1001)):
            old = nginx.workers()
            clients = [Client(nginx.url(path)) for path in WAYS for _ in range(10)]
            for client in clients:
                client.ping()
            nginx.signal(name)
            assert [client.close_code() for client in clients] == [wanted] * len(clients)
            end_of_old_workers(nginx, old)
            if name == "SIGHUP":
                until(20, "new workers", lambda: len(nginx.workers()) == 2)
        until(30, "the end of nginx", nginx.gone)
        assert os.listdir(nginx.path("sockets")) == ["pubsubgw-generation"]


def test_a_reload_does_not_wait_for_clients_that_are_silent():
    with Nginx() as nginx:
        for path in WAYS:
            old = nginx.workers()
            sock = socket.create_connection(("127.0.0.1", nginx.port))
            sock.sendall(upgrade_head(path))
            receive_head(sock)
            nginx.signal("SIGHUP")
            # The client does not answer the Close frame.
            end_of_old_workers(nginx, old)
            assert close_code_of(receive_all(sock))[0] == 1012
            until(20, "new workers", lambda: len(nginx.workers()) == 2)
            sock.close()


def test_killed_clients_leave_nothing():
    with Nginx(replace=[SESSIONS]) as nginx:
        for path in WAYS:
            # The dispatcher of each worker has to be there before things are counted.
            while len(own_sessions(nginx)) < 2 or not all(
                    name.replace(".sock", "-wake.sock") in os.listdir(nginx.path("sockets"))
                    for name in nginx.sockets() if "wake" not in name):
                with Client(nginx.url(path)) as client:
                    client.ping()
            until(20, "no session", lambda: sum(own_sessions(nginx).values()) == 0)
            before = descriptors(nginx.workers())
            for _ in range(2):
                crowd_that_is_killed(nginx, path)
            until(20, "the sockets of before", lambda: descriptors(nginx.workers()) == before)


def test_a_killed_worker_is_born_again():
    with DevBroker(*RECORDS) as broker, Nginx(broker.bootstrap) as nginx:
        for _ in range(2):
            clients = [Client(nginx.url(path)) for path in WAYS for _ in range(6)]
            for client in clients:
                client.ping()
            old = nginx.workers()
            for pid in old:
                os.kill(pid, signal.SIGKILL)
            assert [client.close_code() for client in clients] == [1006] * len(clients)
            end_of_old_workers(nginx, old)
            until(20, "new workers", lambda: len(nginx.workers()) == 2)


def both_ways(client, count, size, failures):
    try:
        state = os.urandom(size)
        for _ in range(count):
            client.ping(state)
    except Exception as error:
        failures.append(error)


def test_frames_of_16_kb_both_ways_at_full_speed():
    with Nginx() as nginx:
        for path in WAYS:
            clients = [Client(nginx.url(path)) for _ in range(20)]
            failures = []
            threads = [threading.Thread(target=both_ways, args=(client, 100, 16000, failures))
                       for client in clients]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive(), f"{path}: stalled"
            assert not failures, failures
            for client in clients:
                client.ws.close()


def resident(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def end_of(sock):
    """The last bytes of a long stream."""
    sock.settimeout(30)
    last = b""
    while more := sock.recv(1 << 20):
        last = (last + more)[-100:]
    return last


def test_a_client_that_does_not_read_costs_little():
    fetch = pb.PubSubReq(sequence=1, cmd_kafka_fetch=pb.CmdKafkaFetch(
        topic="big", max_bytes=1_000_000)).SerializeToString()
    with DevBroker(*BIG) as broker, Nginx(broker.bootstrap, workers=1) as nginx:
        for path in WAYS:
            worker = nginx.workers()[0]
            with Client(nginx.url(path)) as client:
                client.fetch("big", max_bytes=1_000_000)
            before = resident(worker)
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", nginx.port))
            sock.sendall(upgrade_head(path))
            receive_head(sock)
            sock.setblocking(False)
            end = time.monotonic() + 3
            while time.monotonic() < end:
                try:
                    sock.send(frame(2, fetch))
                except BlockingIOError:
                    time.sleep(0.05)
                except (ConnectionResetError, BrokenPipeError):
                    break
            grown = resident(worker) - before
            print(f"figure: {path}: {grown / 2**20:.1f} MiB for one that does not read")
            assert grown < 64 << 20, (path, grown)
            if path == "/websocket":
                # What the library has given away waits in Lua, and that has an end.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
                assert end_of(sock).endswith(b"\x03\xf5too much is waiting to be read")
            sock.close()
            with Client(nginx.url(path)) as client:
                client.ping()
