"""Each Python host in its real program: records, refusals, bytes that come early, clients that are
killed or never read, shutdown and reload."""

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys

import pubsub_pb2 as pb
from devbroker import DevBroker
from python_hosts import example, gunicorn, until, uvicorn, with_tls
from support import (Client, check_records, ping_frame, receive_all, receive_head,
                     upgrade_head)

RECORDS = ("--records", "demo:500:100")
HOSTS = {
    "aiohttp": example("aiohttp_server.py"),
    "aiohttp_uvloop": example("aiohttp_server.py", "--uvloop"),
    "aiohttp_tls": with_tls(example("aiohttp_server.py")),
    "aiohttp_tls_uvloop": with_tls(example("aiohttp_server.py", "--uvloop")),
    "tornado": example("tornado_server.py"),
    "tornado_tls": with_tls(example("tornado_server.py")),
    "uvicorn_websockets": uvicorn("--ws", "websockets", "--loop", "asyncio"),
    "uvicorn_sansio": uvicorn("--ws", "websockets-sansio", "--loop", "uvloop"),
    "uvicorn_wsproto": uvicorn("--ws", "wsproto", "--loop", "uvloop"),
    "uvicorn_tls": with_tls(uvicorn("--ws", "websockets-sansio", "--loop", "asyncio")),
    "gunicorn_sync": gunicorn(),
    "gunicorn_gthread": gunicorn("--worker-class", "gthread", "--threads", "4"),
    # A thread for each client, and for those who ask for the metrics meanwhile.
    "gunicorn_gthread_tls": with_tls(gunicorn("--worker-class", "gthread", "--threads", "40")),
    "http_server": example("http_server.py"),
    "http_server_tls": with_tls(example("http_server.py")),
}
PONG = pb.PubSubResp(sequence=1, pong_resp=pb.PongResp(state=b"raw")).SerializeToString()
PONG = bytes([0x82, len(PONG)]) + PONG


def receive(sock, count):
    received = b""
    while len(received) < count:
        more = sock.recv(count - len(received))
        assert more, f"ended with {received!r}"
        received += more
    return received


def reads_records_and_goes_on(host):
    for _ in range(2):
        with Client(host.url(), **host.client_options()) as client:
            client.ping()
            assert client.end("demo") == 500
            check_records(client.read_all("demo", 0, 500), "demo", 0)
            assert host.connections() == 1
        until(lambda: host.connections() == 0)
    assert host.get("/nowhere")[0] == "404"


def answers_a_frame_in_the_segment_of_the_request(host):
    if host.loses_early_bytes:
        return "the server itself drops what comes behind the request"
    with host.connect() as client:
        client.sendall(upgrade_head() + ping_frame())
        head, rest = receive_head(client)
        assert head.startswith("HTTP/1.1 101 "), head
        assert rest + receive(client, len(PONG) - len(rest)) == PONG
        # And byte by byte, the first of them behind the request.
        frame = ping_frame()
    with host.connect() as client:
        client.sendall(upgrade_head() + frame[:1])
        head, rest = receive_head(client)
        assert head.startswith("HTTP/1.1 101 ") and not rest, head
        for at in range(1, len(frame)):
            client.sendall(frame[at:at + 1])
        assert receive(client, len(PONG)) == PONG


def upgrades_a_connection_that_served_before(host):
    with host.connect() as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head, body = receive_head(client)
        if "connection: close" in head.lower():
            return "this worker closes after each request"
        length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        receive(client, length - len(body))
        client.sendall(upgrade_head())
        head, rest = receive_head(client)
        assert head.startswith("HTTP/1.1 101 ") and not rest, head
        client.sendall(ping_frame())
        assert receive(client, len(PONG)) == PONG
    return None


def refuses_in_its_own_words(host):
    for change in ({"Sec-WebSocket-Version": "12"}, {"Origin": "https://elsewhere.example"}):
        with host.connect() as client:
            client.sendall(upgrade_head(**change))
            head = receive_head(client)[0]
            assert head.split()[1] in ("400", "403", "426"), (change, head)
    assert host.connections() == 0


def refuses_in_the_librarys_words(host):
    for change, status in [
            ({"Sec-WebSocket-Version": "12"}, "426"), ({"Sec-WebSocket-Key": "short"}, "400"),
            ({"Origin": "https://elsewhere.example"}, "403")]:
        with host.connect() as client:
            client.sendall(upgrade_head(**change))
            received = receive_all(client)
            assert received.startswith(f"HTTP/1.1 {status} ".encode()), (change, received)
    assert host.connections() == 0


