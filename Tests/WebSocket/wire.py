"""A WebSocket client made of a socket, for tests: it can send anything and hides nothing.

Only the standard library is used, so that nothing between the test and the wire corrects either.
"""
import os
import select
import socket
import struct
import subprocess
import time

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TEXT, BINARY, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0
MASK = bytes.fromhex("37fa213d")


def masked(payload, key=MASK):
    size = len(payload)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(size, "big")


def frame(opcode, payload=b"", fin=True, rsv=0, key=MASK, announced=None, form=None):
    """The bytes of a client's frame. `announced`: a length that is not the payload's. `form`: 126
    or 127 for a longer form of the length than needed. `key`: None leaves the mask out."""
    size = len(payload) if announced is None else announced
    mask_bit = 0x80 if key is not None else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if form == 127 or size > 0xFFFF:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", size)
    elif form == 126 or size > 125:
        head += bytes([mask_bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mask_bit | size])
    if key is None:
        return head + payload
    return head + key + masked(payload, key)


def close_frame(code=None, reason=b""):
    return frame(CLOSE, (b"" if code is None else struct.pack("!H", code)) + reason)


def fragments(opcode, payload, size):
    """One message in fragments of `size` bytes."""
    pieces = [payload[at:at + size] for at in range(0, len(payload), size)] or [b""]
    last = len(pieces) - 1
    return b"".join(
        frame(opcode if at == 0 else MORE, piece, fin=at == last)
        for at, piece in enumerate(pieces))


def request(path="/", method="GET", version="HTTP/1.1", replace=None, add=(), drop=()):
    """The bytes of an upgrade request. `replace`: other values by header name, `add`: whole lines."""
    headers = {
        "Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13",
    }
    headers.update(replace or {})
    lines = [f"{method} {path} {version}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name not in drop]
    return "\r\n".join([*lines, *add, "", ""]).encode("latin-1")


class Closed(Exception):
    """The server has ended the connection."""


class Client:
    """A connection to 127.0.0.1."""

    def __init__(self, port, timeout=60, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.headers = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def chops(self, data, size):
        """Sends in pieces of `size` bytes, each a segment of its own as far as TCP wants."""
        for at in range(0, len(data), size):
            self.socket.sendall(data[at:at + size])

    def more(self):
        data = self.socket.recv(262144)
        if not data:
            raise Closed("end of stream")
        self.buffer += data

    def response(self):
        """The status and the head's text; the headers stay in `headers`."""
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        text = head.decode("latin-1")
        self.headers = {
            name.lower(): value.strip()
            for name, value in (line.split(":", 1) for line in text.split("\r\n")[1:])}
        return int(text.split(" ")[1])

    def upgrade(self, **arguments):
        self.send(request(**arguments))
        status = self.response()
        assert status == 101, f"status {status}"
        return self

    def receive(self):
        """The next frame: opcode, payload, FIN, RSV."""
        size = 2
        header = None
        while True:
            if header is None and len(self.buffer) >= size:
                header, size = self._header()
            if header and len(self.buffer) >= size:
                opcode, fin, rsv, start = header
                # A slice of a large buffer is cheap only once per frame.
                payload, self.buffer = self.buffer[start:size], self.buffer[size:]
                return opcode, payload, fin, rsv
            if header and size - len(self.buffer) > 65536:
                self._fill(size)
            else:
                self.more()

    def _fill(self, size):
        parts, have = [self.buffer], len(self.buffer)
        while have < size:
            data = self.socket.recv(min(size - have, 1 << 20))
            if not data:
                raise Closed("end of stream")
            parts.append(data)
            have += len(data)
        self.buffer = b"".join(parts)

    def _header(self):
        """What is known of the header: (opcode, FIN, RSV, start of the payload) or None, and the
        bytes needed to go on."""
        first, second = self.buffer[0], self.buffer[1]
        assert second & 0x80 == 0, "the server masks"
        length, start = second & 0x7F, 2
        if length > 125:
            start = 4 if length == 126 else 10
            if len(self.buffer) < start:
                return None, start
            length = int.from_bytes(self.buffer[2:start], "big")
            assert length > (125 if start == 4 else 65535), "the length is not minimal"
        return (first & 0x0F, bool(first & 0x80), first >> 4 & 7, start), start + length

    def ending(self, timeout=None):
        """Reads up to the end of the stream: the frames, and the close code (None without a Close
        frame, 1005 for an empty one)."""
        if timeout:
            self.socket.settimeout(timeout)
        seen, code = [], None
        try:
            while True:
                opcode, payload, _, _ = self.receive()
                if opcode == CLOSE:
                    assert code is None, "two Close frames"
                    code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                else:
                    assert code is None, "a frame behind the Close frame"
                    seen.append((opcode, payload))
        except (Closed, ConnectionResetError):
            return seen, code

    def is_quiet(self, seconds):
        """Whether nothing comes for so long."""
        return not self.buffer and not select.select([self.socket], [], [], seconds)[0]


class Echo:
    """The echo server as a process."""

    def __init__(self, path, *arguments):
        self.process = subprocess.Popen(
            [path, "0", *arguments], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def connect(self, **arguments):
        return Client(self.port, **arguments)

    def resident(self):
        """Bytes of memory that the process has for itself."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            kilobytes = sum(
                int(line.split()[1]) for line in file if line.startswith("Private_"))
        return kilobytes * 1024

    def check_alive(self):
        """Another client is served."""
        assert self.process.poll() is None, f"the server ended: {self.process.returncode}"
        with self.connect() as client:
            client.upgrade().send(frame(TEXT, b"alive") + close_frame(1000))
            assert client.ending() == ([(TEXT, b"alive")], 1000)


class Report:
    """Counts, and says what failed."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def run(self, name, test, *arguments):
        start = time.monotonic()
        try:
            test(*arguments)
            self.passed += 1
            if os.environ.get("VERBOSE"):
                print(f"ok      {name} ({time.monotonic() - start:.2f} s)", flush=True)
        except Exception as error:  # a test may fail in any way
            self.failed += 1
            print(f"FAILED  {name}: {type(error).__name__}: {error}", flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skipped: {name}: {why}")

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0
