"""The Lua binding's protocol buffers, against Google's."""

import importlib
import os
import random
import subprocess
import sys

import pubsub_pb2
from support import ROOT, WORK
from test_lua import luajit

HERE = os.path.join(ROOT, "Tests/Hosts/lua")
PUBSUB = os.path.join(ROOT, "proto/pubsub.proto")
EVERY = os.path.join(HERE, "every.proto")
LIBRARY = os.environ["PUBSUBGW_LIBRARY"]
EDGES = [0, 1, -1, 127, 128, 2**31 - 1, -2**31, 2**31, 2**32 - 1, 2**32, 2**49 - 1, 2**49, 2**53 + 1,
         -2**53 - 1, 2**56, 2**63 - 1, -2**63]


def every_pb2():
    subprocess.run(["protoc", f"-I{HERE}", f"--python_out={WORK}", EVERY], check=True)
    if WORK not in sys.path:
        sys.path.insert(0, WORK)
    return importlib.import_module("every_pb2")


def number(chance, field):
    bits = {"INT32": 32, "SINT32": 32, "SFIXED32": 32, "UINT32": 32, "FIXED32": 32}
    kinds = {getattr(type(field), f"TYPE_{name}"): (name, bits.get(name, 64)) for name in (
        "INT32", "SINT32", "SFIXED32", "UINT32", "FIXED32", "INT64", "SINT64", "SFIXED64", "UINT64",
        "FIXED64")}
    name, width = kinds[field.type]
    low, high = (0, 2**width) if name.startswith(("U", "FIXED")) else (-2**(width - 1), 2**(width - 1))
    fitting = [edge for edge in EDGES if low <= edge < high]
    return chance.choice(fitting) if chance.random() < 0.6 else chance.randrange(low, high)


def value(chance, field, depth):
    kind = type(field)
    if field.type == kind.TYPE_MESSAGE:
        return fill(chance, field.message_type._concrete_class(), depth + 1)
    if field.type == kind.TYPE_STRING:
        return chance.choice(["", "a", "héllo", "x" * 300])
    if field.type == kind.TYPE_BYTES:
        return chance.randbytes(chance.choice([0, 1, 20, 200]))
    if field.type == kind.TYPE_BOOL:
        return chance.random() < 0.5
    if field.type == kind.TYPE_ENUM:
        # An unknown number has to survive.
        return chance.choice([v.number for v in field.enum_type.values] + [77])
    if field.type in (kind.TYPE_FLOAT, kind.TYPE_DOUBLE):
        return chance.choice([0.0, 0.5, -1.25, 1e10])
    return number(chance, field)


def fill(chance, message, depth=0):
    for field in message.DESCRIPTOR.fields:
        if chance.random() < 0.4 or depth > 3:
            continue
        if field.message_type and field.message_type.GetOptions().map_entry:
            key, item = field.message_type.fields
            for _ in range(chance.randrange(3)):
                target, at = getattr(message, field.name), value(chance, key, depth)
                made = value(chance, item, depth)
                if item.message_type:
                    target[at].CopyFrom(made)
                else:
                    target[at] = made
        elif field.label == field.LABEL_REPEATED:
            getattr(message, field.name).extend(
                value(chance, field, depth) for _ in range(chance.randrange(4)))
        elif field.message_type:
            getattr(message, field.name).CopyFrom(value(chance, field, depth))
        else:
            setattr(message, field.name, value(chance, field, depth))
    return message


def recode(path, name, lines):
    done = subprocess.run(
        ["luajit", os.path.join(HERE, "recode.lua"), path, name], input="\n".join(lines) + "\n",
        capture_output=True, text=True, timeout=100,
        env={**os.environ, "LUA_PATH": f"{ROOT}/bindings/lua/?.lua;;"})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def same_again(path, type, count, seed):
    chance = random.Random(seed)
    sent = [fill(chance, type()) for _ in range(count)]
    back = recode(path, type.DESCRIPTOR.name, [m.SerializeToString().hex() for m in sent])
    assert len(back) == count
    for before, after in zip(sent, back):
        assert type.FromString(bytes.fromhex(after)) == before, (seed, before, after)


def test_decodes_and_encodes_as_google_does():
    same_again(EVERY, every_pb2().Every, 600, 1)
    same_again(PUBSUB, pubsub_pb2.PubSubReq, 200, 2)
    same_again(PUBSUB, pubsub_pb2.PubSubResp, 200, 3)


def test_hostile_bytes_are_told():
    chance = random.Random(4)
    type = every_pb2().Every
    lines, verdicts = [], []
    for _ in range(1500):
        data = bytearray(fill(chance, type()).SerializeToString())
        for _ in range(chance.randrange(1, 4)):
            if data and chance.random() < 0.5:
                data[chance.randrange(len(data))] = chance.randrange(256)
            else:
                del data[chance.randrange(len(data) + 1):]
        lines.append("?" + data.hex())
    verdicts = recode(EVERY, "Every", lines)
    assert len(verdicts) == len(lines)
    assert 100 < sum(verdict == "fine" for verdict in verdicts) < 1400, verdicts[:20]
    for text in ("08", "9a0205", "0b", "07", "3a01"):
        assert recode(EVERY, "Every", ["?" + text]) != ["fine"], text
    assert recode(EVERY, "Every", ["?" + "08" + "ff" * 10 + "01"])[0].startswith("a number has more")


def test_integers_are_those_of_lua_protobuf():
    script = """
        local proto = require "pubsubgw.proto"
        local schema = proto.schema [[ message M { int64 n = 1; oneof req { string a = 2; string b = 3; }
            int32 small = 4; repeated string list = 5; } ]]
        local ffi = require "ffi"
        for _, case in ipairs {
            { 5, 5 }, { -2147483648, -2147483648 }, { 4294967295, 4294967295 },
            { "#4294967296", "#4294967296" }, { "-2147483649", "#-2147483649" },
            { "9007199254740993", "#9007199254740993" },
            { "#-9223372036854775808", "#-9223372036854775808" },
            { ffi.new("int64_t", -3), -3 }, { 9223372036854775807LL, "#9223372036854775807" },
        } do
            local found = schema:decode("M", schema:encode("M", { n = case[1] })).n
            assert(found == case[2], tostring(found))
        end
        local found = schema:decode("M", "\\18\\1x\\26\\1y")
        assert(found.req == "b" and found.a == nil and found.b == "y")
        assert(found.n == 0 and found.small == 0 and #found.list == 0)
        assert(not pcall(schema.encode, schema, "M", { n = "many" }))
    """
    done = luajit("-e", script, PUBSUBGW_LIBRARY=LIBRARY)
    assert done.returncode == 0, done.stderr
