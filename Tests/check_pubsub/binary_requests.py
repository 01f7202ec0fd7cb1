"""Requests in protobuf: whole, broken and cut."""

import json

from google.protobuf.message import DecodeError
from mutations import mutated
from request_cases import request, same_request, understood
from trial import ask, check, options, pb, rng

# What we refuse and protobuf does not; the proto file or the decoder's comment says so.
STRICTER = ("groups are not supported", "must not be negative", "is none of its values", "more than ")


def check_binary_requests():
    messages = [request() for _ in range(options.cases)]
    lines = [f"request binary {m.SerializeToString().hex()}" for m in messages]
    for m, line, answer in zip(messages, lines, ask(lines)):
        check(same_request(json.loads(answer), understood(m)), "binary request", line, answer, understood(m))


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
