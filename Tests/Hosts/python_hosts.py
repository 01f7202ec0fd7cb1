"""The Python hosts of examples/python, each as a program of its own."""

import fcntl
import os
import signal
import socket
import ssl
import subprocess
import sys
import time

from support import ROOT, WORK, Host, receive_all, receive_head, unused_port

EXAMPLES = os.path.join(ROOT, "examples/python")


class PythonHost(Host):
    """One of the examples, with a broker."""

    loses_early_bytes = False

    def __init__(self, broker, *command, cert=None, **environment):
        self.cert = cert
        self.scheme = "wss" if cert else "ws"
        super().__init__(
            sys.executable, *command, BROKERS=broker,
            PYTHONPATH=os.pathsep.join([os.path.join(ROOT, "bindings/python"), EXAMPLES]),
            **environment)

    def url(self, path="/kafka"):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def client_options(self):
        return {"ssl": self.client_tls()} if self.cert else {}

    def client_tls(self):
        return ssl.create_default_context(cafile=self.cert[0])

    def connect(self):
        """A raw connection, through TLS where the host wants that."""
        plain = socket.create_connection(("127.0.0.1", self.port))
        plain.settimeout(60)
        if not self.cert:
            return plain
        return self.client_tls().wrap_socket(plain, server_hostname="localhost")

    def get(self, path):
        with self.connect() as client:
            client.sendall(
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            head, body = receive_head(client)
            return head.split(" ")[1], body + receive_all(client)

    def connections(self):
        """Sessions that the library has open."""
        status, body = self.get("/metrics")
        assert status == "200", status
        for line in body.decode().splitlines():
            if line.startswith("pubsubgw_connections "):
                return int(float(line.split()[1]))
        raise AssertionError(body)

    def pids(self):
        found = [self.process.pid]
        for pid in found:
            try:
                with open(f"/proc/{pid}/task/{pid}/children") as children:
                    found += [int(child) for child in children.read().split()]
            except FileNotFoundError:
                pass                    # it ended meanwhile
        return found

    def sockets(self):
        """How many descriptors are sockets, in all of the host's processes."""
        count = 0
        for pid in self.pids():
            for fd in os.listdir(f"/proc/{pid}/fd"):
                try:
                    count += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
                except FileNotFoundError:
                    pass
        return count

    def __exit__(self, *_):
        if self.process.poll() is None:
            for pid in self.pids():
                os.kill(pid, signal.SIGKILL)
            self.process.wait()


class GunicornHost(PythonHost):
    """gunicorn takes over a listener, and says on stderr when a worker is ready."""

    def __init__(self, broker, *options, cert=()):
        self.cert, self.scheme = cert, "wss" if cert else "ws"
        tls = ["--certfile", cert[0], "--keyfile", cert[1]] if cert else []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--config",
                 os.path.join(EXAMPLES, "gunicorn_conf.py"), "--no-control-socket", "--bind",
                 f"fd://{listener.fileno()}", *options, *tls, "gunicorn_app:app"],
                pass_fds=[listener.fileno()], cwd=EXAMPLES, env={
                    **os.environ, "BROKERS": broker,
                    "PYTHONPATH": os.path.join(ROOT, "bindings/python")})
        self.get("/metrics")


class UvicornHost(PythonHost):
    """uvicorn speaks WebSocket itself; its parser drops what comes behind the request."""

    loses_early_bytes = True

    def __init__(self, broker, *options, cert=()):
        self.cert, self.scheme = cert, "wss" if cert else "ws"
        self.port = unused_port()
        tls = ["--ssl-certfile", cert[0], "--ssl-keyfile", cert[1]] if cert else []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--port", str(self.port), *options, *tls,
             "asgi_app:app"], cwd=EXAMPLES, env={
                **os.environ, "BROKERS": broker,
                "PYTHONPATH": os.path.join(ROOT, "bindings/python")})
        until(self.listens)

    def listens(self):
        assert self.process.poll() is None, "uvicorn ended"
        try:
            self.get("/metrics")
        except ConnectionRefusedError:
            return False
        return True


def example(name, *options):
    def start(broker, tls=()):
        with_tls = ["--cert", tls[0], "--key", tls[1]] if tls else []
        return PythonHost(
            broker, os.path.join(EXAMPLES, name), "--port", "0", "--brokers", broker, *options,
            *with_tls, cert=tls)
    return start


def gunicorn(*options):
    def start(broker, tls=()):
        return GunicornHost(broker, "--workers", "1", *options, cert=tls)
    return start


def uvicorn(*options):
    def start(broker, tls=()):
        return UvicornHost(broker, *options, cert=tls)
    return start


def with_tls(start):
    return lambda broker: start(broker, certificate())


def certificate():
    """A self-signed certificate for localhost and 127.0.0.1, and its key."""
    cert, key = os.path.join(WORK, "host-cert.pem"), os.path.join(WORK, "host-key.pem")
    # Tests run side by side, and the two files belong together.
    with open(cert + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(cert):
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days",
                 "3650", "-subj", "/CN=localhost", "-addext",
                 "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                check=True, capture_output=True)
    return cert, key


def until(condition, seconds=60):
    """Waits for what has to become true."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
