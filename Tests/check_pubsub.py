"""Our pub/sub codecs against Google's protobuf runtime and Python's json.

The bridge (Tests/PubSubBridge) answers one line for each line. Every comparison is made on random
cases from a seed that is printed; `--seed` replays a failing run.
"""

import argparse
import base64
import json
import random
import re
import subprocess
import sys
from fractions import Fraction

parser = argparse.ArgumentParser()
parser.add_argument("generated")
parser.add_argument("bridge")
parser.add_argument("--cases", type=int, default=6000)
parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
options = parser.parse_args()
sys.path.insert(0, options.generated)

from google.protobuf import json_format, unknown_fields  # noqa: E402
from google.protobuf.message import DecodeError  # noqa: E402
import pubsub_pb2 as pb  # noqa: E402

rng = random.Random(options.seed)
passed = failed = 0


def check(ok, title, *details):
    global passed, failed
    if ok:
        passed += 1
        return
    failed += 1
    if failed <= 20:
        print(f"FAILED {title} (seed {options.seed})")
        for detail in details:
            print(f"    {detail!r}")


def ask(lines):
    """The bridge's answers, line by line."""
    done = subprocess.run(
        [options.bridge], input="\n".join(lines) + "\n", capture_output=True, text=True)
    answers = done.stdout.split("\n")[:-1]  # splitlines would split at U+2028, too
    if done.returncode != 0 or len(answers) != len(lines):
        print(done.stderr[-2000:])
        culprit = lines[len(answers)] if len(answers) < len(lines) else None
        sys.exit(f"the bridge died ({done.returncode}), seed {options.seed}, at or behind {culprit!r}")
    return answers


# ------------------------------------------------------------------------- the proto file itself

ORIGINAL = {  # what clients of the original protocol were compiled with
    "CmdPing": {"state": (1, "bytes")},
    "CmdEmpty": {},
    "CmdKafkaListOffset": {"topic": (1, "string"), "partition": (2, "int32"), "timestamp": (3, "int64")},
    "CmdKafkaFetch": {"topic": (1, "string"), "partition": (2, "int32"), "offset": (3, "int64")},
    "PubSubReq": {"sequence": (1, "int64"), "cmd_empty": (31, "CmdEmpty"), "cmd_ping": (32, "CmdPing"),
                  "cmd_kafka_fetch": (33, "CmdKafkaFetch"),
                  "cmd_kafka_list_offset": (34, "CmdKafkaListOffset")},
    "ErrorResp": {"code": (1, "int32"), "message": (2, "string")},
    "PongResp": {"state": (1, "bytes")},
    "KafkaMessage": {"offset": (1, "int64"), "timestamp": (2, "int64"), "key": (3, "bytes"), "value": (4, "bytes")},
    "KafkaFetchResp": {"messages": (1, "KafkaMessage")},
    "KafkaListOffsetResp": {"offset": (1, "int64")},
    "PubSubResp": {"sequence": (1, "int64"), "error_resp": (31, "ErrorResp"), "pong_resp": (32, "PongResp"),
                   "kafka_fetch_resp": (33, "KafkaFetchResp"),
                   "kafka_list_offset_resp": (34, "KafkaListOffsetResp")},
}
TYPES = {3: "int64", 5: "int32", 8: "bool", 9: "string", 12: "bytes", 14: "enum"}


def check_original():
    for name, fields in ORIGINAL.items():
        descriptor = pb.DESCRIPTOR.message_types_by_name[name]
        for field in descriptor.fields:
            type_name = field.message_type.name if field.message_type else TYPES[field.type]
            if field.name in fields:
                check(fields[field.name] == (field.number, type_name), f"{name}.{field.name}", field.number)
            else:
                check(field.number >= 101, f"{name}.{field.name} is ours", field.number)
        for field in fields:
            check(field in descriptor.fields_by_name, f"{name}.{field} is there")


def check_comments():
    """Every field has a comment of its own, but the oneofs' members: their messages have it."""
    commented, exempt = False, False
    for line in open("proto/pubsub.proto"):
        text = line.strip()
        exempt = text.startswith("oneof re") or exempt and text != "}"
        if re.match(r"[\w ]+ = \d+;", text) and not exempt:
            check(commented, "a comment above the field", text)
        commented = text.startswith("//")


# ------------------------------------------------------------------------------------- generators

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


