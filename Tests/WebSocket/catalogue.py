"""The cases of the Autobahn suite, numbered as there, as data: what the client sends, and what must
come back. Written from the suite's descriptions, because the suite itself needs Python 2.

A case without an ending is closed by us with 1000 once its answers are there; a case that fails
names the codes that the server may close with.
"""
from dataclasses import dataclass, field

from wire import BINARY, CLOSE, MORE, PING, PONG, TEXT, close_frame, fragments, frame

HELLO = b"Hello, world!"
ODD = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
# "κόσμε" with the accent that takes three bytes (U+1F79).
KOSME = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"


@dataclass
class Case:
    number: str
    send: list = field(default_factory=list)
    """Bytes, or a number of seconds in which nothing may come."""
    expect: list = field(default_factory=list)
    codes: tuple = ()
    """Close codes of the server, when the case ends by its fault or by our Close frame."""
    chop: int = 0
    """Bytes a segment, 0 for all at once."""


def good(number, send, expect, chop=0):
    return Case(number, send, expect, (), chop)


def bad(number, send, expect=(), codes=(1002,), chop=0):
    return Case(number, send, list(expect), codes, chop)


def cases():
    for section in (framing, pings, reserved, opcodes, fragmentation, utf8, closes, limits):
        yield from section()


def framing():
    sizes = [0, 125, 126, 127, 128, 65535, 65536, 65536]
    for group, (opcode, byte) in enumerate(((TEXT, b"*"), (BINARY, b"\xfe")), 1):
        for at, size in enumerate(sizes, 1):
            payload = byte * size
            yield good(
                f"1.{group}.{at}", [frame(opcode, payload)], [(opcode, payload)],
                chop=997 if at == 8 else 0)


def pings():
    full = b"\xfe" * 125
    for number, payload in (("1", b""), ("2", HELLO), ("3", ODD), ("4", full)):
        yield good(f"2.{number}", [frame(PING, payload)], [(PONG, payload)])
    yield bad("2.5", [frame(PING, b"\xfe" * 126)])
    yield good("2.6", [frame(PING, full)], [(PONG, full)], chop=1)
    yield good("2.7", [frame(PONG)], [])
    yield good("2.8", [frame(PONG, b"unsolicited")], [])
    yield good("2.9", [frame(PONG, b"unsolicited") + frame(PING, b"ping")], [(PONG, b"ping")])
    ten = [b"payload-%d" % n for n in range(10)]
    for number, chop in (("2.10", 0), ("2.11", 1)):
        yield good(
            number, [b"".join(frame(PING, payload) for payload in ten)],
            [(PONG, payload) for payload in ten], chop)


def reserved():
    hello = frame(TEXT, HELLO)
    yield bad("3.1", [frame(TEXT, HELLO, rsv=1)])
    for number, rsv, chop in (("3.2", 2, 0), ("3.3", 3, 19), ("3.4", 4, 1)):
        yield bad(
            number, [hello + frame(TEXT, HELLO, rsv=rsv) + frame(PING)], [(TEXT, HELLO)], chop=chop)
    yield bad("3.5", [frame(BINARY, ODD, rsv=5)])
    yield bad("3.6", [frame(PING, HELLO, rsv=6)])
    yield bad("3.7", [frame(CLOSE, rsv=7)])


def opcodes():
    hello = frame(TEXT, HELLO)
    for group, first in (("4.1", 3), ("4.2", 11)):
        for at in range(5):
            number, opcode = f"{group}.{at + 1}", first + at
            payload = b"reserved opcode payload" if at == 1 else b""
            if at < 2:
                yield bad(number, [frame(opcode, payload)])
            else:
                yield bad(
                    number, [hello + frame(opcode, payload) + frame(PING)], [(TEXT, HELLO)],
                    chop=1 if at == 4 else 0)


