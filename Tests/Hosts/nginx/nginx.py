"""Debian's nginx with the module of examples/nginx-module, in a directory of its own."""

import fcntl
import functools
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import urllib.request

import pubsub_pb2 as pb
from devbroker import until
from support import Client, frame, receive_head, unused_port, upgrade_head

NGINX = os.environ.get("NGINX_BINARY", "/usr/sbin/nginx")
MODULE = os.environ["NGINX_MODULE"]
CERTIFICATE = os.path.join(os.environ["HOSTS_WORK"], "certificate")
NOWHERE = "127.0.0.1:9"

LOCATIONS = """
        location /kafka { pubsubgw on; }
        location = /hello { return 200 "hello\\n"; }
        location = /status { stub_status; }
"""

# time is of milliseconds
LOG_FORMAT = ("'$status $request_time $bytes_sent $pubsubgw_close_code $pubsubgw_bytes_received"
              " $https $uri \"$pubsubgw_close_reason\"'")


def certificate():
    # Tests run side by side, and the two files belong together.
    with open(CERTIFICATE + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(CERTIFICATE + ".pem"):
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-days", "3",
                 "-keyout", CERTIFICATE + ".key", "-out", CERTIFICATE + ".pem"],
                check=True, capture_output=True)


def kafka_route(brokers, uri="/kafka", **more):
    return {"uri": uri, "upstream": {"scheme": "kafka", "type": "none", "nodes": brokers}, **more}


