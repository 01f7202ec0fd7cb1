#!/usr/bin/env python3
"""Replays the 517 cases of the Autobahn suite against pubsubgw-echo.

    python3 Tests/WebSocket/conformance.py --echo .build/release/pubsubgw-echo [--messages N]

Stricter than the suite: every answer is exact, faults fail fast, and a connection that failed says
why in a Close frame. `--messages` is how many messages each compression or round-trip case sends
(1000 in the suite, 20 here unless given).
"""
import argparse
import random
import sys
import zlib

from catalogue import cases
from wire import BINARY, MORE, TEXT, Echo, Report, close_frame, frame

SIZES = (0, 16, 64, 256, 1024, 4096)
COMPRESSED_SIZES = [(size, 0) for size in (16, 64, 256, 1024, 4096)] + [
    (8192 << n, 0) for n in range(5)] + [(8192 << n, 256) for n in range(5)] + [
    (131072, 1024), (131072, 4096), (131072, 32768)]


def play(echo, case):
    with echo.connect(timeout=60) as client:
        client.upgrade()
        for step in case.send:
            if isinstance(step, float):
                assert client.is_quiet(step), "an answer before the fault"
            elif case.chop:
                client.chops(step, case.chop)
            else:
                client.send(step)
        if case.codes:
            seen, code = client.ending(timeout=60)
            assert code in case.codes, f"close code {code}, not {case.codes}"
        else:
            seen = [client.receive()[:2] for _ in case.expect]
            client.send(close_frame(1000))
            rest, code = client.ending(timeout=60)
            assert rest == [] and code == 1000, f"{len(rest)} more answers, close code {code}"
        assert seen == case.expect, "another answer"


def round_trips(echo, opcode, size, count):
    """Sections 9.7 and 9.8."""
    payload = (b"*" if opcode == TEXT else b"\xfe") * size
    message = frame(opcode, payload)
    with echo.connect(timeout=60) as client:
        client.upgrade()
        for _ in range(count):
            client.send(message)
            assert client.receive() == (opcode, payload, True, 0)


def corpora():
    """Five kinds of data like the suite's: JSON, a picture, prose, HTML, a compressed document."""
    dice = random.Random(12)
    words = ["der", "Erde", "Glück", "und", "offset", "partition", "wäre", "Äther", "ſo", "zum"]
    prose = " ".join(dice.choice(words) for _ in range(40_000))
    json = ",".join(
        f'{{"id":{n},"name":"{dice.choice(words)}","value":{dice.random()}}}' for n in range(5_000))
    html = "".join(
        f"<tr><td>{n}</td><td class='{dice.choice(words)}'>{dice.choice(words)}</td></tr>\n"
        for n in range(6_000))
    picture = bytes(
        (128 + (x * y >> 6) % 64 + dice.randrange(8)) & 255 for y in range(512) for x in range(512))
    yield TEXT, json
    yield BINARY, picture
    yield BINARY, prose.encode()
    yield TEXT, html
    yield BINARY, dice.randbytes(150_000)


OFFERS = [
    "permessage-deflate; client_no_context_takeover; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover; client_max_window_bits",
    "permessage-deflate; server_max_window_bits=9; client_max_window_bits",
    "permessage-deflate; server_max_window_bits=15; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=9, "
    "permessage-deflate; server_no_context_takeover, permessage-deflate",
]


def compressed(echo, offer, opcode, data, size, fragment, count):
    """Sections 12 and 13."""
    with echo.connect(timeout=60) as client:
        client.upgrade(add=[f"Sec-WebSocket-Extensions: {offer}"])
        agreed = client.headers["sec-websocket-extensions"]
        assert agreed.startswith("permessage-deflate;"), agreed
        assert "client_no_context_takeover" in agreed and "server_no_context_takeover" in agreed
        wanted = "server_max_window_bits=9" in offer
        assert wanted == ("server_max_window_bits=9" in agreed), agreed
        for at in range(count):
            start = at * size % max(1, len(data) - size)
            message = data[start:start + size]
            message = message.encode() if opcode == TEXT else message
            client.send(packed(opcode, message, fragment))
            assert receive_packed(client, 9 if wanted else 15) == (opcode, message)
        client.send(close_frame(1000))
        assert client.ending() == ([], 1000)


def packed(opcode, message, fragment):
    packer = zlib.compressobj(wbits=-15)
    data = (packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
    pieces = [data[at:at + fragment] for at in range(0, len(data), fragment)] if fragment else [data]
    last = len(pieces) - 1
    return b"".join(
        frame(MORE if at else opcode, piece, fin=at == last, rsv=0 if at else 4)
        for at, piece in enumerate(pieces))


def receive_packed(client, window_bits):
    """A message of one frame. A window as large as agreed on must be enough to inflate it."""
    opcode, payload, fin, rsv = client.receive()
    assert fin and rsv in (0, 4), f"FIN {fin}, RSV {rsv}"
    if rsv == 4:
        payload = zlib.decompressobj(wbits=-window_bits).decompress(payload + b"\0\0\xff\xff")
    return opcode, payload


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--echo", required=True)
    parser.add_argument("--messages", type=int, default=20)
    parser.add_argument("--only", default="", help="the start of the numbers to run")
    arguments = parser.parse_args()
    report = Report()

    def run(number, test, *rest):
        if number.startswith(arguments.only):
            report.run(number, test, *rest)

    with Echo(arguments.echo) as echo:
        for case in cases():
            run(case.number, play, echo, case)
        for group, opcode in ((7, TEXT), (8, BINARY)):
            for at, size in enumerate(SIZES, 1):
                run(f"9.{group}.{at}", round_trips, echo, opcode, size, arguments.messages)
        report.run("the next client is served", echo.check_alive)
    with Echo(arguments.echo, "--deflate") as echo:
        every = [(f"12.{n}", OFFERS[0], *data) for n, data in enumerate(corpora(), 1)]
        json = next(corpora())
        every += [(f"13.{n}", offer, *json) for n, offer in enumerate(OFFERS, 1)]
        for number, offer, opcode, data in every:
            for at, (size, fragment) in enumerate(COMPRESSED_SIZES, 1):
                run(
                    f"{number}.{at}", compressed, echo, offer, opcode, data, size, fragment,
                    arguments.messages)
        report.run("the next client is served", echo.check_alive)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