def fragmentation():
    one, two = b"fragment1", b"fragment2"
    start, end = frame(TEXT, one, fin=False), frame(MORE, two)
    yield bad("5.1", [frame(PING, one, fin=False) + end])
    yield bad("5.2", [frame(PONG, one, fin=False) + end])
    for number, chop in (("5.3", 0), ("5.4", 15), ("5.5", 1)):
        yield good(number, [start + end], [(TEXT, one + two)], chop)
    for number, chop in (("5.6", 0), ("5.7", 17), ("5.8", 1)):
        yield good(
            number, [start + frame(PING, b"ping") + end], [(PONG, b"ping"), (TEXT, one + two)],
            chop)
    for first, fin in ((9, True), (12, False)):
        for at, chop in enumerate((0, 30, 1)):
            yield bad(
                f"5.{first + at}", [frame(MORE, b"nothing to continue", fin=fin) + frame(TEXT, HELLO)],
                chop=chop)
    yield bad(
        "5.15", [start + end + frame(MORE, b"x", fin=False) + frame(TEXT, HELLO)],
        [(TEXT, one + two)])
    for number, fin in (("5.16", False), ("5.17", True)):
        yield bad(number, [(frame(MORE, b"fragment0", fin=fin) + start + end) * 2])
    yield bad("5.18", [start + frame(TEXT, two)])
    parts = [b"fragment%d" % n for n in range(1, 6)]
    first = (
        frame(TEXT, parts[0], fin=False) + frame(MORE, parts[1], fin=False)
        + frame(PING, b"pongme 1!"))
    last = (
        frame(MORE, parts[2], fin=False) + frame(MORE, parts[3], fin=False)
        + frame(PING, b"pongme 2!") + frame(MORE, parts[4]))
    expected = [(PONG, b"pongme 1!"), (PONG, b"pongme 2!"), (TEXT, b"".join(parts))]
    yield good("5.19", [first, last], expected)
    yield good("5.20", [first + last], expected)


def utf8():
    yield good("6.1.1", [frame(TEXT)], [(TEXT, b"")])
    yield good(
        "6.1.2", [frame(TEXT, fin=False) + frame(MORE, fin=False) + frame(MORE)], [(TEXT, b"")])
    yield good(
        "6.1.3", [frame(TEXT, fin=False) + frame(MORE, b"middle", fin=False) + frame(MORE)],
        [(TEXT, b"middle")])
    text = "Hello-µ@ßöäüàá-UTF-8!!".encode()
    yield good("6.2.1", [frame(TEXT, text)], [(TEXT, text)])
    half = len("Hello-µ@ßöä".encode())
    yield good(
        "6.2.2", [frame(TEXT, text[:half], fin=False) + frame(MORE, text[half:])], [(TEXT, text)])
    yield good("6.2.3", [fragments(TEXT, text, 1)], [(TEXT, text)])
    yield good("6.2.4", [fragments(TEXT, KOSME, 1)], [(TEXT, KOSME)])
    broken = KOSME + b"\xed\xa0\x80edited"
    yield bad("6.3.1", [frame(TEXT, broken)], codes=(1007,))
    yield bad("6.3.2", [fragments(TEXT, broken, 1)], codes=(1007,))
    yield from failing_fast()
    for group, sequences in enumerate(sequences_of_utf8(), 5):
        for at, (is_valid, payload) in enumerate(sequences, 1):
            number = f"6.{group}.{at}"
            if is_valid:
                yield good(number, [frame(TEXT, payload)], [(TEXT, payload)])
            else:
                yield bad(number, [frame(TEXT, payload)], codes=(1007,))


def failing_fast():
    """The rest of the message is never sent: the fault must show without it."""
    broken = KOSME + b"\xf4\x90\x80\x80edited"
    for number, cut, until in (("6.4.1", 11, 15), ("6.4.2", 12, 13)):
        yield bad(
            number,
            [frame(TEXT, broken[:cut], fin=False), 0.2, frame(MORE, broken[cut:until], fin=False)],
            codes=(1007,))
    whole = frame(TEXT, broken)
    for number, cut, until in (("6.4.3", 11, 15), ("6.4.4", 12, 13)):
        yield bad(number, [whole[:6 + cut], 0.2, whole[6 + cut:6 + until]], codes=(1007,))


