"""Reload, quit, stop; workers and clients that are killed; under traffic."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pubsub_pb2 as pb
import websockets
from devbroker import DevBroker, until
from nginx import Nginx, check_pong, close_code, ping, receive_frame
from support import check_records, close_code_of, frame, receive_head, upgrade_head

LOAD = os.environ["WS_LOAD"]
SECONDS = int(os.environ["LOAD_SECONDS"])
WAYS = (False, True)


class Talker(threading.Thread):
    """Asks for records without a pause, and comes again when it is sent away. Every command is
    answered, or it was sent after the server's Close frame had been."""

    def __init__(self, nginx, tls):
        super().__init__(daemon=True)
        self.nginx, self.tls = nginx, tls
        self.answers, self.codes, self.failure = 0, [], None
        self.is_over = False
        self.start()

    def run(self):
        try:
            while not self.is_over:
                with self.nginx.client(self.tls) as client:
                    self.talk(client)
        except Exception as error:
            self.failure = error

    def talk(self, client):
        try:
            while not self.is_over:
                check_records(client.fetch("demo", max_bytes=30000).messages, "demo", 0)
                self.answers += 1
        except websockets.ConnectionClosed as closed:
            self.codes.append(closed.rcvd.code if closed.rcvd else 1006)

    def end(self):
        self.is_over = True
        self.join(20)
        assert self.failure is None, repr(self.failure)
        assert self.answers > 0


def test_reload_under_traffic_loses_nothing():
    with DevBroker("--records", "demo:500:100") as broker:
        with Nginx(broker.bootstrap, workers=2) as nginx:
            talkers = [Talker(nginx, tls) for _ in range(6) for tls in WAYS]
            idle = [nginx.session(tls) for _ in range(10) for tls in WAYS]
            for _ in range(3):
                time.sleep(0.5)
                old = nginx.reload()
                for sock in idle:
                    assert close_code(sock) == 1012
                    sock.close()
                nginx.await_end(old)
                idle = [nginx.session(tls) for _ in range(10) for tls in WAYS]
            for talker in talkers:
                talker.end()
                # A reload while a client was connecting closes nothing, or its new session.
                assert set(talker.codes) <= {1012}, talker.codes
            assert sum(len(talker.codes) for talker in talkers) >= len(talkers)
            assert "exited with code 0" in nginx.errors()


def test_a_reload_refuses_nobody_whom_a_worker_has_accepted():
    """Clients in the middle of their request when the workers are told to go."""
    with Nginx(workers=2) as nginx:
        head = upgrade_head("/kafka")
        early = [nginx.connect(tls) for tls in WAYS for _ in range(10)]
        for sock in early:
            sock.sendall(head[:20])
        told = [nginx.session(tls) for tls in WAYS for _ in range(8)]
        old = nginx.reload()
        for sock in told:
            assert close_code(sock) == 1012
            sock.close()
        for sock in early:
            sock.sendall(head[20:])
            answer, rest = receive_head(sock)
            assert answer.startswith("HTTP/1.1 101 "), answer
            while len(rest) < 4:
                more = sock.recv(100)
                assert more, rest
                rest += more
            assert close_code_of(rest)[0] == 1012, rest
            sock.sendall(frame(8, b"\x03\xf4"))
            sock.close()
        nginx.await_end(old)


def test_a_reload_brings_new_routes():
    with Nginx() as nginx:
        with nginx.session():
            nginx.configure(nginx.text.replace('"uri": "/kafka"', '"uri": "/kafka/new"'))
            nginx.reload()
        with nginx.client(path="/kafka/new") as client:
            client.ping()
        with nginx.connect() as sock:
            sock.sendall(upgrade_head("/kafka"))
            assert receive_head(sock)[0].startswith("HTTP/1.1 404 ")


