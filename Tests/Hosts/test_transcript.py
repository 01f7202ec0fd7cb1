"""The transcript that every language's binding runs (Tests/ABI/transcript.txt)."""

import os

import pubsubgw
from support import ROOT, readable
from test_c import c_host
from test_lua import LIBRARY, luajit

TRANSCRIPT = os.path.join(ROOT, "Tests/ABI/transcript.txt")

ROUTE = {"id": "transcript", "uri": "/transcript", "upstream": {"scheme": "none", "type": "none"}}


def lines():
    with open(TRANSCRIPT) as transcript:
        for line in transcript:
            if line.strip() and not line.startswith("#"):
                yield line.strip().split(" ", 1)


def upper(command):
    if command.data == b"fail":
        raise pubsubgw.CommandFailed("as it was asked to", code=0)
    return command.data.upper()


class Run:
    """One bytes session without asyncio: events are dispatched where output is waited for."""

    def __init__(self, gateway, head):
        self.ends = []
        self.received = b""
        self.queue = gateway.queue()
        gateway.command("cmd_upper", 1001, 1002)(upper)
        gateway.serve_commands(self.queue)
        self.session = gateway.open_bytes(
            queue=self.queue, request_head=head, output=self.take, closed=self.ends.append)

    def take(self):
        while data := self.session.output():
            self.received += data
            if not self.session.consume(len(data)):
                break

    def wait(self, condition):
        while not condition():
            assert readable(self.queue, 20), f"nothing came; there is {self.received.hex()}"
            self.queue.dispatch()

    def receive(self, wanted):
        self.wait(lambda: len(self.received) >= len(wanted))
        assert self.received.startswith(wanted), (self.received.hex(), wanted.hex())
        self.received = self.received[len(wanted):]

    def closed(self, code, reason):
        self.wait(lambda: self.ends)
        assert (self.ends[0].code, self.ends[0].reason) == (code, reason), self.ends
        assert not self.received, self.received.hex()


def test_c():
    c_host("transcript", TRANSCRIPT)


def test_lua():
    done = luajit(os.path.join(ROOT, "Tests/Hosts/lua/transcript.lua"), TRANSCRIPT,
                  PUBSUBGW_LIBRARY=LIBRARY)
    assert done.returncode == 0, done.stderr


def test_python():
    steps = list(lines())
    head = b"".join(bytes.fromhex(rest) for word, rest in steps if word == "head")
    with pubsubgw.Gateway(host_schemes=["none"]) as gateway:
        gateway.route_put(ROUTE)
        gateway.start()
        run = Run(gateway, head)
        performed = 0
        for word, rest in steps:
            if word == "send":
                assert run.session.feed(bytes.fromhex(rest))
            elif word == "receive":
                run.receive(bytes.fromhex(rest))
            elif word == "closed":
                code, _, reason = rest.partition(" ")
                run.closed(int(code), reason)
            else:
                assert word == "head", word
            performed += 1
        assert performed > 10