# The paths that two servers could read in two ways: to each host they are its own page, or refused.
CONFUSING = ("/kafka/../kafka", "/kafka/%2e%2e/kafka", "/x%2f..%2fkafka", "/x/..%2fkafka", "//kafka",
             "/kafka%00", "/.//kafka", "/kafka/..;/kafka")


def is_let_in_by_no_path_that_can_be_read_in_two_ways(host):
    for path in CONFUSING:
        with host.connect() as client:
            client.sendall(upgrade_head(path))
            received = client.recv(65536)
            assert received.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")) or not received, \
                (path, received)
    assert host.connections() == 0


def refuses_http_1_0(host):
    with host.connect() as client:
        client.sendall(upgrade_head().replace(b"HTTP/1.1", b"HTTP/1.0"))
        received = client.recv(65536)
        assert received.split(b" ")[1] in (b"400", b"403", b"426"), received
    assert host.connections() == 0


# Opens sessions, leaves half of them in the middle of a frame, and waits to be killed.
VICTIM = """
import sys
sys.path[:0] = sys.argv[1].split(":")
from python_hosts import PythonHost
from support import ping_frame, receive_head, upgrade_head
host = PythonHost.__new__(PythonHost)
host.port, cert = int(sys.argv[2]), sys.argv[3]
host.cert = (cert,) if cert else None
clients = [host.connect() for _ in range(30)]
for index, client in enumerate(clients):
    client.sendall(upgrade_head())
    assert receive_head(client)[0].startswith("HTTP/1.1 101")
    client.sendall(ping_frame()[:7] if index % 2 else ping_frame())
print("ready", flush=True)
sys.stdin.read()
"""


