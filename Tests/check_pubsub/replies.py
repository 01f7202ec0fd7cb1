"""Replies and records in all three sub-protocols."""

import base64
import json

from google.protobuf import json_format, unknown_fields
from mutations import mutated
from record_cases import batch
from trial import ask, check, options, pb

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
        elif field.enum_type:
            out[name] = field.enum_type.values_by_number[value].name
        elif field.name == "append_time":
            if value:
                out[name] = value
        else:
            out[name] = value
    return out


def drop_absent(value, kind):
    """News of a subscription's partitions leave out what speaks of records."""
    if kind in ("subscribed", "partition_failed", "skipped"):
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
