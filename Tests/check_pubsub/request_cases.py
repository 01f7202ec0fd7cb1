"""Random requests, and what the bridge has to say of them."""

from google.protobuf import unknown_fields
from random_values import int32, int64, maybe, natural, octets, string
from trial import pb, rng

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
        command.skip_unreadable = maybe()
    elif kind == "cmd_unsubscribe":
        command.subscription = int64()
    elif kind == "cmd_grant":
        command.subscription, command.messages, command.bytes = int64(), natural(64), natural(64)
    elif kind == "cmd_pause":
        command.subscription, command.resume = int64(), maybe()
    elif kind == "cmd_metadata":
        command.topics.extend(string() for _ in range(rng.randrange(4)))
    elif kind == "cmd_produce":
        for _ in range(rng.randrange(4)):
            produce_record(command.records.add())
        command.acks = rng.choice([0, 2, 3])
        command.id = octets()[:64]
    return m


def produce_record(record):
    record.topic = string()
    if maybe():
        record.partition = natural(32)
    if maybe():
        record.key = octets()
    if maybe():
        record.value = octets()
    for _ in range(rng.randrange(3)):
        header = record.headers.add(key=string())
        if maybe():
            header.value = octets()
    if maybe():
        record.timestamp = natural(64)


def zigzag(value):
    value, out = value << 1 ^ value >> 63, bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def batch_header(header):
    """As it stands in a batch of records."""
    key = header.key.encode()
    value = present(header, "value")
    return zigzag(len(key)) + key + (zigzag(-1) if value is None else zigzag(len(value)) + value)


def understood_record(record):
    def octets_of(field):
        value = present(record, field)
        return None if value is None else value.hex()
    return {"topic": record.topic.encode().hex(), "partition": present(record, "partition"),
            "key": octets_of("key"), "value": octets_of("value"),
            "headers": b"".join(map(batch_header, record.headers)).hex(),
            "header_count": len(record.headers), "timestamp": present(record, "timestamp")}


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
    if kind == "cmd_produce":
        seen.update(acks=c.acks, id=c.id.hex(), records=[understood_record(r) for r in c.records])
        return seen
    if kind == "cmd_subscribe":
        seen.update(credit_messages=present(c, "credit_messages"), credit_bytes=present(c, "credit_bytes"),
                    isolation=c.isolation, max_bytes=c.max_bytes, skip_unreadable=c.skip_unreadable,
                    subscriptions=[])
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
