"""What the READMEs show of Python, from their own text."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from devbroker import DevBroker
from support import ROOT, Client, check_records, unused_port

LINES_MAX = 10
CLOSES = {"with_aiohttp.py": 1001, "with_gunicorn.py": 1001, "with_asgi.py": 1012}


def programs():
    """Their Python blocks by the name in the first line; behind a colon, how to run it."""
    found = {}
    for block in shown("README.md") + shown("bindings/python/README.md"):
        title = block.split("\n", 1)[0]
        name, _, command = title.removeprefix("# ").partition(": ")
        lines = [line for line in block.split("\n")[1:] if line]
        assert name.endswith(".py") and len(lines) <= LINES_MAX, title
        assert found.get(name, (block,))[0] == block, f"{name} is shown in two ways"
        found[name] = (block, command.split() or ["python", name])
    return found


def shown(path):
    with open(os.path.join(ROOT, path)) as readme:
        return re.findall(r"^```python\n(.*?)^```$", readme.read(), re.S | re.M)


def serves(name):
    def run():
        port = unused_port()
        with DevBroker("--records", "demo:500:100") as broker, \
                tempfile.TemporaryDirectory() as work:
            for file, (text, _) in programs().items():
                with open(os.path.join(work, file), "w") as out:
                    out.write(text.replace("127.0.0.1:9092", broker.bootstrap)
                              .replace("9080", str(port)))
            _, command = programs()[name]
            bin = os.path.dirname(sys.executable)
            command = [os.path.join(bin, command[0])] + [
                word.replace("9080", str(port)) for word in command[1:]]
            with subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, text=True, env={
                    **os.environ, "PYTHONUNBUFFERED": "1", "HOME": work,
                    "PYTHONPATH": os.pathsep.join([os.path.join(ROOT, "bindings/python"), work]),
            }) as host:
                try:
                    wait_for(port, host)
                    use(name, port, host)
                    says_goodbye(name, port, host)
                finally:
                    end(host)
    return run


def wait_for(port, host):
    end = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert host.poll() is None, "it ended by itself"
            assert time.monotonic() < end, "it does not listen"
            time.sleep(0.05)


def use(name, port, host):
    with Client(f"ws://127.0.0.1:{port}/kafka") as client:
        client.ping()
        assert client.end("demo") == 500
        check_records(client.read_all("demo", 0, 500), "demo", 0)
        if name == "own_commands.py":
            # PubSubReq{sequence 1, field 1001: "ab"}, and PubSubResp{1, field 1002: "AB"}.
            client.ws.send(b"\x08\x01\xca\x3e\x02ab")
            assert client.ws.recv(timeout=60) == b"\x08\x01\xd2\x3e\x02AB"
    if name == "direct_client.py":
        for offset in range(500):
            assert host.stdout.readline().startswith(f"{offset} b'")


def says_goodbye(name, port, host):
    """With the code that the host, or its server, ends sessions with; the others just end."""
    if name in CLOSES:
        client = Client(f"ws://127.0.0.1:{port}/kafka")
        client.ping()
        host.send_signal(signal.SIGTERM)
        assert client.close_code() == CLOSES[name]


def end(host):
    if host.poll() is None:
        host.send_signal(signal.SIGTERM)
    try:
        host.wait(20)
    except subprocess.TimeoutExpired:
        host.kill()
        raise


for program in programs():
    if program != "gateway.py":
        globals()[f"test_{program.removesuffix('.py')}"] = serves(program)
