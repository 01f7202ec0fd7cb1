"""The program `python -m pubsubgw`, run for a test in a folder of its own."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile

from support import ROOT, receive_all

KEY = "0123456789abcdef-key"


class Program:
    """files: what its folder holds, by name (JSON, or text). {0} in an argument is the folder.
    `told` are its lines on standard output, by their first word."""

    def __init__(self, *arguments, files=None, command=None, lines=2, pass_fds=(),
                 **environment):
        self.folder = tempfile.TemporaryDirectory()
        for name, content in {"key": KEY, **(files or {})}.items():
            self.write(name, content)
        os.chmod(self.path("key"), 0o600)
        known = {"PYTHONPATH": os.path.join(ROOT, "bindings/python"),
                 "XDG_STATE_HOME": self.path("state")}
        self.process = subprocess.Popen(
            [*(command or [sys.executable, "-m", "pubsubgw"]),
             *(argument.replace("{0}", self.folder.name) for argument in arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=pass_fds,
            env={**os.environ, **known, **environment})
        self.told = {}
        for _ in range(lines):
            line = self.process.stdout.readline()
            if not line:
                break
            self.told[line.split(":")[0]] = line.strip()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, content):
        with open(self.path(name), "w") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))

    def port(self, word="clients"):
        return int(re.search(r":(\d+)(/|$)", self.told[word])[1])

    def url(self, path="/kafka"):
        return f"ws://127.0.0.1:{self.port()}{path}"

    def ask(self, word, method, path, body=None, key=None, **headers):
        """(status, content) of a request to one of its addresses."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port(word), timeout=60)
        if key:
            headers["X-API-KEY"] = key
        text = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        connection.request(method, path, text, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if response.getheader("Content-Type", "").startswith("application/json"):
            content = json.loads(content)
        return response.status, content

    def admin(self, method, path, body=None, key=KEY):
        return self.ask("admin", method, f"/apisix/admin/{path}", body, key)

    def raw(self, word, sent):
        """All that it answers to some bytes."""
        with socket.create_connection(("127.0.0.1", self.port(word)), timeout=60) as sock:
            sock.sendall(sent)
            return receive_all(sock)

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        """(exit status, rest of its output, its errors)"""
        out, errors = self.process.communicate(timeout=60)
        return self.process.returncode, out, errors

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.folder.cleanup()
