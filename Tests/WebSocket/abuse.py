#!/usr/bin/env python3
"""Plays hostile and careless clients against pubsubgw-echo, and checks each answer.

    python3 Tests/WebSocket/abuse.py --echo .build/release/pubsubgw-echo
"""
import argparse
import concurrent.futures
import resource
import select
import socket
import sys
import time
import zlib

from wire import (
    BINARY, CLOSE, KEY, MORE, PING, PONG, TEXT, Closed, Echo, Report, close_frame, frame, request)

MIB = 1 << 20


# The handshake.

def refused(echo, data, status, **headers):
    with echo.connect() as client:
        client.send(data)
        assert (got := client.response()) == status, f"status {got}"
        for name, value in headers.items():
            name = name.replace("_", "-")
            assert client.headers.get(name) == value, f"{name}: {client.headers.get(name)}"
        length = int(client.headers["content-length"])
        while len(client.buffer) < length:
            client.more()
        body = client.buffer[:length]
        assert body.count(b"\n") == 1 and body.endswith(b"\n"), body
        # The connection ends: nothing can be smuggled behind a refusal.
        client.socket.shutdown(socket.SHUT_WR)
        assert client.socket.recv(1) == b""


def handshakes():
    key = "Sec-WebSocket-Key"
    yield "version 12", 426, request(replace={"Sec-WebSocket-Version": "12"}), {
        "sec_websocket_version": "13", "upgrade": "websocket"}
    yield "no version", 400, request(drop=["Sec-WebSocket-Version"]), {}
    yield "no Upgrade", 400, request(drop=["Upgrade"]), {}
    yield "no Connection", 400, request(drop=["Connection"]), {}
    yield "plain GET", 400, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", {}
    yield "key of 15 bytes", 400, request(replace={key: "AAAAAAAAAAAAAAAAAAAA"}), {}
    yield "key of 17 bytes", 400, request(replace={key: "AAAAAAAAAAAAAAAAAAAAAAA="}), {}
    yield "key that is no base64", 400, request(replace={key: "!" * 22 + "=="}), {}
    yield "no key", 400, request(drop=[key]), {}
    yield "duplicate key", 400, request(add=[f"{key}: {KEY}"]), {}
    yield "POST", 405, request(method="POST"), {"allow": "GET"}
    yield "HTTP/1.0", 400, request(version="HTTP/1.0"), {}
    yield "HTTP/2 preface", 400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {}
    yield "9 kB header line", 431, request(add=["X-Long: " + "a" * 9000]), {}
    yield "2000 headers", 431, request(add=[f"X-{n}: a" for n in range(2000)]), {}
    yield "100 kB URL", 414, request(path="/" + "a" * 100_000), {}
    yield "40 kB in small headers", 431, request(add=[f"X-{n}: " + "a" * 400 for n in range(100)]), {}
    yield "foreign Origin", 403, request(add=["Origin: https://evil.example"]), {}
    yield "two Origins", 400, request(add=["Origin: http://a", "Origin: http://b"]), {}
    yield "malformed sub-protocols", 400, request(add=["Sec-WebSocket-Protocol: a b"]), {}
    yield "malformed extensions", 400, request(add=["Sec-WebSocket-Extensions: a; b="]), {}
    # Smuggling.
    yield "Content-Length", 400, request(add=["Content-Length: 5"]) + b"hello", {}
    yield "chunked", 400, request(add=["Transfer-Encoding: chunked"]) + b"0\r\n\r\n", {}
    yield "bare LF", 400, request().replace(b"\r\n", b"\n"), {}
    yield "LF inside of a value", 400, request(add=["X-A: b\nX-B: c"]), {}
    yield "NUL", 400, request(add=["X-A: b\0c"]), {}
    yield "CR inside of a value", 400, request(add=["X-A: b\rc"]), {}
    yield "blank before the colon", 400, request(add=["Host : b"]), {}
    yield "folded header", 400, request(add=["X-A: b", " c"]), {}
    yield "duplicate Host", 400, request(add=["Host: 127.0.0.1"]), {}
    yield "no Host", 400, request(drop=["Host"]), {}
    yield "path above the root", 400, request(path="/../a"), {}
    yield "TLS", 400, bytes.fromhex("160301020001000100"), {}


