"""Random replies: a description for the bridge, and the message that it means."""

from random_values import int32, int64, maybe, octets, string
from trial import pb, rng

CAUSES = ["not found", "no broker reachable", "no leader", "TLS refused", "login refused", "timed out",
          "throttled", "outcome unknown"]


def optional(spec, field, value):
    if maybe():
        spec[field] = value


def error_spec():
    spec = {"code": int32(), "message": string(), "retriable": maybe()}
    optional(spec, "log_start_offset", int64())
    optional(spec, "high_watermark", int64())
    optional(spec, "cause", rng.choice(CAUSES))
    optional(spec, "next_offset", int64())
    return spec


def fill(message, spec):
    for field, value in spec.items():
        setattr(message, field, value)


def reply():
    """A description for the bridge, and the message that it means."""
    m = pb.PubSubResp(sequence=int64())
    spec = {"sequence": m.sequence}
    kind = rng.choice(["pong_resp", "error_resp", "kafka_list_offset_resp", "subscribed", "partition_failed", "skipped",
                       "unsubscribe_resp", "grant_resp", "pause_resp", "metadata_resp",
                       "produce_resp"])
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
            fields = {"topic": string(), "partition": int32(), "next_offset": int64(),
                      "outcome": rng.randrange(4), "reason": rng.choice(["", *CAUSES])}
            fill(m.subscribe_resp.starts.add(), fields)
            spec["starts"].append(fields)
    elif kind == "partition_failed":
        spec.update(topic=string(), partition=int32(), error=error_spec())
        m.subscribe_resp.topic, m.subscribe_resp.partition = spec["topic"], spec["partition"]
        fill(m.subscribe_resp.error, spec["error"])
        m.subscribe_resp.error.SetInParent()
    elif kind == "skipped":
        spec.update(topic=string(), partition=int32(), offset=int64(), next_offset=int64(), error=error_spec())
        push = m.subscribe_resp
        push.topic, push.partition, push.next_offset = spec["topic"], spec["partition"], spec["next_offset"]
        push.skipped.offset = spec["offset"]
        fill(push.skipped.error, spec["error"])
        push.skipped.error.SetInParent()
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
    elif kind == "produce_resp":
        m.produce_resp.compared = spec["compared"] = maybe()
        m.produce_resp.SetInParent()
        spec["results"] = []
        for _ in range(rng.randrange(4)):
            fields = {"partition": int32(), "offset": int64(), "timestamp": int64()}
            result = m.produce_resp.results.add(**fields)
            if maybe():
                fields["error"] = error_spec()
                fill(result.error, fields["error"])
                result.error.SetInParent()
            spec["results"].append(fields)
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
