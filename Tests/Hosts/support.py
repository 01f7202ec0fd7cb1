"""Gateways and clients for the tests."""

import contextlib
import os
import re
import select
import socket
import ssl
import subprocess
import time

import pubsub_pb2 as pb
import pubsubgw
from websockets.sync.client import connect

ROOT = os.environ["PUBSUBGW_ROOT"]
WORK = os.environ["HOSTS_WORK"]


def route(nodes, uri="/kafka", pubsub=None, **more):
    """A route object; `upstream` keys may be given as upstream_tls=..., and so on."""
    upstream = {"scheme": "kafka", "type": "none", "nodes": nodes}
    for key in [key for key in more if key.startswith("upstream_")]:
        upstream[key.removeprefix("upstream_")] = more.pop(key)
    return {"uri": uri, "upstream": upstream, "pubsub": pubsub or {}, **more}


class Gateway(pubsubgw.Gateway):
    """A started gateway with a port, and its log lines."""

    def __init__(self, *routes, log_level=4, **settings):
        super().__init__(**settings)
        pubsubgw.set_log_level(log_level)
        for index, object in enumerate(routes):
            self.route_put(object, id=object.get("id", f"r{index}"))
        self.start()
        self.events = self.queue(log=True)
        self.port = self.listen("127.0.0.1:0")
        self.lines = []
        self.others = []

    def url(self, path="/kafka"):
        return f"ws://127.0.0.1:{self.port}{path}"

    def poll_events(self, seconds=0.0):
        for event in self.events.wait(seconds):
            if event.type == pubsubgw.EventType.LOG:
                self.lines.append((event.code, event.text))
            else:
                self.others.append(event)

    def log_line(self, pattern, seconds=5, level=4):
        """Waits for a log line of at least that severity."""
        end = time.monotonic() + seconds
        while True:
            for found, text in self.lines:
                if found <= level and re.search(pattern, text):
                    return text
            if time.monotonic() > end:
                raise AssertionError(f"no log line like {pattern!r}: {self.lines}")
            self.poll_events(0.1)

    def event(self, type, seconds=60):
        end = time.monotonic() + seconds
        while True:
            for event in self.others:
                if event.type == type:
                    self.others.remove(event)
                    return event
            if time.monotonic() > end:
                raise AssertionError(f"no event {type}: {self.others}")
            self.poll_events(0.1)


class Client:
    """A WebSocket client of the pub/sub protocol. `ssl`: a context that is for such clients only."""

    def __init__(self, url, **options):
        if "ssl" in options:
            # One thread of it reads while another writes. At the tickets that TLS 1.3 sends behind
            # the handshake OpenSSL does not bear that: the request may never be sent.
            options["ssl"].maximum_version = ssl.TLSVersion.TLSv1_2
        self.ws = connect(url, max_size=None, open_timeout=60, close_timeout=5, **options)
        self.sequence = 0

    def send(self, **command):
        self.sequence += 1
        self.ws.send(pb.PubSubReq(sequence=self.sequence, **command).SerializeToString())
        return self.sequence

    def receive(self, timeout=60):
        return pb.PubSubResp.FromString(self.ws.recv(timeout=timeout))

    def ask(self, timeout=60, **command):
        sequence = self.send(**command)
        reply = self.receive(timeout)
        assert reply.sequence == sequence, f"asked {sequence}, was answered {reply.sequence}"
        return reply

    def ping(self, state=b"hello"):
        assert self.ask(cmd_ping=pb.CmdPing(state=state)).pong_resp.state == state

    def fetch_reply(self, topic, offset=0, partition=0, **more):
        return self.ask(cmd_kafka_fetch=pb.CmdKafkaFetch(
            topic=topic, partition=partition, offset=offset, **more))

    def fetch(self, topic, offset=0, partition=0, **more):
        reply = self.fetch_reply(topic, offset, partition, **more)
        assert reply.WhichOneof("resp") == "kafka_fetch_resp", reply
        return reply.kafka_fetch_resp

    def end(self, topic, timestamp=-1, partition=0):
        reply = self.ask(cmd_kafka_list_offset=pb.CmdKafkaListOffset(
            topic=topic, partition=partition, timestamp=timestamp))
        assert reply.WhichOneof("resp") == "kafka_list_offset_resp", reply
        return reply.kafka_list_offset_resp.offset

    def error(self, **command):
        reply = self.ask(**command)
        assert reply.WhichOneof("resp") == "error_resp", reply
        return reply.error_resp

    def read_all(self, topic, start, end, max_bytes=16384):
        """Every record of [start, end), following next_offset."""
        messages, offset = [], start
        while offset < end:
            reply = self.fetch(topic, offset, max_bytes=max_bytes)
            assert reply.messages, f"nothing at {offset} of {end}"
            assert reply.messages[0].offset >= offset
            messages += reply.messages
            offset = reply.next_offset
        return messages

    def close_code(self, timeout=60):
        """Reads until the other side closes; its close code."""
        import websockets
        try:
            while True:
                self.ws.recv(timeout=timeout)
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ws.close()