def test_a_reload_with_a_mistake_changes_nothing():
    with Nginx() as nginx:
        nginx.expected = 'property "uri" is required'
        socks = [nginx.session(tls) for tls in WAYS]
        nginx.configure(nginx.text.replace('"uri"', '"url"'))
        # "nginx -s reload" would find the mistake by itself.
        nginx.process.send_signal(signal.SIGHUP)
        until(10, "the mistake is told", lambda: nginx.expected in nginx.errors())
        for sock in socks:
            sock.sendall(ping())
            check_pong(sock)
        nginx.session().close()
        # No configuration was applied: this is no reload.
        for pid in nginx.workers():
            os.kill(pid, signal.SIGQUIT)
        for sock in socks:
            assert close_code(sock) == 1001
            sock.close()


def test_what_was_being_sent_arrives_before_the_close():
    """A large reply to a client that reads slowly, and a reload in the middle of it."""
    with DevBroker("--records", "demo:4000:1000") as broker, Nginx(broker.bootstrap) as nginx:
        for tls in WAYS:
            sock = nginx.session(tls)
            sock.sendall(frame(2, pb.PubSubReq(sequence=9, cmd_kafka_fetch=pb.CmdKafkaFetch(
                topic="demo", max_bytes=3_500_000)).SerializeToString()))
            first = sock.recv(4)
            old = nginx.reload()
            length = int.from_bytes(first[2:4] + exactly(sock, 6), "big")
            reply = pb.PubSubResp.FromString(exactly(sock, length))
            messages = reply.kafka_fetch_resp.messages
            assert len(messages) > 3000
            check_records(messages, "demo", 0)
            assert close_code(sock) == 1012
            sock.close()
            nginx.await_end(old)


def exactly(sock, count):
    data = bytearray()
    while len(data) < count:
        more = sock.recv(min(count - len(data), 65536))
        assert more, f"ends {count - len(data)} bytes early"
        data += more
        if len(data) < 1 << 20:
            time.sleep(0.001)
    return bytes(data)


def test_quit_says_1001_and_waits():
    for tls in WAYS:
        with Nginx(workers=2) as nginx:
            socks = [nginx.session(tls) for _ in range(20)]
            nginx.signal("quit")
            for sock in socks:
                assert close_code(sock) == 1001
                assert receive_frame(sock) is None
                sock.close()
            assert nginx.process.wait(60) == 0
            assert [end[3] for end in nginx.ends()].count("1001") == 20


def test_stop_says_1001_at_once():
    for tls in WAYS:
        with Nginx(workers=2) as nginx:
            socks = [nginx.session(tls) for _ in range(20)]
            nginx.signal("stop")
            for sock in socks:
                assert close_code(sock) == 1001
                sock.close()
            assert nginx.process.wait(60) == 0
            assert "signal 9" not in nginx.errors()


def test_shutdown_timeout_is_respected():
    """A client that stopped reading in the middle of a reply cannot hold an old worker."""
    with DevBroker("--records", "demo:9000:1000") as broker:
        with Nginx(broker.bootstrap, main="worker_shutdown_timeout 2s;") as nginx:
            socks = []
            for tls in WAYS:
                sock = nginx.session(tls)
                sock.sendall(frame(2, pb.PubSubReq(
                    sequence=9, cmd_kafka_fetch=pb.CmdKafkaFetch(
                        topic="demo", max_bytes=8_000_000)).SerializeToString()))
                assert sock.recv(1) == b"\x82"
                socks.append(sock)
            old = nginx.reload()
            nginx.await_end(old, 20)
            for sock in socks:
                sock.close()
            assert "exited with code 0" in nginx.errors()


def test_a_killed_worker_is_replaced():
    with DevBroker("--records", "demo:500:100") as broker:
        with Nginx(broker.bootstrap, workers=2) as nginx:
            socks = [nginx.session(tls) for _ in range(5) for tls in WAYS]
            old = nginx.workers()
            for pid in old:
                os.kill(pid, signal.SIGKILL)
            for sock in socks:
                assert close_code(sock) == 1006
                sock.close()
            nginx.await_workers(old)
            for tls in WAYS:
                with nginx.client(tls) as client:
                    check_records(client.read_all("demo", 0, 500), "demo", 0)
            # A respawned worker is no reload.
            sock = nginx.session()
            nginx.signal("quit")
            assert close_code(sock) == 1001
            sock.close()
            assert nginx.process.wait(60) == 0


