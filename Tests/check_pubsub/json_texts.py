"""Our reader of JSON against Python's."""

import json
import re
import sys
from fractions import Fraction

from random_values import LONGS, maybe, string
from trial import ask, check, options, rng

def document(depth=0):
    kind = rng.randrange(8 if depth < 6 else 5)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice(LONGS)
    if kind == 2:
        return rng.choice([0.5, -1.25, 1e300, 1e-300, 3.0])
    if kind in (3, 4):
        return string() if maybe() else "".join(
            chr(rng.choice([rng.randrange(0xd800), rng.randrange(0xe000, 0x110000), rng.randrange(128)]))
            for _ in range(rng.randrange(12)))
    if kind in (5, 6):
        return {string() + str(n): document(depth + 1) for n in range(rng.randrange(5))}
    return [document(depth + 1) for _ in range(rng.randrange(5))]


def pairs(items):
    keys = [key for key, _ in items]
    if len(set(keys)) != len(keys):
        raise ValueError("duplicate key")
    return dict(items)


def constant(name):
    raise ValueError(name)


def python_json(data):
    """Python's opinion under our rules; raises ValueError."""
    text = data.decode("utf-8")
    value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant,
                       parse_int=lambda t: ("n", t), parse_float=lambda t: ("n", t))
    def walk(node, depth):
        if isinstance(node, str):
            node.encode("utf-8")
        elif isinstance(node, dict):
            if depth >= 64:
                raise ValueError("too deep")
            for key, inner in node.items():
                key.encode("utf-8")
                walk(inner, depth + 1)
        elif isinstance(node, list):
            if depth >= 64:
                raise ValueError("too deep")
            for inner in node:
                walk(inner, depth + 1)
    walk(value, 0)
    return value


def hostile_text(data):
    data = bytearray(data)
    tokens = [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\\u", b"\\ud800", b"\\udc00", b"\xff", b"\xc3",
              b"\xed\xa0\x80", b"\n", b"\x00", b"1", b"-", b".", b"e", b"0", b"true", b"nul", b" ", b"NaN", b"\xef\xbb\xbf"]
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        if maybe():
            data[at:at] = rng.choice(tokens)
        elif maybe():
            del data[at:at + rng.randrange(1, 5)]
        elif data:
            data[at % len(data)] = rng.randrange(256)
    return bytes(data)


def check_json_reader():
    inputs = []
    for _ in range(options.cases):
        text = json.dumps(document(), ensure_ascii=maybe(), indent=rng.choice([None, 1]),
                          separators=rng.choice([None, (" ,", "\t:\r\n")])).encode("utf-8", "surrogatepass")
        inputs.append(text)
        inputs.append(hostile_text(text))
    for depth in (63, 64, 65, 5000):
        inputs.append(b"[" * depth + b"]" * depth)
        inputs.append(b'{"a":' * depth + b"1" + b"}" * depth)
        inputs.append(b"[" * depth)
    inputs.append(b"")
    sys.setrecursionlimit(20000)
    refused = 0
    for data, answer in zip(inputs, ask([f"json {data.hex()}" for data in inputs])):
        try:
            expected = python_json(data)
        except (ValueError, RecursionError):
            refused += 1
            check(answer.startswith("error line "), "Python refuses, we don't", data, answer)
            continue
        ok = not answer.startswith("error") and python_json(bytes.fromhex(answer)) == expected
        check(ok, "JSON text", data, answer)
    check(refused > len(inputs) // 10, "hostile texts are a fair mix", refused)


def check_numbers():
    def number():
        digits = lambda n: "".join(rng.choice("0001259") for _ in range(rng.randrange(1, n)))
        text = rng.choice(["", "-"]) + (digits(22).lstrip("0") or "0")
        text += rng.choice(["", "." + digits(8)])
        return text + rng.choice(["", rng.choice("eE") + rng.choice(["", "+", "-"]) + digits(4)])
    texts = [number() for _ in range(options.cases)]
    texts += [str(n) for n in LONGS] + [str(2**63), str(2**64), str(-2**63 - 1), "0e9999999999", "1e999999999999999999"]
    for text, answer in zip(texts, ask([f"int64 {t}" for t in texts])):
        if abs(int(re.split("[eE]", text + "e0")[1])) > 5000:
            exact = None if text[0] != "0" else 0
        else:
            exact = Fraction(text)
            exact = int(exact) if exact.denominator == 1 and -2**63 <= exact < 2**63 else None
        check(answer == ("none" if exact is None else str(exact)), "int64", text, answer, exact)