def subprotocols(echo):
    for offered, chosen in (("a, b", None), ("one.only", "one.only")):
        with echo.connect() as client:
            client.upgrade(add=[f"Sec-WebSocket-Protocol: {offered}"])
            assert client.headers.get("sec-websocket-protocol") == chosen, client.headers


def origins(echo):
    for origin in ("http://127.0.0.1", "https://127.0.0.1"):
        with echo.connect() as client:
            client.upgrade(add=[f"Origin: {origin}"])


def accept_header(echo):
    with echo.connect() as client:
        client.upgrade()
        assert client.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def silent_client(echo):
    """Closed at the deadline of the whole head."""
    with echo.connect(timeout=20) as client:
        start = time.monotonic()
        assert client.socket.recv(1) == b""
        assert 8 < time.monotonic() - start < 40, f"after {time.monotonic() - start:.1f} s"


def one_byte_a_second(echo):
    with echo.connect() as client:
        start = time.monotonic()
        for byte in request():
            client.send(bytes([byte]))
            if select.select([client.socket], [], [], 1)[0]:
                assert client.socket.recv(1) == b""
                break
        assert 8 < time.monotonic() - start < 40, f"after {time.monotonic() - start:.1f} s"


def frame_in_the_request_segment(echo):
    with echo.connect() as client:
        client.send(request() + frame(TEXT, b"early") + close_frame(1000))
        assert client.response() == 101
        assert client.ending() == ([(TEXT, b"early")], 1000)


def request_byte_by_byte(echo):
    with echo.connect() as client:
        client.chops(request() + frame(TEXT, b"slow"), 1)
        assert client.response() == 101
        assert client.receive()[:2] == (TEXT, b"slow")


# Frames.

def fails(echo, data, code, replies=()):
    with echo.connect() as client:
        client.upgrade().send(data)
        seen, got = client.ending()
        assert got == code, f"close code {got}"
        assert seen == list(replies), seen


def broken_frames():
    yield "unmasked", 1002, frame(TEXT, b"a", key=None)
    for size, name in ((1 << 63, "2^63"), ((1 << 63) - 1, "2^63-1"), ((1 << 64) - 4, "2^64-4"),
                       (1 << 30, "1 GB"), ((16 << 20) + 1, "limit + 1")):
        yield f"a length of {name}", 1009, frame(BINARY, announced=size)
    yield "5 bytes in 16 bits of length", 1002, frame(TEXT, b"Hello", form=126)
    yield "5 bytes in 64 bits of length", 1002, frame(TEXT, b"Hello", form=127)
    yield "200 bytes in 64 bits of length", 1002, frame(TEXT, b"x" * 200, form=127)
    yield "bad UTF-8", 1007, frame(TEXT, b"a\xffb")
    yield "half a character", 1007, frame(TEXT, b"a\xc3")
    yield "bad UTF-8 in a frame that never ends", 1007, frame(
        TEXT, b"a\xff", announced=100)
    yield "reserved bits", 1002, frame(TEXT, b"a", rsv=4)
    yield "opcode 3", 1002, frame(3)
    yield "ping of 126 bytes", 1002, frame(PING, b"x" * 126)
    yield "fragmented ping", 1002, frame(PING, b"x", fin=False)
    yield "continuation of nothing", 1002, frame(MORE, b"x")
    yield "message inside of a message", 1002, frame(TEXT, b"x", fin=False) + frame(TEXT, b"y")
    yield "close with half a code", 1002, frame(CLOSE, b"\x03")
    yield "close 1005", 1002, close_frame(1005)
    yield "close with a bad reason", 1007, close_frame(1000, b"\xff")
    yield "100k fragments of 1 byte", 1009, (
        frame(BINARY, b"x", fin=False) + frame(MORE, b"x", fin=False) * 100_000)
    yield "100k empty continuations", 1009, (
        frame(BINARY, b"", fin=False) + frame(MORE, b"", fin=False) * 100_000)


def close_is_echoed(echo):
    with echo.connect() as client:
        client.upgrade().send(close_frame(3001, b"bye"))
        assert client.receive()[:2] == (CLOSE, b"\x0b\xb9bye")
    with echo.connect() as client:
        client.upgrade().send(close_frame())
        assert client.receive()[:2] == (CLOSE, b"")


