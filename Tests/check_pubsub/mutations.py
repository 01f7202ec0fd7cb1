"""Requests that are almost right."""

from random_values import int64, maybe
from request_cases import request
from trial import rng

def varint(n):
    n &= 2**64 - 1
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def junk_field():
    number = rng.choice([1, 2, 3, 30, 31, 32, 33, 34, 35, 99, 101, 102, 105, 110, 199, 1000, 2**29 - 1, 0])
    wire = rng.choice([0, 0, 1, 2, 2, 2, 5, 3, 4, 6, 7] if maybe(0.2) else [0, 1, 2, 2, 5])
    payload = {0: varint(int64()), 1: rng.randbytes(8), 5: rng.randbytes(4)}.get(wire, b"")
    if wire == 2:
        inner = request().SerializeToString() if maybe(0.3) else rng.randbytes(rng.randrange(6))
        payload = varint(len(inner)) + inner
    return varint(number << 3 | wire) + payload


def mutated(data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        act = rng.randrange(6)
        at = rng.randrange(len(data) + 1)
        if act == 0:
            data[at:at] = rng.randbytes(rng.randrange(1, 4))
        elif act == 1 and data:
            del data[at:at + rng.randrange(1, 4)]
        elif act == 2 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif act == 3:
            del data[at:]
        elif act == 4:
            data += junk_field()
        else:
            data += request().SerializeToString()
    return bytes(data)


WRONG = [None, True, False, 0, -1, 1.5, 1e3, 2**31, 2**63, -2**63 - 1, "", "x", "12", "1 2", [], [1], {}, {"a": 1},
         "READ_COMMITTED", "EARLIEST", "dGVzdA==", "_-_-", "____"]


def mutate_json(value):
    """Changes one place of a request's dictionary."""
    places = []

    def walk(node):
        if isinstance(node, dict):
            for key in node:
                places.append((node, key))
                walk(node[key])
        elif isinstance(node, list):
            for index in range(len(node)):
                places.append((node, index))
                walk(node[index])
    walk(value)
    if not places or maybe(0.1):
        value[rng.choice(["sequence", "cmdEmpty", "cmdPing", "cmd_ping", "x", "Sequence", ""])] = rng.choice(WRONG)
        return
    node, key = rng.choice(places)
    act = rng.randrange(4)
    if act == 0 and isinstance(node, dict):
        node[rng.choice(["topic", "offset", "x", "timestamp", "end", "cmdEmpty"])] = rng.choice(WRONG)
    elif act == 1 and isinstance(node, dict):
        node[key + rng.choice(["x", "_"])] = node.pop(key)
    else:
        node[key] = rng.choice(WRONG)
