"""That kafka-python's codec and ours read and write the same bytes.

Each message is filled with random values in each version and written by kafka-python. Our codec
reads it, tells what it read, and writes it again: the values and the bytes must be the same.
"""

import importlib
import json
import pkgutil
import random
import subprocess
import types
import uuid

import kafka.protocol
from kafka.protocol.api_message import ApiMessage

from schemas import plain

# A bit field is what kafka-python makes of the int32 with authorized operations.
LIMITS = {"int8": 7, "int16": 15, "int32": 31, "int64": 63, "bitfield": 31}
WORDS = ["", "a", "topic-1", "grüße", "日本語", "\U0001f680", "quote\" back\\slash", "x" * 127,
         "y" * 128, "z" * 300]


def classes():
    for module in pkgutil.walk_packages(kafka.protocol.__path__, "kafka.protocol."):
        if ".old" not in module.name and "generate" not in module.name:
            importlib.import_module(module.name)
    found, rest = {}, [ApiMessage]
    while rest:
        for child in rest.pop().__subclasses__():
            rest.append(child)
            if getattr(child, "_json", None) and child.name == child.__name__:
                found[child.API_KEY, child.type] = child
    return found


class Values:
    """Random values that lie on the edges more often than not."""

    def __init__(self, rng):
        self.rng = rng

    def integer(self, bits):
        low, high = -(1 << bits), (1 << bits) - 1
        return self.rng.choice([0, 1, -1, 127, low, high, self.rng.randint(low, high)])

    def primitive(self, kind):
        if kind in LIMITS:
            return self.integer(LIMITS[kind])
        if kind == "bool":
            return self.rng.random() < 0.5
        if kind == "uuid":
            return uuid.UUID(int=self.rng.choice([0, 1, self.rng.getrandbits(128)]))
        if kind == "string":
            return self.rng.choice(WORDS)
        if kind in ("bytes", "records"):
            return self.rng.randbytes(self.rng.choice([0, 1, 20, 126, 127, 128, 400]))
        raise ValueError(kind)

    def struct(self, fields, common, version):
        return {f["name"]: self.field(f, common, version) for f in fields
                if within(f["versions"], version) and not self.leaves_out(f, version)}

    def leaves_out(self, field, version):
        return within(field.get("taggedVersions"), version) and self.rng.random() < 0.5

    def field(self, field, common, version):
        tagged = within(field.get("taggedVersions"), version)
        if within(field.get("nullableVersions"), version) and not tagged:
            if self.rng.random() < 0.3:
                return None
        kind = field["type"]
        if kind.startswith("[]"):
            count = self.rng.choice([0, 1, 2, 3] if self.rng.random() < 0.97 else [130])
            count = max(count, 1 if tagged else 0)
            return [self.one(kind[2:], field, common, version) for _ in range(count)]
        value = self.one(kind, field, common, version)
        while tagged and is_default(value, field):
            value = self.one(kind, field, common, version)
        return value

    def one(self, kind, field, common, version):
        inner = field.get("fields") or common.get(kind)
        if inner:
            return self.struct(inner, common, version)
        return self.primitive(kind)


def is_default(value, field):
    """Whether a tagged field of this value is left out."""
    if isinstance(value, dict):
        return False
    if isinstance(value, uuid.UUID):
        return value.int == 0
    if isinstance(value, int) and not isinstance(value, bool):
        return value == int(str(field.get("default", "0")), 0)
    return not value


def within(text, version):
    if not text or text == "none":
        return False
    first, _, last = text.rstrip("+").partition("-")
    return int(first) <= version and (text.endswith("+") or version <= int(last or first))


def message(kind, values, version):
    """kafka-python's object for the values, whose keys are the schema's names."""
    names = {plain(f.name): f for f in kind._struct._fields}
    return kind(version=version, **arguments(names, values, version))


def arguments(names, values, version):
    return {names[plain(name)].name: argument(names[plain(name)], value, version)
            for name, value in values.items()}


def argument(field, value, version):
    if isinstance(value, list) and field.is_struct_array():
        return [argument(field, item, version) for item in value]
    if isinstance(value, dict):
        # Structs that two fields share have no class in kafka-python; any object will do.
        names = {plain(f.name): f for f in field._fields}
        return types.SimpleNamespace(**arguments(names, value, version))
    if field.type_str == "bitfield" and isinstance(value, int):
        return {bit for bit in range(32) if value >> bit & 1}
    return value


def agree(ours, theirs):
    """None, or where what we read differs from what was written."""
    if isinstance(theirs, dict):
        if not isinstance(ours, dict):
            return f"{ours} for a struct"
        names = {plain(name): value for name, value in ours.items()}
        for name, value in theirs.items():
            if plain(name) not in names:
                return f"no field {name}"
            where = agree(names[plain(name)], value)
            if where:
                return f"{name}: {where}"
        return None
    if isinstance(theirs, list):
        if not isinstance(ours, list) or len(ours) != len(theirs):
            return f"{ours} for {len(theirs)} elements"
        return next((where for where in map(agree, ours, theirs) if where), None)
    if isinstance(theirs, bytes):
        theirs = theirs.hex()
    elif isinstance(theirs, uuid.UUID):
        theirs = theirs.hex
    return None if ours == theirs and type(ours) is type(theirs) else f"{ours!r}, not {theirs!r}"


def check(tool, seed, rounds):
    rng = random.Random(seed)
    values, kinds = Values(rng), classes()
    print(f"round trips: seed {seed}, {rounds} rounds")
    formats = subprocess.run([tool, "--formats"], check=True, capture_output=True, text=True)
    cases, can_write, failures = [], {}, []
    for line in formats.stdout.splitlines():
        key, direction, verb, first, last = line.split()
        span = range(int(first), int(last) + 1)
        if verb == "encode":
            can_write[int(key), direction] = span
            continue
        kind = kinds.get((int(key), direction))
        if kind is None:
            failures.append(f"{key} {direction}: kafka-python has no such message")
            continue
        common = {s["name"]: s["fields"] for s in kind._json.get("commonStructs", [])}
        for version in span:
            for _ in range(rounds):
                filled = values.struct(kind._json["fields"], common, version)
                wire = message(kind, filled, version).encode(version=version)
                cases.append((int(key), direction, version, filled, bytes(wire)))
    text = "".join(f"{k} {d} {v} {wire.hex()}\n" for k, d, v, _, wire in cases)
    answers = subprocess.run([tool], input=text, check=True, capture_output=True, text=True)
    answers = answers.stdout.splitlines()
    if len(answers) != len(cases):
        return 0, [f"{len(answers)} answers to {len(cases)} messages"]
    good = 0
    for (key, direction, version, filled, wire), answer in zip(cases, answers):
        answer = json.loads(answer)
        where = answer.get("error") or agree(answer["value"], filled)
        if not where and version in can_write[key, direction] and answer["again"] != wire.hex():
            where = f"written as {answer['again']}, not {wire.hex()}"
        if where:
            failures.append(f"{kinds[key, direction].name} v{version}: {where}")
        else:
            good += 1
    return good, failures