def request():
    m = pb.PubSubReq()
    if maybe(0.8):
        m.sequence = int64()
    kind = rng.choice([None] + [f.name for f in pb.PubSubReq.DESCRIPTOR.oneofs_by_name["req"].fields])
    if kind is None:
        return m
    command = getattr(m, kind)
    command.SetInParent()
    if kind == "cmd_ping":
        command.state = octets()
    elif kind == "cmd_kafka_fetch":
        command.topic, command.partition, command.offset = string(), int32(), int64()
        if maybe():
            command.max_bytes, command.max_wait_ms = natural(32), natural(32)
            command.min_bytes, command.isolation = natural(32), rng.randrange(3)
    elif kind == "cmd_kafka_list_offset":
        command.topic, command.partition, command.timestamp = string(), int32(), int64()
    elif kind == "cmd_subscribe":
        for _ in range(rng.randrange(4)):
            s = command.subscriptions.add()
            s.topic = string()
            s.partitions.extend(int32() for _ in range(rng.randrange(4)))
            start = rng.randrange(4)
            if start == 1:
                s.end = rng.randrange(2)
            elif start == 2:
                s.offset = int64()
            elif start == 3:
                s.timestamp = natural(64)
        if maybe():
            command.credit_messages = natural(64)
        if maybe():
            command.credit_bytes = natural(64)
        command.isolation, command.max_bytes = rng.randrange(3), natural(32)
    elif kind == "cmd_unsubscribe":
        command.subscription = int64()
    elif kind == "cmd_grant":
        command.subscription, command.messages, command.bytes = int64(), natural(64), natural(64)
    elif kind == "cmd_pause":
        command.subscription, command.resume = int64(), maybe()
    elif kind == "cmd_metadata":
        command.topics.extend(string() for _ in range(rng.randrange(4)))
    return m


def present(message, field):
    return getattr(message, field) if message.HasField(field) else None


def understood(m):
    """What the bridge has to say of a request."""
    kind = m.WhichOneof("req")
    seen = {"sequence": m.sequence, "command": kind or "none"}
    seen["extensions"] = kind is not None and pb.PubSubReq.DESCRIPTOR.fields_by_name[kind].number > 100
    if kind is None:
        last = None
        for field in unknown_fields.UnknownFieldSet(m):
            if field.field_number > 34 and field.wire_type == 2:
                last = field
        if last is not None:
            seen.update(command="unknown", field=last.field_number, payload=last.data.hex(), extensions=True)
        return seen
    c = getattr(m, kind)
    if kind == "cmd_subscribe":
        seen.update(credit_messages=present(c, "credit_messages"), credit_bytes=present(c, "credit_bytes"),
                    isolation=c.isolation, max_bytes=c.max_bytes, subscriptions=[])
        for s in c.subscriptions:
            start = s.WhichOneof("start")
            text = {None: "latest", "end": ["latest", "earliest"][s.end if s.end in (0, 1) else 0]}.get(
                start, f"{start} {getattr(s, start) if start else ''}")
            seen["subscriptions"].append({"topic": s.topic, "partitions": list(s.partitions), "start": text})
        return seen
    for field in c.DESCRIPTOR.fields:
        value = getattr(c, field.name)
        if isinstance(value, bytes):
            value = value.hex()
        elif isinstance(value, bool):
            value = int(value)
        elif field.label == field.LABEL_REPEATED:
            value = list(value)
        seen[field.name] = value
    if kind == "cmd_kafka_fetch":
        del seen["extensions"]  # fields with their default may have been on the wire
    return seen


def same_request(answer, expected):
    if "extensions" not in expected:
        answer = {k: v for k, v in answer.items() if k != "extensions"}
    return answer == expected


# -------------------------------------------------------------------------------------- requests

def check_binary_requests():
    messages = [request() for _ in range(options.cases)]
    lines = [f"request binary {m.SerializeToString().hex()}" for m in messages]
    for m, line, answer in zip(messages, lines, ask(lines)):
        check(same_request(json.loads(answer), understood(m)), "binary request", line, answer, understood(m))


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


# What we refuse and protobuf does not; the proto file or the decoder's comment says so.
STRICTER = ("groups are not supported", "must not be negative", "is none of its values", "more than 1")


