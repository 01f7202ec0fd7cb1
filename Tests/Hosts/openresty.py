"""Debian's nginx with Lua, run from a directory of its own, from a configuration that is shown to
users. OPENRESTY names another nginx, OpenResty's own: .../openresty/nginx/sbin/nginx."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from devbroker import until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = os.path.join(ROOT, "examples/openresty/nginx.conf")
LUA_PATH = f"{ROOT}/bindings/lua/?.lua;{ROOT}/examples/openresty/?.lua;;"


# What OpenResty's nginx has built in, and what Debian calls otherwise.
OPENRESTY = os.environ.get("OPENRESTY")
TO_OPENRESTY = ((r"(?m)^load_module .*(ndk_http|ngx_http_lua)_module\.so;\n", ""),
                (r"\bnginx\.websocket\b", "resty.websocket"))


class Nginx:
    """Replacements are (text, text) and have to be found in the configuration."""

    def __init__(self, brokers="127.0.0.1:9", replace=(), conf=EXAMPLE, workers=2, start=True):
        self.prefix = tempfile.mkdtemp(prefix="pubsubgw-nginx-")
        os.chmod(self.prefix, 0o755)
        for name in ("logs", "sockets"):
            os.mkdir(os.path.join(self.prefix, name))
        if os.getuid() == 0:
            # The workers are not root.
            os.chown(self.path("sockets"), pwd.getpwnam("www-data").pw_uid, -1)
        self.count, self.master = workers, None
        self.port, self.tls_port = unused_port(), unused_port()
        with open(conf) as file:
            text = file.read()
        self.certificate()
        for old, new in (("127.0.0.1:9080", f"127.0.0.1:{self.port}"),
                         ("127.0.0.1:9092", brokers),
                         ("#listen 127.0.0.1:9443", f"listen 127.0.0.1:{self.tls_port}"),
                         ("#ssl_certificate ", "ssl_certificate "),
                         ("#ssl_certificate_key", "ssl_certificate_key"),
                         ("/usr/local/share/lua/5.1/?.lua;;", LUA_PATH),
                         ("worker_processes 2", f"worker_processes {workers}"), *replace):
            assert old in text, old
            text = text.replace(old, new)
        self.write(text)
        if start:
            self.start()

    def path(self, *names):
        return os.path.join(self.prefix, *names)

    def write(self, text):
        self.text = text
        for pattern, replacement in TO_OPENRESTY if OPENRESTY else ():
            text = re.sub(pattern, replacement, text)
        with open(self.path("nginx.conf"), "w") as out:
            out.write(text)

    def certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
             "-days", "3", "-keyout", self.path("certificate.key"), "-out",
             self.path("certificate.pem")], check=True, capture_output=True)

    def command(self, *arguments):
        return subprocess.run(
            [OPENRESTY or "nginx", "-p", self.prefix + "/", "-c", "nginx.conf",
             "-g", f"user {'www-data' if os.getuid() == 0 else pwd.getpwuid(os.getuid())[0]};",
             "-e", self.path("logs/error.log"), *arguments],
            capture_output=True, text=True, timeout=60)

    def start(self):
        done = self.command()
        assert done.returncode == 0, done.stderr + self.log()
        self.master = int(until(10, "a pid file", self.pid_text))
        self.until_ready()

    def until_ready(self):
        """A worker has its name before it accepts, and it accepts only when it has a gateway."""
        until(20, "the workers", lambda: len(self.workers()) == self.count)
        until(20, "their gateways", lambda: len(self.sockets()) == self.count)

    def sockets(self):
        return [name for name in os.listdir(self.path("sockets"))
                if name.endswith(".sock") and not name.endswith("-wake.sock")]

    def pid_text(self):
        try:
            with open(self.path("nginx.pid")) as file:
                return file.read().strip()
        except FileNotFoundError:
            return None

    def workers(self):
        """The pids of the workers that accept."""
        found = []
        for pid in children(self.master):
            try:
                with open(f"/proc/{pid}/cmdline") as file:
                    if "worker process" in file.read().split("is shutting down")[0][:40]:
                        found.append(pid)
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def signal(self, name):
        os.kill(self.master, getattr(signal, name))

    def log(self):
        with open(self.path("logs/error.log")) as file:
            return file.read()

    def url(self, path="/kafka"):
        return f"ws://127.0.0.1:{self.port}{path}"

    def get(self, path):
        with self.connect() as sock:
            sock.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            received = b""
            while more := sock.recv(65536):
                received += more
        return received.decode()

    def gone(self):
        return self.master is None or not alive(self.master)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.log()[-5000:])
        if not self.gone():
            self.signal("SIGTERM")
            until(20, "the end of nginx", self.gone)
        crashes = re.findall(r"exited on signal (?!9\b)\d+.*", self.log())
        shutil.rmtree(self.prefix)
        assert not crashes, crashes


def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def alive(pid):
    """Neither gone nor waiting to be reaped."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid):
    done = subprocess.run(["ps", "--no-headers", "-o", "pid", "--ppid", str(pid)],
                          capture_output=True, text=True)
    return [int(word) for word in done.stdout.split()]


def descriptors(pids):
    """How many sockets each process has."""
    def count(pid):
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        return sum(link.startswith("socket:") for link in links)
    return {pid: count(pid) for pid in pids}