def check_records(messages, topic, start):
    """The devbroker's --records hold "TOPIC-PARTITION-OFFSET" in front or a count; offsets are
    what counts here."""
    offsets = [message.offset for message in messages]
    assert offsets == list(range(start, start + len(offsets))), offsets[:20]


class Host:
    """A host program: its first line tells the port."""

    def __init__(self, *command, stdin=subprocess.DEVNULL, **environment):
        self.process = subprocess.Popen(
            command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **environment})
        line = self.process.stdout.readline()
        found = re.search(r"port (\d+)", line)
        if not found:
            raise AssertionError(f"{command}: {line!r} {self.process.stderr.read()}")
        self.port = int(found[1])

    def url(self, path="/kafka"):
        return f"ws://127.0.0.1:{self.port}{path}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def upgrade_head(path="/kafka", **headers):
    lines = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade",
             "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
             **headers}
    text = "".join(f"{key}: {value}\r\n" for key, value in lines.items() if value is not None)
    return f"GET {path} HTTP/1.1\r\n{text}\r\n".encode()


def receive_head(sock):
    """An HTTP response's head, and what came behind it."""
    sock.settimeout(60)
    received = b""
    while b"\r\n\r\n" not in received:
        more = sock.recv(65536)
        if not more:
            raise AssertionError(f"the head ends early: {received!r}")
        received += more
    head, _, rest = received.partition(b"\r\n\r\n")
    return head.decode(), rest


def receive_all(sock, seconds=60):
    """Everything until the other side ends or resets the stream."""
    sock.settimeout(seconds)
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while True:
            more = sock.recv(65536)
            if not more:
                break
            received += more
    return received


def frame(opcode, payload, fin=True, masked=True, length=None, rsv=0):
    """A client's frame, also a bad one."""
    length = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if length < 126:
        head += bytes([mask_bit | length])
    elif length < 1 << 16:
        head += bytes([mask_bit | 126]) + length.to_bytes(2, "big")
    else:
        head += bytes([mask_bit | 127]) + length.to_bytes(8, "big")
    if not masked:
        return head + payload
    mask = b"\x11\x22\x33\x44"
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def close_code_of(received):
    """The code of the Close frame at the end of a server's bytes; None without one."""
    at = 0
    while at + 2 <= len(received):
        opcode, length = received[at] & 15, received[at + 1]
        body = at + 2
        if length == 126:
            length, body = int.from_bytes(received[at + 2:at + 4], "big"), at + 4
        elif length == 127:
            length, body = int.from_bytes(received[at + 2:at + 10], "big"), at + 10
        if opcode == 8:
            payload = received[body:body + length]
            return (int.from_bytes(payload[:2], "big"), payload[2:].decode())
        at = body + length
    return None


def ping_frame(sequence=1, state=b"raw"):
    return frame(2, pb.PubSubReq(
        sequence=sequence, cmd_ping=pb.CmdPing(state=state)).SerializeToString())


def raw_session(port, path="/kafka", **headers):
    """A socket that has been upgraded."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(upgrade_head(path, **headers))
    head, rest = receive_head(sock)
    assert head.startswith("HTTP/1.1 101 "), head
    assert rest == b""
    return sock


def readable(sock, seconds):
    return bool(select.select([sock], [], [], seconds)[0])


def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