def check_hostile_requests():
    inputs = [mutated(request().SerializeToString()) for _ in range(options.cases * 2)]
    inputs += [rng.randbytes(rng.randrange(1, 24)) for _ in range(options.cases)]
    stricter = refused = 0
    for data, answer in zip(inputs, ask([f"request binary {d.hex()}" for d in inputs])):
        answer = json.loads(answer)
        m = pb.PubSubReq()
        try:
            m.ParseFromString(data)
        except DecodeError:
            refused += 1
            check("error" in answer, "protobuf refuses, we don't", data.hex(), answer)
            continue
        if "error" in answer and any(reason in answer["error"] for reason in STRICTER):
            stricter += 1
            continue
        check(same_request(answer, understood(m)), "hostile request", data.hex(), answer, understood(m))
    check(refused > len(inputs) // 20 and stricter < len(inputs) // 4, "hostile requests are a fair mix",
          len(inputs), refused, stricter)


def check_prefixes():
    inputs = []
    for _ in range(60):
        data = request().SerializeToString()
        inputs += [data[:n] for n in range(len(data))]
    for data, answer in zip(inputs, ask([f"request binary {d.hex()}" for d in inputs])):
        m = pb.PubSubReq()
        try:
            m.ParseFromString(data)
            check("error" not in json.loads(answer), "prefix", data.hex(), answer)
        except DecodeError:
            check("error" in json.loads(answer), "prefix", data.hex(), answer)


def check_json_requests():
    messages = [request() for _ in range(options.cases)]
    lines = []
    for m in messages:
        text = json_format.MessageToJson(
            m, preserving_proto_field_name=maybe(), use_integers_for_enums=maybe(),
            including_default_value_fields=maybe(), ensure_ascii=maybe(), indent=rng.choice([None, 0, 2]))
        lines.append("request json " + text.encode().hex())
    for m, line, answer in zip(messages, lines, ask(lines)):
        check(same_request(json.loads(answer), understood(m)), "JSON request",
              bytes.fromhex(line.split()[2]), answer, understood(m))


def text_of(m):
    """A request in pubsub.text: pings are the only ones with bytes."""
    value = json_format.MessageToDict(m)
    if m.WhichOneof("req") == "cmd_ping" and m.cmd_ping.state:
        try:
            value["cmdPing"] = {"state": m.cmd_ping.state.decode()}
        except UnicodeDecodeError:
            value["cmdPing"] = {"stateBase64": base64.b64encode(m.cmd_ping.state).decode()}
    return json.dumps(value, ensure_ascii=maybe())


