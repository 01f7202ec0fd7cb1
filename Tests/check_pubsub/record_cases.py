"""Random records and batches, likewise."""

from random_values import int32, int64, maybe, natural, octets, string
from trial import pb, rng

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