def sequences_of_utf8():
    """Groups of (valid, bytes), after Markus Kuhn's decoder test."""
    yes = lambda *texts: [(True, text) for text in texts]
    no = lambda *texts: [(False, text) for text in texts]
    # The code points whose last continuation byte is missing, in overlong and in longest form.
    missing = [
        b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80",
        b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf"]
    yield yes(
        b"hello$world", "hello¢world".encode(), "hello€world".encode(), "hello𤭢world".encode(),
        KOSME)
    yield [(is_utf8(KOSME[:n]), KOSME[:n]) for n in range(1, len(KOSME) + 1)]
    yield yes(b"\0", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80")
    yield no(b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80")
    yield yes(b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf")
    yield no(b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf")
    yield yes(b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf") + no(
        b"\xf4\x90\x80\x80")
    yield no(
        b"\x80", b"\xbf", *(b"\x80\xbf\x80\xbf\x80\xbf"[:n] for n in range(2, 7)),
        bytes(range(0x80, 0xBF)))
    yield no(*(
        b"".join(bytes([byte, 0x20]) for byte in range(low, high))
        for low, high in ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD))))
    yield no(*missing)
    yield no(b"".join(missing))
    yield no(b"\xfe", b"\xff", b"\xfe\xfe\xff\xff")
    yield no(
        b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf",
        b"\xfc\x80\x80\x80\x80\xaf")
    yield no(
        b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf",
        b"\xfc\x83\xbf\xbf\xbf\xbf")
    yield no(
        b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf8\x80\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80\x80")
    surrogates = {code: bytes([0xED, code >> 8, code & 0xFF]) for code in (
        0xA080, 0xADBF, 0xAE80, 0xAFBF, 0xB080, 0xBE80, 0xBFBF)}
    yield no(*surrogates.values())
    yield no(*(
        surrogates[high] + surrogates[low] for high in (0xA080, 0xADBF, 0xAE80, 0xAFBF)
        for low in (0xB080, 0xBFBF)))
    plane_ends = [chr(plane << 16 | 0xFFFE | last).encode() for plane in range(17) for last in (0, 1)]
    yield yes(*plane_ends)
    yield yes(*(chr(code).encode() for code in range(0xFFF9, 0x10000)))


def is_utf8(data):
    try:
        data.decode()
        return True
    except UnicodeDecodeError:
        return False


def closes():
    normal = close_frame(1000)
    yield good("7.1.1", [frame(TEXT, HELLO)], [(TEXT, HELLO)])
    yield bad("7.1.2", [normal + frame(CLOSE)], codes=(1000,))
    yield bad("7.1.3", [normal + frame(PING)], codes=(1000,))
    yield bad("7.1.4", [normal + frame(TEXT, HELLO)], codes=(1000,))
    yield bad(
        "7.1.5", [frame(TEXT, b"1", fin=False) + normal + frame(MORE, b"2")], codes=(1000,))
    large = b"BAsd7&jh23" * 26215
    yield bad(
        "7.1.6", [frame(TEXT, large[:262144]) + frame(TEXT, HELLO) + normal + frame(PING)],
        [(TEXT, large[:262144]), (TEXT, HELLO)], codes=(1000,))
    yield bad("7.3.1", [close_frame()], codes=(1005,))
    yield bad("7.3.2", [frame(CLOSE, b"a")])
    yield bad("7.3.3", [normal], codes=(1000,))
    yield bad("7.3.4", [close_frame(1000, b"Hello World!")], codes=(1000,))
    yield bad("7.3.5", [close_frame(1000, b"*" * 123)], codes=(1000,))
    yield bad("7.3.6", [close_frame(1000, b"*" * 124)])
    yield bad("7.5.1", [close_frame(1000, KOSME + b"\xed\xa0\x80edited")], codes=(1007,))
    valid = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    for at, code in enumerate(valid, 1):
        yield bad(f"7.7.{at}", [close_frame(code)], codes=(code,))
    for at, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
        yield bad(f"7.9.{at}", [close_frame(code)])
    yield bad("7.13.1", [close_frame(5000)])
    yield bad("7.13.2", [close_frame(65535)])


def limits():
    mebi = 1 << 20
    kinds = ((TEXT, b"*"), (BINARY, b"\xfe"))
    for group, (opcode, byte) in enumerate(kinds, 1):
        for at, size in enumerate((1 << 16, 1 << 18, mebi, 4 * mebi, 8 * mebi, 16 * mebi), 1):
            yield good(f"9.{group}.{at}", [frame(opcode, byte * size)], [(opcode, byte * size)])
    for group, (opcode, byte) in enumerate(kinds, 3):
        payload = byte * (4 * mebi)
        for at in range(9):
            yield good(
                f"9.{group}.{at + 1}", [fragments(opcode, payload, 64 << 2 * at)],
                [(opcode, payload)])
    for group, (opcode, byte) in enumerate(kinds, 5):
        payload = byte * mebi
        for at in range(6):
            yield good(
                f"9.{group}.{at + 1}", [frame(opcode, payload)], [(opcode, payload)],
                chop=64 << at)
    text = b"*" * 65536
    yield good("10.1.1", [fragments(TEXT, text, 1300)], [(TEXT, text)])