def close_between_fragments(echo):
    fails(echo, frame(TEXT, b"a", fin=False) + close_frame(1000), 1000)


def many_fragments_pass(echo):
    """65,536 fragments of 64 bytes are 4 MiB, a lawful message."""
    piece = bytes(range(64))
    with echo.connect(timeout=30) as client:
        client.upgrade().send(
            frame(BINARY, piece, fin=False) + frame(MORE, piece, fin=False) * 65_534
            + frame(MORE, piece))
        opcode, payload, _, _ = client.receive()
        assert opcode == BINARY and payload == piece * 65_536


# Memory and back-pressure.

def send_until_blocked(client, data, total):
    """Sends without reading; answers how many bytes went before the server stopped to read."""
    client.socket.setblocking(False)
    sent = 0
    while sent < total:
        if not select.select([], [client.socket], [], 1.5)[1]:
            break
        sent += client.socket.send(data)
    client.socket.settimeout(20)
    return sent


def pings_never_read(echo):
    before = echo.resident()
    ping = frame(PING, b"p" * 125)
    with echo.connect(receive_buffer=4096) as client:
        client.upgrade()
        block = ping * 500
        total = 21 * MIB
        sent = send_until_blocked(client, block, total)
        grown = echo.resident() - before
        assert sent < total, "all of it was read"
        # Huge pages come two megabytes at a time.
        assert grown < 8 * MIB, f"grown by {grown} bytes"
        echo.check_alive()
        # What was held back is answered once the client reads.
        pongs = 0
        client.socket.settimeout(30)
        try:
            while pongs < sent // len(ping):
                opcode, payload, _, _ = client.receive()
                assert opcode == PONG and payload == b"p" * 125
                pongs += 1
        except TimeoutError:
            pass
        assert pongs == sent // len(ping), f"{pongs} pongs for {sent // len(ping)} pings"


def echo_never_read(echo):
    before = echo.resident()
    with echo.connect(receive_buffer=4096) as client:
        client.upgrade()
        message = frame(BINARY, b"m" * MIB)
        total = 200 * MIB
        sent = send_until_blocked(client, message, total)
        grown = echo.resident() - before
        assert sent < total, "all of it was read"
        assert grown < 8 * MIB, f"grown by {grown} bytes"
        echo.check_alive()


def announced_and_never_sent(echo):
    """200 clients announce 16 MiB each and send 10 bytes."""
    before = echo.resident()
    clients = []
    for _ in range(200):
        client = echo.connect()
        client.upgrade().send(frame(BINARY, b"0123456789", announced=16 * MIB))
        clients.append(client)
    time.sleep(0.3)
    grown = echo.resident() - before
    for client in clients:
        client.socket.close()
    assert grown < 2 * MIB, f"grown by {grown} bytes"


def bomb(echo):
    """64 MiB of zeroes in 64 KiB."""
    before = echo.resident()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(64 * MIB)) + packer.flush(zlib.Z_SYNC_FLUSH)
    with echo.connect() as client:
        client.upgrade(add=["Sec-WebSocket-Extensions: permessage-deflate"])
        client.send(frame(BINARY, packed[:-4], rsv=4))
        assert client.ending() == ([], 1009)
    grown = echo.resident() - before
    assert grown < 4 * MIB, f"grown by {grown} bytes"


def deflated_flood_never_read(echo):
    """Each message of 1 KiB asks for 1 MiB back."""
    before = echo.resident()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_SYNC_FLUSH)
    with echo.connect(receive_buffer=4096) as client:
        client.upgrade(add=["Sec-WebSocket-Extensions: permessage-deflate"])
        total = 64 * MIB
        sent = send_until_blocked(client, frame(BINARY, packed[:-4], rsv=4) * 64, total)
        grown = echo.resident() - before
        assert sent < total, "all of it was read"
        assert grown < 12 * MIB, f"grown by {grown} bytes"
    echo.check_alive()