def keeps_nothing_of_killed_clients(host):
    host.get("/metrics")
    before = host.sockets()
    for _ in range(3):
        victim = subprocess.Popen(
            [sys.executable, "-c", VICTIM, ":".join(sys.path), str(host.port),
             host.cert[0] if host.cert else ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert victim.stdout.readline() == b"ready\n"
        assert host.connections() == 30
        victim.kill()
        victim.wait()
        until(lambda: host.connections() == 0)
    until(lambda: host.sockets() <= before)


def takes_no_notice_of_clients_that_are_gone_already(host):
    """Reset behind the request, before the host can have looked at it."""
    host.get("/metrics")
    before = host.sockets()
    for number in range(100):
        plain = socket.create_connection(("127.0.0.1", host.port))
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if host.cert:
            plain.settimeout(20)
            plain = host.client_tls().wrap_socket(plain, server_hostname="localhost")
        plain.sendall(upgrade_head() + ping_frame()[:number % 9])
        plain.close()
    until(lambda: host.connections() == 0)
    until(lambda: host.sockets() <= before)
    if host.process.stderr is not None:
        host.process.terminate()
        said = host.process.stderr.read()
        assert "Traceback" not in said and "rror" not in said, said


def is_not_held_up_by_a_client_that_never_reads(host):
    def read():
        with Client(host.url(), **host.client_options()) as client:
            check_records(client.read_all("demo", 0, 500), "demo", 0)

    # Connections to brokers stay for a while: let them be there from the beginning.
    read()
    until(lambda: host.connections() == 0)
    before = host.sockets()
    with host.connect() as lazy:
        lazy.sendall(upgrade_head())
        receive_head(lazy)
        # Until nobody takes any more: the host stopped reading, as it should.
        lazy.settimeout(1)
        frames = ping_frame(state=b"x" * 4000) * 16
        sent = 0
        try:
            while sent < 256 << 20:
                lazy.sendall(frames)
                sent += len(frames)
            raise AssertionError("the host swallowed 256 MB")
        except (socket.timeout, TimeoutError):
            pass
        read()
        memory = max(resident(pid) for pid in host.pids())
        assert memory < 300 << 20, f"{memory >> 20} MiB"
    until(lambda: host.connections() == 0)
    until(lambda: host.sockets() <= before)


def carries_large_frames_both_ways(host):
    """20 sessions, 16 KB frames, 8 of them in flight in each."""
    import websockets.asyncio.client

    rounds, in_flight = 60, 8

    async def session(number):
        options = host.client_options()
        async with websockets.asyncio.client.connect(
                host.url(), max_size=None, compression=None, **options) as client:
            states = [bytes([number, at]) * 8192 for at in range(in_flight)]
            for at in range(rounds * in_flight):
                if at >= in_flight:
                    reply = pb.PubSubResp.FromString(await client.recv())
                    assert reply.sequence == at - in_flight
                    assert reply.pong_resp.state == states[reply.sequence % in_flight]
                await client.send(pb.PubSubReq(sequence=at, cmd_ping=pb.CmdPing(
                    state=states[at % in_flight])).SerializeToString())

    async def sessions():
        await asyncio.wait_for(
            asyncio.gather(*(session(number) for number in range(20))), 100)

    asyncio.run(sessions())


def answers_503_while_it_shuts_down(host):
    """On a connection that it had before; a client that does not close holds the end up."""
    with host.connect() as lazy, host.connect() as late:
        lazy.sendall(upgrade_head())
        assert receive_head(lazy)[0].startswith("HTTP/1.1 101 ")
        late.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head, body = receive_head(late)
        receive(late, int(head.lower().split("content-length: ")[1].split("\r\n")[0]) - len(body))
        host.process.send_signal(signal.SIGTERM)
        assert lazy.recv(100)[2:4] == b"\x03\xe9"
        late.sendall(upgrade_head())
        received = receive_all(late)
        assert received.startswith(b"HTTP/1.1 503 "), received
    assert host.process.wait(60) == 0


def replaces_a_killed_worker(host):
    with Client(host.url(), **host.client_options()) as client:
        client.ping()
        workers = host.pids()[1:]
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        assert client.close_code() == 1006
    until(lambda: host.pids()[1:] and not set(host.pids()) & set(workers))
    reads_records_and_goes_on(host)


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS:"))


def ends_with(code, number):
    def ends(host):
        client = Client(host.url(), **host.client_options())
        client.ping()
        host.process.send_signal(number)
        assert client.close_code() == code
        if number == signal.SIGHUP and "gunicorn" in " ".join(host.process.args):
            with Client(host.url(), **host.client_options()) as next_client:
                next_client.ping()
            host.process.send_signal(signal.SIGTERM)
        # uvicorn ends by the signal that it was sent, when all is done.
        assert host.process.wait(60) in (0, -number if "uvicorn" in host.process.args else 0)
    return ends


CHECKS = {
    "reads_records_and_goes_on": reads_records_and_goes_on,
    "answers_a_frame_in_the_segment_of_the_request": answers_a_frame_in_the_segment_of_the_request,
    "upgrades_a_connection_that_served_before": upgrades_a_connection_that_served_before,
    "refuses_in_the_librarys_words": refuses_in_the_librarys_words,
    "refuses_in_its_own_words": refuses_in_its_own_words,
    "is_let_in_by_no_path_that_can_be_read_in_two_ways":
        is_let_in_by_no_path_that_can_be_read_in_two_ways,
    "refuses_http_1_0": refuses_http_1_0,
    "keeps_nothing_of_killed_clients": keeps_nothing_of_killed_clients,
    "takes_no_notice_of_clients_that_are_gone_already":
        takes_no_notice_of_clients_that_are_gone_already,
    "is_not_held_up_by_a_client_that_never_reads": is_not_held_up_by_a_client_that_never_reads,
    "carries_large_frames_both_ways": carries_large_frames_both_ways,
    "answers_503_while_it_shuts_down": answers_503_while_it_shuts_down,
    "shuts_down_with_1001": ends_with(1001, signal.SIGTERM),
    "reloads_with_1012": ends_with(1012, signal.SIGHUP),
    "replaces_a_killed_worker": replaces_a_killed_worker,
    "closes_with_1012_when_it_ends": ends_with(1012, signal.SIGTERM),
}

# Hosts that keep the connection, and carry its bytes or messages.
CARRIERS = ("aiohttp_tls", "tornado_tls", "uvicorn", "gunicorn_gthread_tls", "http_server_tls")
# Hosts that end their own connections when they are told to end.
CLOSERS = ("gunicorn", "uvicorn")
# uvicorn speaks WebSocket itself: it refuses, and ends its clients with a code of its own.
UVICORNS = ("refuses_in_its_own_words", "closes_with_1012_when_it_ends")
# It tells its applications HTTP/1.1 whatever the client said.
NOT_UVICORNS = ("refuses_in_the_librarys_words", "shuts_down_with_1001", "reloads_with_1012",
                "refuses_http_1_0")


def concerns(name, check):
    is_uvicorn = name.startswith("uvicorn")
    return not (
        check == "carries_large_frames_both_ways" and not name.startswith(CARRIERS)
        or check == "answers_503_while_it_shuts_down" and name.startswith(CLOSERS)
        or check == "replaces_a_killed_worker" and not name.startswith("gunicorn")
        or check in UVICORNS and not is_uvicorn or check in NOT_UVICORNS and is_uvicorn)


def in_host(start, check):
    def run():
        with DevBroker(*RECORDS) as broker, start(broker.bootstrap) as host:
            return check(host)
    return run


for host_name, start_host in HOSTS.items():
    for check_name, check in CHECKS.items():
        if concerns(host_name, check_name):
            globals()[f"test_{host_name}_{check_name}"] = in_host(start_host, check)
