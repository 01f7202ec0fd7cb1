"""Clients that ask for more than their share, for `Tests/Benchmarks/run calm`.

Each kind is a class; an object is one session of it. They run in one process of their own over one
epoll, and send as much as is taken from them. Messages are made by hand: no generated code."""

import contextlib
import errno
import itertools
import multiprocessing
import select
import socket
import time
import zlib

HEAD = ("GET /kafka HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n")
PING, FETCH, SUBSCRIBE, UNSUBSCRIBE, METADATA = 32, 33, 101, 102, 105


def varint(value):
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(number, value):
    return varint(number << 3 | 2) + varint(len(value)) + value


def integer(number, value):
    return varint(number << 3) + varint(value)


def frame(payload, opcode=2, rsv=0, length=None):
    """Masked with zeros: the bytes go as they are."""
    length = len(payload) if length is None else length
    head = bytes([0x80 | rsv << 4 | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 1 << 16:
        head += bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + length.to_bytes(8, "big")
    return head + bytes(4) + payload


def request(sequence, command, body):
    return frame(integer(1, sequence) + text(command, body))


def fetch(sequence, topic, offset=0, **more):
    numbers = {"max_bytes": 101, "max_wait_ms": 102}
    body = text(1, topic) + integer(3, offset)
    for name, value in more.items():
        body += integer(numbers[name], value)
    return request(sequence, FETCH, body)


def subscribe(sequence, topic):
    return request(sequence, SUBSCRIBE, text(1, text(1, topic) + text(2, varint(0)) + integer(4, 5)))


def deflated(payload):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return frame(packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)[:-4], rsv=4)


class Attack:
    """One session. `messages` answers what it sends next, for ever; b"" is a pause."""
    reads = True
    headers = ""
    # Sent a byte at a time, for ever.
    is_slow_head = False
    # Seconds after which it leaves, for the next one to come.
    leaves_after = None

    def messages(self, number):
        raise NotImplementedError


class SlowHandshakes(Attack):
    is_slow_head = True


class SlowFrames(Attack):
    """A large message that never ends."""

    def messages(self, number):
        yield frame(b"", length=1 << 20)
        for _ in range(63):
            yield bytes(16 << 10)
        while True:
            yield b""


class UnreadPings(Attack):
    reads = False

    def messages(self, number):
        return itertools.repeat(frame(bytes(125), opcode=9) * 100)


class Deflate(Attack):
    """A megabyte in a thousand bytes."""
    headers = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    bomb = deflated(integer(1, 1) + text(2000, bytes(1 << 20)))

    def messages(self, number):
        return itertools.repeat(self.bomb)


class RefusedTopics(Attack):
    batch = b"".join(fetch(number, b"__x") for number in range(64))

    def messages(self, number):
        return itertools.repeat(self.batch)


class SubscribeChurn(Attack):
    batch = b"".join(
        subscribe(number, b"demo") + request(number, UNSUBSCRIBE, integer(1, number))
        for number in range(1, 33))

    def messages(self, number):
        return itertools.repeat(self.batch)


class UnreadFetches(Attack):
    reads = False

    def messages(self, number):
        for start in itertools.count():
            yield fetch(1, b"demo", (number * 131 + start * 17) % 40_000, max_bytes=1 << 20)


class UnreadMetadata(Attack):
    reads = False

    def messages(self, number):
        return itertools.repeat(request(1, METADATA, b""))


class UnknownNames(Attack):
    def messages(self, number):
        for count in itertools.count():
            yield fetch(1, b"no-such-%d-%d" % (number, count % 1000))


class LeavingWaits(Attack):
    leaves_after = 1.0

    def messages(self, number):
        yield b"".join(fetch(n, b"quiet", max_wait_ms=600_000) for n in range(64))
        while True:
            yield b""


KINDS = {
    "slow handshakes": SlowHandshakes, "slow frames": SlowFrames, "pings unread": UnreadPings,
    "deflate": Deflate, "refused topics": RefusedTopics, "subscribe churn": SubscribeChurn,
    "unread large fetches": UnreadFetches, "unread metadata": UnreadMetadata,
    "unknown names": UnknownNames, "waiting fetches that leave": LeavingWaits,
}


class Session:
    def __init__(self, port, kind, number, poll):
        self.port, self.kind, self.number, self.poll = port, kind, number, poll
        self.sock = None
        self.open()

    def open(self):
        self.attack = self.kind()
        self.sock = socket.socket()
        if not self.attack.reads:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect(("127.0.0.1", self.port))
        self.head = HEAD.format(self.attack.headers).encode()
        self.rest = memoryview(b"")
        self.out = None
        if not self.attack.is_slow_head:
            self.sock.sendall(self.head)
            answer = b""
            while b"\r\n\r\n" not in answer:
                more = self.sock.recv(4096)
                if not more:
                    break
                answer += more
            self.out = iter(self.attack.messages(self.number))
        self.leaves_at = self.attack.leaves_after and time.monotonic() + self.attack.leaves_after
        self.sock.setblocking(False)
        self.poll.register(self.sock, select.EPOLLIN * self.attack.reads | select.EPOLLOUT)

    def close(self):
        if self.sock is None:
            return
        with contextlib.suppress(OSError):
            self.poll.unregister(self.sock)
        self.sock.close()
        self.sock = None

    def receive(self):
        try:
            return bool(self.sock.recv(1 << 18))
        except BlockingIOError:
            return True

    def send(self):
        """Whether it has more to send."""
        if self.out is None:
            self.sock.send(self.head[:1])
            self.head = self.head[1:] or b"X"
            return False
        if not self.rest:
            self.rest = memoryview(next(self.out))
            if not self.rest:
                return False
        try:
            self.rest = self.rest[self.sock.send(self.rest):]
        except BlockingIOError:
            pass
        return True


def run(port, kinds, count, ready, stop):
    poll = select.epoll()
    sessions = {}

    def add(session):
        sessions[session.sock.fileno()] = session

    for kind in kinds:
        for number in range(count):
            add(Session(port, KINDS[kind], number, poll))
    ready.set()
    waiting = []
    pause_until = 0
    while not stop.is_set():
        now = time.monotonic()
        for fd, events in poll.poll(0.05, 512):
            session = sessions.get(fd)
            if session is None:
                continue
            try:
                alive = not events & select.EPOLLIN or session.receive()
                if alive and events & select.EPOLLOUT and not session.send():
                    poll.modify(fd, select.EPOLLIN * session.attack.reads)
                    waiting.append(session)
                if session.leaves_at and now > session.leaves_at:
                    alive = False
            except OSError as error:
                if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                    raise
                alive = False
            if not alive:
                del sessions[fd]
                session.close()
                with contextlib.suppress(OSError):
                    session.open()
                    add(session)
        if now > pause_until:
            pause_until = now + 0.1
            for session in waiting:
                if session.sock is not None:
                    with contextlib.suppress(OSError, ValueError):
                        poll.modify(session.sock, select.EPOLLIN * session.attack.reads
                                    | select.EPOLLOUT)
            waiting = []
    for session in sessions.values():
        session.close()


@contextlib.contextmanager
def attacking(port, kinds, count):
    """`count` sessions of each kind, in a process of their own."""
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    process = context.Process(target=run, args=(port, kinds, count, ready, stop), daemon=True)
    process.start()
    try:
        assert ready.wait(120) and process.is_alive(), "the attackers did not come"
        yield
        assert process.is_alive(), "the attackers failed"
    finally:
        stop.set()
        process.join(30)
        if process.is_alive():
            process.kill()
            process.join()