def idle_clients(echo, count):
    # The first ones fill tables and pools that stay.
    warm = [echo.connect().upgrade() for _ in range(500)]
    before = echo.resident()
    clients = [echo.connect().upgrade() for _ in range(count)]
    time.sleep(0.2)
    each = (echo.resident() - before) / count
    for client in clients + warm:
        client.socket.close()
    assert each <= 4096, f"{each:.0f} bytes each"
    print(f"an idle connection takes {each:.0f} bytes")


def message_without_end(echo):
    """The deadline is for the whole message: bytes that keep coming do not move it."""
    with echo.connect() as client:
        client.upgrade().send(frame(TEXT, b"begun", fin=False))
        start = time.monotonic()
        while not select.select([client.socket], [], [], 0.2)[0]:
            client.send(frame(MORE, b"more", fin=False))
        assert client.ending() == ([], 1008)
        assert time.monotonic() - start > 0.8


# Endings.

def half_closed(echo):
    """Who has said all still gets his answers."""
    with echo.connect() as client:
        client.upgrade().send(frame(TEXT, b"last"))
        client.socket.shutdown(socket.SHUT_WR)
        assert client.ending() == ([(TEXT, b"last")], None)


def closes_after_the_handshake_of_closing(echo):
    with echo.connect() as client:
        client.upgrade().send(close_frame(1000))
        client.receive()
        start = time.monotonic()
        try:
            client.more()
            raise AssertionError("something behind the Close frame")
        except Closed:
            # Not only at the end of the time (2 s) that a client has which stays.
            assert time.monotonic() - start < 1.9


def close_survives_unread_input(echo):
    """The Close frame arrives although the client was still sending."""
    with echo.connect() as client:
        client.upgrade().send(frame(3) + frame(BINARY, b"x" * 100_000) * 20)
        assert client.ending()[1] == 1002


def who_stays_after_a_close_is_dropped(echo):
    with echo.connect(timeout=15) as client:
        client.upgrade().send(close_frame(1000))
        assert client.receive()[0] == CLOSE
        assert client.socket.recv(1) == b""
        # Our own direction stays open: the server gives up after a while.
        deadline = time.monotonic() + 12
        try:
            while time.monotonic() < deadline:
                client.send(frame(PING))
                time.sleep(0.25)
            raise AssertionError("still taken")
        except OSError:
            pass


def resets(echo):
    for data in (b"", b"GET / HT", request(), request() + frame(TEXT, b"a", announced=1000)):
        client = echo.connect()
        client.send(data)
        client.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.socket.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--echo", required=True)
    parser.add_argument("--idle", type=int, default=4000, help="clients that only stand there")
    arguments = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    report = Report()
    with Echo(arguments.echo) as echo, concurrent.futures.ThreadPoolExecutor(4) as pool:
        slow = [
            (test.__name__, pool.submit(test, echo))
            for test in (silent_client, one_byte_a_second, who_stays_after_a_close_is_dropped)]
        for name, status, data, headers in handshakes():
            report.run(name, lambda: refused(echo, data, status, **headers))
        for name, code, data in broken_frames():
            report.run(name, fails, echo, data, code)
            report.run(
                f"{name}, behind a message", fails, echo, frame(TEXT, b"a") + data, code,
                [(TEXT, b"a")])
        for test in (
            subprotocols, origins, accept_header, frame_in_the_request_segment,
            request_byte_by_byte, close_is_echoed, close_between_fragments, many_fragments_pass,
            half_closed, closes_after_the_handshake_of_closing, close_survives_unread_input,
            resets,
        ):
            report.run(test.__name__, test, echo)
        for name, future in slow:
            report.run(name, future.result)
        report.run("the next client is served", echo.check_alive)
    for test in (pings_never_read, echo_never_read, announced_and_never_sent):
        with Echo(arguments.echo) as echo:
            echo.check_alive()
            report.run(test.__name__, test, echo)
    with Echo(arguments.echo, "--message-ms", "1000") as echo:
        report.run("message_without_end", message_without_end, echo)
    for test in (bomb, deflated_flood_never_read):
        with Echo(arguments.echo, "--deflate") as echo:
            echo.check_alive()
            report.run(test.__name__, test, echo)
    room = limit[1] - 600
    if room < arguments.idle:
        report.skip("idle clients", f"only {limit[1]} descriptors")
    else:
        with Echo(arguments.echo) as echo:
            report.run("idle clients", idle_clients, echo, arguments.idle)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