CLIENTS = """
import socket, ssl, sys, time
from nginx import client_tls, ping
from support import receive_head, upgrade_head
socks = []
for index in range(int(sys.argv[3])):
    sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    if sys.argv[2] == "tls":
        sock = client_tls().wrap_socket(sock)
    sock.sendall(upgrade_head())
    receive_head(sock)
    # Some in the middle of a frame, some with replies that they never read.
    sock.sendall(ping()[:3] if index % 3 else ping(1, b"x" * 60000))
    socks.append(sock)
print("ready", flush=True)
time.sleep(100)
"""


def no_more(nginx, before):
    """The first count may have seen a descriptor on its way out."""
    now = nginx.descriptors()
    return now.keys() == before.keys() and all(now[pid] <= before[pid] for pid in now)


def test_killed_clients_leave_nothing():
    with Nginx() as nginx:
        before = None
        for _ in range(3):
            for way in ("plain", "tls"):
                port = nginx.tls_port if way == "tls" else nginx.port
                crowd = subprocess.Popen(
                    [sys.executable, "-c", CLIENTS, str(port), way, "100"],
                    stdout=subprocess.PIPE, text=True,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
                assert crowd.stdout.readline() == "ready\n"
                assert nginx.active() == 100
                crowd.kill()
                crowd.wait()
                until(20, "no connection is left", lambda: nginx.active() == 0)
            # The first round may open what is opened once.
            if before is None:
                before = nginx.descriptors()
        until(10, "no descriptor is left", lambda: no_more(nginx, before))


def test_workers_told_to_go_under_traffic_do_not_crash():
    with Nginx(workers=2) as nginx:
        for round in range(6):
            loads = [subprocess.Popen(
                [LOAD, *(["--tls"] if tls else []), str(nginx.tls_port if tls else nginx.port),
                 "/kafka", "20", "4", "60s", size], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL) for tls in WAYS for size in ("ping", "ping:16000")]
            time.sleep(0.6)
            old = nginx.workers()
            if round % 2:
                nginx.reload()
            else:
                for pid in old:
                    os.kill(pid, signal.SIGTERM if round % 4 else signal.SIGQUIT)
            for load in loads:
                load.wait(20)
            nginx.await_end(old, 20)
            nginx.await_workers(old)
        assert "signal 11" not in nginx.errors()


def test_full_speed_without_a_stall():
    """ws_load fails when nothing comes for 30 s; a lost wake-up on one connection stops it."""
    with Nginx() as nginx:
        for tls, in_flight, span in [(True, 8, SECONDS), (True, 1, 5), (False, 8, 5)]:
            done = subprocess.run(
                [LOAD, *(["--tls"] if tls else []), str(nginx.tls_port if tls else nginx.port),
                 "/kafka", "20", str(in_flight), f"{span}s", "ping:16384"],
                capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            messages, size, seconds = done.stdout.split()
            assert int(messages) > 100 and int(size) > 16384 * int(messages)
            print(f"figure: {'TLS' if tls else 'plain'}, 20 sessions x {in_flight} x 16 KiB:"
                  f" {int(messages) / float(seconds):.0f} messages/s each way")


def test_sessions_closed_in_the_middle_of_a_frame_leave_nothing():
    """2,000 of them, by TLS and plain; memory is looked at behind a first half."""
    with Nginx() as nginx:
        def crowd(count, tls):
            for _ in range(count // 100):
                socks = []
                for index in range(100):
                    sock = nginx.session(tls)
                    sock.sendall(ping(1, b"y" * 20000)[:1000 + 150 * index])
                    socks.append(sock)
                for index, sock in enumerate(socks):
                    if index % 2:
                        sock.setsockopt(
                            socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    sock.close()
                until(20, "no connection is left", lambda: nginx.active() == 0)

        for tls in WAYS:
            crowd(500, tls)
            descriptors, resident = nginx.descriptors(), nginx.resident()
            crowd(2000 if tls else 500, tls)
            until(10, "no descriptor is left", lambda: no_more(nginx, descriptors))
            growth = nginx.resident() - resident
            print(f"figure: {'TLS' if tls else 'plain'}: {growth >> 10} KiB growth")
            assert growth < 4 << 20, f"{growth} bytes more"
