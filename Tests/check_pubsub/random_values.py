"""Numbers, strings and bytes, with a liking for the edges."""

from trial import rng

INTS = [0, 1, -1, 127, 128, 2**31 - 1, -2**31]
LONGS = INTS + [2**31, 2**53, 2**53 + 1, -2**53, -2**53 - 1, 2**63 - 1, -2**63]
STRINGS = ["", "t", "test-consumer", "é", "\U0001f600", 'a"b\\c\n\t\x00\x1f', "\u2028", "x" * 130, "\x7f"]
BYTES = [b"", b"\0", b"test", b"\xff", "é".encode(), b"\xc3", b"a" * 200, b'"\\', b"\xed\xa0\x80", b"{}"]


def int32():
    return rng.choice(INTS) if rng.random() < 0.7 else rng.randrange(-2**31, 2**31)


def int64():
    return rng.choice(LONGS) if rng.random() < 0.7 else rng.randrange(-2**63, 2**63)


def natural(bits):
    return rng.choice([0, 1, 100, 65536, 2**(bits - 1) - 1])


def string():
    return rng.choice(STRINGS)


def octets():
    return rng.choice(BYTES) if rng.random() < 0.7 else rng.randbytes(rng.randrange(40))


def maybe(chance=0.5):
    return rng.random() < chance