def check_text_requests():
    messages = [request() for _ in range(options.cases // 2)]
    lines = ["request text " + text_of(m).encode().hex() for m in messages]
    for m, line, answer in zip(messages, lines, ask(lines)):
        check(same_request(json.loads(answer), understood(m)), "text request",
              bytes.fromhex(line.split()[2]), answer, understood(m))


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


def check_hostile_json_requests():
    inputs = []
    for _ in range(options.cases):
        value = json_format.MessageToDict(request())
        mutate_json(value)
        inputs.append(json.dumps(value))
    refused = 0
    for text, answer in zip(inputs, ask([f"request json {t.encode().hex()}" for t in inputs])):
        answer = json.loads(answer)
        m = pb.PubSubReq()
        try:
            json_format.Parse(text, m)
        except (json_format.ParseError, ValueError) as error:
            refused += 1
            check("error" in answer, "json_format refuses, we don't", text, answer, str(error))
            continue
        if "error" in answer and re.search("|".join(STRICTER + LAXER_PYTHON), answer["error"]):
            continue
        check(same_request(answer, understood(m)), "hostile JSON request", text, answer, understood(m))
    check(len(inputs) // 10 < refused < len(inputs) * 9 // 10, "hostile JSON requests are a fair mix", refused)


# Python's json_format is laxer than the mapping it implements: base64 with any other character in
# it; anything that int() takes as an enumeration's number; an empty list or string as a message; a
# field under both of its names.
LAXER_PYTHON = ("not base64", "(end|isolation) at .*", "expected an object", "given twice")


# --------------------------------------------------------------------------------------- replies

def optional(spec, field, value):
    if maybe():
        spec[field] = value


def error_spec():
    spec = {"code": int32(), "message": string(), "retriable": maybe()}
    optional(spec, "log_start_offset", int64())
    optional(spec, "high_watermark", int64())
    return spec


def fill(message, spec):
    for field, value in spec.items():
        setattr(message, field, value)


def reply():
    """A description for the bridge, and the message that it means."""
    m = pb.PubSubResp(sequence=int64())
    spec = {"sequence": m.sequence}
    kind = rng.choice(["pong_resp", "error_resp", "kafka_list_offset_resp", "subscribed", "partition_failed",
                       "unsubscribe_resp", "grant_resp", "pause_resp", "metadata_resp"])
    spec["kind"] = kind
    if kind == "pong_resp":
        m.pong_resp.state = octets()
        m.pong_resp.SetInParent()
        spec["state"] = m.pong_resp.state.hex()
    elif kind == "error_resp":
        fields = error_spec()
        fill(m.error_resp, fields)
        m.error_resp.SetInParent()
        spec.update(fields)
    elif kind == "kafka_list_offset_resp":
        fields = {"offset": int64()}
        optional(fields, "timestamp", int64())
        fill(m.kafka_list_offset_resp, fields)
        m.kafka_list_offset_resp.SetInParent()
        spec.update(fields)
    elif kind == "subscribed":
        m.subscribe_resp.SetInParent()
        spec["starts"] = []
        for _ in range(rng.randrange(4)):
            fields = {"topic": string(), "partition": int32(), "next_offset": int64()}
            fill(m.subscribe_resp.starts.add(), fields)
            spec["starts"].append(fields)
    elif kind == "partition_failed":
        spec.update(topic=string(), partition=int32(), error=error_spec())
        m.subscribe_resp.topic, m.subscribe_resp.partition = spec["topic"], spec["partition"]
        fill(m.subscribe_resp.error, spec["error"])
        m.subscribe_resp.error.SetInParent()
    elif kind == "metadata_resp":
        m.metadata_resp.SetInParent()
        spec["topics"] = []
        for _ in range(rng.randrange(4)):
            topic = {"topic": string(), "code": int32(), "partitions": []}
            t = m.metadata_resp.topics.add(topic=topic["topic"], code=topic["code"])
            for _ in range(rng.randrange(4)):
                partition = {"partition": int32(), "code": int32()}
                t.partitions.add(**partition)
                topic["partitions"].append(partition)
            spec["topics"].append(topic)
    else:
        body = getattr(m, kind)
        fields = {"subscription": int64()}
        if kind == "grant_resp":
            optional(fields, "messages", int64())
            optional(fields, "bytes", int64())
        elif kind == "pause_resp":
            fields["paused"] = maybe()
        fill(body, fields)
        body.SetInParent()
        spec.update(fields)
    return spec, m


def record():
    m = pb.KafkaMessage(offset=int64(), timestamp=int64(), append_time=maybe(0.2))
    if maybe(0.7):
        m.key = octets()
    if maybe(0.7):
        m.value = octets()
    spec = {"offset": m.offset, "timestamp": m.timestamp, "append_time": m.append_time, "headers": []}
    for field in ("key", "value"):
        if m.HasField(field):
            spec[field] = getattr(m, field).hex()
    for _ in range(rng.choice([0, 0, 1, 3])):
        name = string().encode() if maybe(0.8) else octets()
        header = m.headers.add(key=name.decode(errors="replace"))
        entry = {"key": name.hex()}
        if maybe(0.7):
            header.value = octets()
            entry["value"] = header.value.hex()
        spec["headers"].append(entry)
    return spec, m


def batch():
    m = pb.PubSubResp(sequence=int64())
    kind = rng.choice(["kafka_fetch_resp", "subscribe_resp"])
    spec = {"sequence": m.sequence, "kind": kind, "messages": []}
    body = getattr(m, kind)
    body.SetInParent()
    if kind == "subscribe_resp":
        spec.update(topic=string(), partition=int32())
        body.topic, body.partition = spec["topic"], spec["partition"]
    for field in ("next_offset", "high_watermark", "log_start_offset", "last_stable_offset"):
        if maybe():
            spec[field] = natural(64)
            setattr(body, field, spec[field])
    for _ in range(rng.choice([0, 1, 2, 5])):
        entry, message = record()
        spec["messages"].append(entry)
        body.messages.append(message)
    return spec, m


def every_record():
    """Every combination of null, empty and present keys and values, with and without headers."""
    m = pb.PubSubResp()
    body = m.kafka_fetch_resp
    spec = {"sequence": 0, "kind": "kafka_fetch_resp", "messages": []}
    for key in (None, b"", b"k"):
        for value in (None, b"", b"v", b"\xff"):
            for headers in ([], [(b"", None)], [(b"h", b""), (b"h", None), (b"", b"x")]):
                for append in (False, True):
                    r = body.messages.add(append_time=append)
                    entry = {"offset": 0, "timestamp": 0, "append_time": append, "headers": []}
                    for field, octet in (("key", key), ("value", value)):
                        if octet is not None:
                            setattr(r, field, octet)
                            entry[field] = octet.hex()
                    for name, octet in headers:
                        h = r.headers.add(key=name.decode())
                        header = {"key": name.hex()}
                        if octet is not None:
                            h.value = octet
                            header["value"] = octet.hex()
                        entry["headers"].append(header)
                    spec["messages"].append(entry)
    return spec, m


def shown(value):
    return value if abs(value) <= 2**53 else str(value)


def camel(name):
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def as_text(m):
    """A reply in pubsub.text, written down a second time from the head of the proto file."""
    out = {}
    for field in m.DESCRIPTOR.fields:
        name = camel(field.name)
        value = getattr(m, field.name)
        record_bytes = field.name in ("key", "value", "state") and field.type == field.TYPE_BYTES
        if field.label == field.LABEL_REPEATED:
            if len(value) or field.name == "messages":
                out[name] = [as_text(v) for v in value]
        elif field.has_presence and not m.HasField(field.name):
            if record_bytes:
                out[name] = None
        elif field.message_type:
            out[name] = as_text(value)
        elif field.type == field.TYPE_BYTES:
            try:
                out[name] = value.decode()
            except UnicodeDecodeError:
                out[name + "Base64"] = base64.b64encode(value).decode()
        elif field.type == field.TYPE_INT64:
            out[name] = shown(value)
        elif field.name == "append_time":
            if value:
                out[name] = value
        else:
            out[name] = value
    return out


def drop_absent(value, kind):
    """News of a subscription's partitions leave out what speaks of records."""
    if kind in ("subscribed", "partition_failed"):
        body = value["subscribeResp"]
        body.pop("messages")
        if kind == "subscribed":
            body.pop("topic")
            body.pop("partition")
    return value


def check_replies(verb, cases):
    lines = [f"{verb} {f} {json.dumps(spec)}" for spec, _ in cases for f in ("binary", "json", "text")]
    answers = [bytes.fromhex(answer) for answer in ask(lines)]
    for index, (spec, m) in enumerate(cases):
        binary, as_json, text = answers[index * 3:index * 3 + 3]
        back = pb.PubSubResp()
        back.ParseFromString(binary)
        check(back == m and not len(unknown_fields.UnknownFieldSet(back)), f"binary {verb}", spec, binary.hex())
        check(len(binary) == m.ByteSize(), f"binary {verb} is as short as Google's", spec, binary.hex())
        check(json_format.Parse(as_json, pb.PubSubResp()) == m, f"JSON {verb}", spec, as_json)
        check(json.loads(as_json) == json_format.MessageToDict(m), f"canonical JSON {verb}", spec, as_json)
        expected = drop_absent(as_text(m), spec["kind"])
        check(json.loads(text) == expected, f"text {verb}", spec, text, expected)


def check_transcoder():
    """Records that Google's encoder wrote, and broken ones."""
    bodies = [batch()[1] for _ in range(options.cases // 4)]
    lines, lists = [], []
    for m in bodies:
        body = m.kafka_fetch_resp if m.HasField("kafka_fetch_resp") else m.subscribe_resp
        alone = pb.KafkaFetchResp(messages=body.messages)
        lists.append(alone)
        lines.append(f"transcode json {alone.SerializeToString().hex()}")
    for alone, answer in zip(lists, ask(lines)):
        check(json.loads(answer) == json_format.MessageToDict(alone).get("messages", []), "transcoded", answer)
    hostile = [mutated(alone.SerializeToString()) for alone in lists]
    for data, answer in zip(hostile, ask([f"transcode text {d.hex()}" for d in hostile])):
        check(answer == "error" or isinstance(json.loads(answer), list), "transcoder on broken bytes", data.hex())


# ------------------------------------------------------------------------------------------ JSON

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


check_original()
check_comments()
check_binary_requests()
check_hostile_requests()
check_prefixes()
check_json_requests()
check_text_requests()
check_hostile_json_requests()
check_replies("reply", [reply() for _ in range(options.cases // 2)])
check_replies("batch", [every_record()] + [batch() for _ in range(options.cases // 2)])
check_transcoder()
check_json_reader()
check_numbers()
print(f"seed {options.seed}")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