@functools.cache
def client_tls(user="sockets"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Nginx:
    """A master that runs in the foreground, or as a daemon. `http` stands in the http block, `main`
    outside; PREFIX is the directory."""

    def __init__(self, brokers=NOWHERE, locations=LOCATIONS, http="", main="", workers=1,
                 routes=None, server="", start=True, daemon=False):
        self.directory = tempfile.mkdtemp(prefix="pubsubgw-nginx-")
        os.chmod(self.directory, 0o755)
        certificate()
        self.port, self.tls_port = unused_port(), unused_port()
        self.workers_wanted = workers
        self.expected = ""       # in a line of the error log that is no failure
        routes = {"kafka": kafka_route(brokers)} if routes is None else routes
        texts = "".join(f"    pubsubgw_route {id} {json.dumps(route, indent=2)}\n"
                        for id, route in routes.items())
        self.configure(f"""
load_module {MODULE};
daemon {"on" if daemon else "off"};
worker_processes {workers};
pid nginx.pid;
error_log error.log info;
{main}
events {{ worker_connections 4096; }}
http {{
    log_format ends {LOG_FORMAT};
    access_log access.log ends;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    ssl_certificate {CERTIFICATE}.pem;
    ssl_certificate_key {CERTIFICATE}.key;
    pubsubgw_log_level info;
{texts}{http}
    server {{
        listen 127.0.0.1:{self.port};
        listen 127.0.0.1:{self.tls_port} ssl http2;
{server}{locations}
    }}
}}
""")
        self.process = None
        self.is_daemon = daemon
        if start:
            self.start()

    # ---- files

    def path(self, name):
        return os.path.join(self.directory, name)

    def configure(self, text):
        self.text = text = text.replace("PREFIX", self.directory)
        with open(self.path("nginx.conf"), "w") as out:
            out.write(text)

    def errors(self):
        with open(self.path("error.log")) as file:
            return file.read()

    def ends(self):
        """The lines of the access log that speak of WebSockets, as tuples."""
        with open(self.path("access.log")) as file:
            lines = [line.split(" ", 7) for line in file]
        return [(int(status), float(seconds), int(sent), code, received, https, uri,
                 reason.strip().strip('"'))
                for status, seconds, sent, code, received, https, uri, reason in lines
                if uri.startswith("/kafka")]

    # ---- life

    def command(self, *arguments, **options):
        return subprocess.run(
            [NGINX, "-p", self.directory + "/", "-c", "nginx.conf", "-e", "error.log",
             *arguments], capture_output=True, text=True, timeout=60, **options)

    def start(self):
        self.process = subprocess.Popen(
            [NGINX, "-p", self.directory + "/", "-c", "nginx.conf", "-e", "error.log"],
            # Freed memory is overwritten: who still reads it finds no request there.
            env={**os.environ, "MALLOC_PERTURB_": "165"})
        try:
            if self.is_daemon:
                assert self.process.wait(60) == 0, self.errors()
            self.await_workers()
        except BaseException:
            self.terminate()
            raise

    @property
    def master(self):
        """Its pid. A daemon's is in its file, which the newest master writes."""
        if not self.is_daemon:
            return self.process.pid
        with open(self.path("nginx.pid")) as file:
            return int(file.read())

    def is_running(self):
        return self.is_daemon or self.process.poll() is None

    def terminate(self):
        """Ends what runs, all masters of it."""
        if not self.is_daemon:
            self.process.terminate()
        for name in ("nginx.pid", "nginx.pid.oldbin") if self.is_daemon else ():
            try:
                with open(self.path(name)) as file:
                    os.kill(int(file.read()), signal.SIGTERM)
            except OSError:
                pass

    def await_workers(self, old=()):
        def ready():
            assert self.is_running(), self.errors()[-3000:]
            # The master starts the new ones first, and the old ones accept until they are told.
            serving = self.workers()
            return (len(serving) == self.workers_wanted and not set(serving) & set(old)
                    and self.serves())
        until(20, "the workers", ready)

    def serves(self):
        try:
            return self.get("/hello").startswith("hello")
        except OSError:
            return False

    def workers(self):
        """Those that serve, without those that are on their way out."""
        return self.processes("nginx: worker process\0")

    def processes(self, title):
        found = []
        for pid in self.children():
            try:
                with open(f"/proc/{pid}/cmdline") as file:
                    if file.read().rstrip("\0 ") + "\0" == title:
                        found.append(pid)
            except OSError:
                pass
        return found

    def children(self):
        pid = self.master
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]

    def signal(self, name):
        done = self.command("-s", name)
        assert done.returncode == 0, done.stderr

    def reload(self):
        old = self.workers()
        self.signal("reload")
        self.await_workers(old)
        return old

    def await_end(self, pids, seconds=15):
        until(seconds, "the old workers' end",
              lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids))

    def check_log(self):
        """No worker crashed, and nginx found nothing open at the end of one."""
        bad = [line for line in self.errors().splitlines()
               if re.search(r"signal 11|signal 6|signal 4|open socket|\[alert\]|\[emerg\]|\[crit\]",
                            line) and "exited on signal 9" not in line
               and not (self.expected and self.expected in line)]
        assert not bad, "\n".join(bad[:20])

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.is_daemon:
            self.terminate()
            until(20, "the daemons' end", lambda: not os.path.exists(self.path("nginx.pid")))
        elif self.process and self.process.poll() is None:
            self.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if kind is None:
            if self.process:
                self.check_log()
            shutil.rmtree(self.directory)
        else:
            print(self.errors()[-6000:])

    # ---- clients

    def url(self, tls=False, path="/kafka"):
        scheme, port = ("wss", self.tls_port) if tls else ("ws", self.port)
        return f"{scheme}://127.0.0.1:{port}{path}"

    def client(self, tls=False, path="/kafka", **options):
        if tls:
            options["ssl"] = client_tls("Client")
        return Client(self.url(tls, path), **options)

    def connect(self, tls=False):
        sock = socket.create_connection(
            ("127.0.0.1", self.tls_port if tls else self.port), timeout=60)
        return client_tls().wrap_socket(sock) if tls else sock

    def session(self, tls=False, path="/kafka", **headers):
        """A socket that has been upgraded."""
        sock = self.connect(tls)
        sock.sendall(upgrade_head(path, **headers))
        head, rest = receive_head(sock)
        assert head.startswith("HTTP/1.1 101 ") and not rest, head
        return sock

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as reply:
            return reply.read().decode()

    def active(self):
        """Connections as stub_status has them, without the one that asks."""
        return int(re.search(r"Active connections: (\d+)", self.get("/status"))[1]) - 1

    def descriptors(self):
        return {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in self.workers()}

    def resident(self):
        total = 0
        for pid in self.workers():
            with open(f"/proc/{pid}/status") as file:
                total += int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) * 1024
        return total


def receive_frame(sock):
    """(opcode, payload) of a frame of the server's; None at the end of the stream."""
    def exactly(count):
        data = b""
        while len(data) < count:
            try:
                more = sock.recv(count - len(data))
            except (ConnectionResetError, ssl.SSLEOFError):
                more = b""
            if not more:
                return None
            data += more
        return data

    head = exactly(2)
    if head is None:
        return None
    length = head[1]
    if length >= 126:
        length = int.from_bytes(exactly(2 if length == 126 else 8), "big")
    return head[0] & 15, exactly(length) if length else b""


def ping(sequence=1, state=b"state"):
    return frame(2, pb.PubSubReq(
        sequence=sequence, cmd_ping=pb.CmdPing(state=state)).SerializeToString())


def check_pong(sock, sequence=1, state=b"state"):
    opcode, payload = receive_frame(sock)
    reply = pb.PubSubResp.FromString(payload)
    assert (opcode, reply.sequence, reply.pong_resp.state) == (2, sequence, state), reply


def close_code(sock):
    """Of the Close frame that ends what the server sends; 1006 without one."""
    while True:
        received = receive_frame(sock)
        if received is None:
            return 1006
        if received[0] == 8:
            sock.sendall(frame(8, received[1][:2]))
            return int.from_bytes(received[1][:2], "big")
