"""The gateway inside Debian's nginx with Lua, behind proxy_pass."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading

import pubsub_pb2 as pb
from devbroker import DevBroker, until
from openresty import Nginx, alive, descriptors
from support import Client, close_code_of, frame, ping_frame, receive_head, upgrade_head
from test_hosts import RECORDS, read_everything

BIG = ("--records", "big:3000:1000")


def own_sessions(nginx):
    """Open sessions by worker, asked from the workers that happen to answer."""
    found = {}
    def ask():
        text = nginx.get("/sessions")
        pid, count = text.rsplit("\r\n", 1)[1].split()
        found[int(pid)] = int(count)
        return set(found) >= set(nginx.workers())
    until(20, "an answer of each worker", ask)
    return found


SESSIONS = ("location = /metrics {", """location = /sessions {
            content_by_lua_block {
                local stats = require("pubsubgw.nginx").gateway():stats()
                ngx.print(ngx.worker.pid(), " ", stats.sessions)
            }
        }
        location = /metrics {""")


def test_serves():
    with DevBroker(*RECORDS, *BIG) as broker, Nginx(broker.bootstrap) as nginx:
        read_everything(nginx)
        with Client(nginx.url()) as client:
            reply = client.fetch("big", max_bytes=2_000_000)
            assert reply.ByteSize() > 1_900_000
        assert nginx.get("/kafka").startswith("HTTP/1.1 400 "), nginx.get("/kafka")
        assert "pubsubgw_connections" in nginx.get("/metrics")
        assert nginx.get("/none").startswith("HTTP/1.1 404 ")


def test_several_workers():
    with DevBroker(*RECORDS) as broker, \
            Nginx(broker.bootstrap, workers=4, replace=[SESSIONS]) as nginx:
        assert len([name for name in os.listdir(nginx.path("sockets"))
                    if name.endswith(".sock")]) == 4
        clients = [Client(nginx.url()) for _ in range(40)]
        for client in clients:
            client.ping()
            assert client.end("demo") == 500
        sessions = own_sessions(nginx)
        assert sum(sessions.values()) == 40 and len(sessions) == 4, sessions
        for client in clients:
            client.ws.close()
        until(10, "no session", lambda: sum(own_sessions(nginx).values()) == 0)


def test_first_frame_comes_with_the_request():
    with Nginx() as nginx, socket.create_connection(("127.0.0.1", nginx.port)) as sock:
        sock.sendall(upgrade_head() + ping_frame(7, b"at once"))
        head, rest = receive_head(sock)
        assert head.startswith("HTTP/1.1 101 "), head
        wanted = pb.PubSubResp(sequence=7, pong_resp=pb.PongResp(state=b"at once"))
        wanted = frame(2, wanted.SerializeToString(), masked=False)
        while len(rest) < len(wanted):
            more = sock.recv(4096)
            assert more, rest
            rest += more
        assert rest == wanted, rest


def test_tls():
    with DevBroker(*RECORDS) as broker, Nginx(broker.bootstrap) as nginx:
        context = ssl.create_default_context(cafile=nginx.path("certificate.pem"))
        context.check_hostname = False
        url = f"wss://127.0.0.1:{nginx.tls_port}/kafka"
        with Client(url, ssl=context) as client:
            client.ping()
            assert len(client.read_all("demo", 0, 500)) == 500


def end_of_old_workers(nginx, old):
    until(30, "the end of the old workers",
          lambda: not any(map(alive, old)))


def busy(client, stop, counts):
    """Fetches until the server closes; every reply has to be whole."""
    import websockets
    offset = 0
    try:
        while not stop.is_set():
            reply = client.fetch("big", offset, max_bytes=100_000)
            offset = reply.next_offset % 2900
            counts.append(len(reply.messages))
    except websockets.ConnectionClosed as closed:
        client.code = closed.rcvd.code if closed.rcvd else 1006


def ends_in_peace(act, wanted):
    with DevBroker(*RECORDS, *BIG) as broker, Nginx(broker.bootstrap) as nginx:
        old = nginx.workers()
        idle = [Client(nginx.url()) for _ in range(10)]
        for client in idle:
            client.ping()
        active, stop, counts = [Client(nginx.url()) for _ in range(6)], threading.Event(), []
        threads = [threading.Thread(target=busy, args=(client, stop, counts)) for client in active]
        for thread in threads:
            thread.start()
        until(20, "fetches", lambda: len(counts) > 30)
        act(nginx)
        codes = [client.close_code() for client in idle]
        for thread in threads:
            thread.join(30)
        stop.set()
        codes += [getattr(client, "code", None) for client in active]
        assert codes == [wanted] * 16, codes
        end_of_old_workers(nginx, old)
        yield nginx


def test_reload_closes_with_1012():
    for nginx in ends_in_peace(lambda nginx: nginx.signal("SIGHUP"), 1012):
        until(10, "new workers", lambda: len(nginx.workers()) == 2)
        read_everything(nginx)
        # And a second time; then the end is an end.
        old = nginx.workers()
        client = Client(nginx.url())
        client.ping()
        nginx.signal("SIGHUP")
        assert client.close_code() == 1012
        end_of_old_workers(nginx, old)
        until(10, "new workers", lambda: len(nginx.workers()) == 2)
        client = Client(nginx.url())
        client.ping()
        nginx.signal("SIGQUIT")
        assert client.close_code() == 1001
        until(30, "the end of nginx", nginx.gone)
        assert os.listdir(nginx.path("sockets")) == ["pubsubgw-generation"]


def test_a_reload_refuses_nobody_whom_a_worker_has_accepted():
    """Clients in the middle of their request when the workers are told to go."""
    with Nginx() as nginx:
        head = {path: upgrade_head(path) for path in ("/kafka", "/direct", "/websocket")}
        early = [(path, nginx.connect()) for path in head for _ in range(8)]
        for path, sock in early:
            sock.sendall(head[path][:20])
        for path in head:
            with Client(nginx.url(path)) as client:
                client.ping()
        old = nginx.workers()
        stays = Client(nginx.url())
        stays.ping()
        nginx.signal("SIGHUP")
        assert stays.close_code() == 1012
        # The workers have nobody left, and have ended what takes their events.
        until(30, "the drain", lambda: not any(
            name.endswith("-wake.sock") for name in os.listdir(nginx.path("sockets"))))
        for path, sock in early:
            sock.sendall(head[path][20:])
        for path, sock in early:
            answer, rest = receive_head(sock)
            assert answer.startswith("HTTP/1.1 101 "), (path, answer)
            while len(rest) < 4:
                more = sock.recv(100)
                assert more, (path, rest)
                rest += more
            assert close_code_of(rest)[0] == 1012, (path, rest)
            sock.sendall(frame(8, b"\x03\xf4"))
            sock.close()
        end_of_old_workers(nginx, old)


def test_a_worker_without_a_gateway_answers_503():
    begin = 'require("pubsubgw.nginx").init_worker()'
    with Nginx(start=False) as nginx:
        nginx.write(nginx.text.replace(begin, "").replace(
            "ngx.log(ngx.ERR, text)\n                    ngx.exit(503)", ""))
        assert nginx.command().returncode == 0, nginx.log()
        nginx.master = int(until(10, "a pid file", nginx.pid_text))
        with nginx.connect() as sock:
            sock.sendall(upgrade_head("/direct"))
            assert receive_head(sock)[0].startswith("HTTP/1.1 503 ")
        with nginx.connect() as sock:
            sock.sendall(upgrade_head("/kafka"))
            assert receive_head(sock)[0].startswith("HTTP/1.1 500 ")
        assert nginx.log().count("gateway does not run") == 2, nginx.log()


def test_init_wants_the_directory_of_its_sockets():
    with Nginx(start=False) as nginx:
        os.rmdir(nginx.path("sockets"))
        done = nginx.command()
        assert done.returncode != 0, done
        said = done.stderr + nginx.log()
        assert "init's `dir` has to be there" in said and "sockets/.: No such file" in said, said


def test_a_reload_closes_with_1012_before_its_workers_are_there():
    with Nginx() as nginx:
        begin = 'require("pubsubgw.nginx").init_worker()'
        assert begin in nginx.text
        nginx.write(nginx.text.replace(begin, 'os.execute("sleep 1") ' + begin))
        old = nginx.workers()
        with Client(nginx.url()) as client:
            client.ping()
            nginx.signal("SIGHUP")
            assert client.close_code() == 1012
        end_of_old_workers(nginx, old)


def test_quit_after_a_reload_that_failed_closes_with_1001():
    with Nginx() as nginx:
        good = nginx.text
        # Read well, but nothing can be bound.
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            nginx.write(good.replace("server {", f"server {{ listen 127.0.0.1:{port};", 1))
            nginx.signal("SIGHUP")
            until(20, "a refusal", lambda: "still could not bind" in nginx.log())
        # As if it were long ago.
        announced = nginx.path("sockets/pubsubgw-generation")
        with open(announced) as file:
            name = int(file.read())
        with open(announced, "w") as file:
            file.write(f"{name - 3_600_000 + 1}\n")
        with Client(nginx.url()) as client:
            client.ping()
            nginx.signal("SIGQUIT")
            assert client.close_code() == 1001


def test_quit_closes_with_1001():
    for nginx in ends_in_peace(lambda nginx: nginx.signal("SIGQUIT"), 1001):
        until(30, "the end of nginx", nginx.gone)


def test_reload_takes_new_routes_and_keeps_the_old_if_they_are_wrong():
    with DevBroker(*RECORDS) as broker, Nginx(broker.bootstrap) as nginx:
        good = nginx.text
        nginx.write(good.replace('uri = "/kafka"', 'uri = "nonsense"'))
        nginx.signal("SIGHUP")
        until(10, "a refusal", lambda: "uri: expected a path" in nginx.log())
        read_everything(nginx)
        nginx.write(good.replace('"/kafka"', '"/kafka2"').replace("= /kafka {", "= /kafka2 {"))
        old = nginx.workers()
        nginx.signal("SIGHUP")
        end_of_old_workers(nginx, old)
        with Client(nginx.url("/kafka2")) as client:
            assert client.end("demo") == 500


def test_a_killed_worker_is_born_again():
    with DevBroker(*RECORDS) as broker, Nginx(broker.bootstrap) as nginx:
        for _ in range(3):
            sockets = sorted(os.listdir(nginx.path("sockets")))
            clients = [Client(nginx.url()) for _ in range(6)]
            for client in clients:
                client.ping()
            old = nginx.workers()
            for pid in old:
                os.kill(pid, signal.SIGKILL)
            for client in clients:
                assert client.close_code() == 1006
            end_of_old_workers(nginx, old)
            until(10, "new workers", lambda: len(nginx.workers()) == 2)
            # A worker takes its listener up shortly after it has its name.
            until(10, "a session", lambda: served(nginx))
            read_everything(nginx)
            assert sorted(os.listdir(nginx.path("sockets"))) == sockets


def served(nginx):
    try:
        read_everything(nginx)
        return True
    except Exception as error:
        print(error)
        return False


CLIENTS = """
import socket, sys
from support import raw_session, ping_frame
socks = [raw_session(int(sys.argv[1]), *sys.argv[2:]) for _ in range(100)]
for index, sock in enumerate(socks):
    sock.sendall(ping_frame(1)[:index % 8])
print("ready", flush=True)
sys.stdin.read()
"""


def crowd_that_is_killed(nginx, *path):
    """100 clients in the middle of their frames."""
    child = subprocess.Popen(
        [sys.executable, "-c", CLIENTS, str(nginx.port), *path], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
    assert child.stdout.readline() == b"ready\n"
    assert sum(own_sessions(nginx).values()) == 100
    child.kill()
    child.wait()
    until(20, "no session", lambda: sum(own_sessions(nginx).values()) == 0)


def test_killed_clients_leave_nothing():
    with Nginx(replace=[SESSIONS]) as nginx:
        with Client(nginx.url()) as client:
            client.ping()
        until(10, "no session", lambda: sum(own_sessions(nginx).values()) == 0)
        before = descriptors(nginx.workers())
        for _ in range(3):
            crowd_that_is_killed(nginx)
        until(20, "the sockets of before", lambda: descriptors(nginx.workers()) == before)


COMMANDS = ("            dir = ngx.config.prefix()", """            commands = {
                { name = "cmd_upper", request = 1000, response = 1001,
                  handler = function(message, event)
                      if message == "push" then
                          local gateway = require("pubsubgw.nginx").gateway()
                          assert(gateway:push(event.session, 1002, "unasked"))
                      end
                      if message == "wait" then ngx.sleep(0.3) end
                      if message == "raise" then error "deliberately" end
                      if message == "fail" then return nil, "as asked", 77 end
                      return message:upper()
                  end },
            },
            dir = ngx.config.prefix()""")


def own_command(message, sequence=1, field=1000):
    """A PubSubReq with a command that pubsub.proto does not know."""
    def varint(value):
        out = b""
        while value > 127:
            out += bytes([value & 127 | 128])
            value >>= 7
        return out + bytes([value])
    return (b"\x08" + varint(sequence) + varint(field << 3 | 2) + varint(len(message)) + message)


def push(client):
    client.ws.send(own_command(b"push", 8))
    heard = {client.ws.recv(timeout=60), client.ws.recv(timeout=60)}
    assert heard == {own_command(b"unasked", 0, 1002)[2:], own_command(b"PUSH", 8, 1001)}, heard


def test_commands_of_the_hosts_own():
    with DevBroker(*RECORDS) as broker, Nginx(broker.bootstrap, replace=[COMMANDS]) as nginx:
        clients = [Client(nginx.url()) for _ in range(20)]
        for client in clients:
            for number in range(50):
                client.ws.send(own_command(b"wait" if number == 0 else b"x" * number, number))
        for client in clients:
            for number in range(50):
                wanted = b"WAIT" if number == 0 else b"X" * number
                wanted = own_command(wanted, number, 1001)
                if number == 0:
                    wanted = wanted[2:]
                assert client.ws.recv(timeout=60) == wanted
        client = clients[0]
        for message, text, code in ((b"raise", "the command failed", 10), (b"fail", "as asked", 77)):
            client.ws.send(own_command(message))
            error = client.receive().error_resp
            assert (error.message, error.code) == (text, code), error
        assert "deliberately" in nginx.log()
        push(client)
        client.ping()
        nginx.signal("SIGQUIT")
        assert client.close_code() == 1001
        until(30, "the end of nginx", nginx.gone)
        assert os.listdir(nginx.path("sockets")) == ["pubsubgw-generation"]
