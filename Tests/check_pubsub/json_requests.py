"""Requests in the JSON sub-protocols: as Google writes them, for people, and broken."""

import base64
import json
import re

from binary_requests import STRICTER
from google.protobuf import json_format
from mutations import mutate_json
from random_values import maybe
from request_cases import request, same_request, understood
from trial import ask, check, options, pb, rng

# Python's json_format is laxer than the mapping it implements: base64 with any other character in
# it; anything that int() takes as an enumeration's number; an empty list or string as a message; a
# field under both of its names.
LAXER_PYTHON = ("not base64", "(end|isolation|acks) at .*", "expected an object", "given twice")


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
    """A request in pubsub.text."""
    return json.dumps(as_text(m, json_format.MessageToDict(m)), ensure_ascii=maybe())


def as_text(m, value):
    """The dict with its bytes as people write them."""
    for field, held in m.ListFields():
        name = field.json_name
        if field.type == field.TYPE_BYTES:
            del value[name]
            try:
                value[name] = held.decode()
            except UnicodeDecodeError:
                value[name + "Base64"] = base64.b64encode(held).decode()
        elif field.message_type and field.label == field.LABEL_REPEATED:
            for one, inner in zip(held, value[name]):
                as_text(one, inner)
        elif field.message_type:
            as_text(held, value[name])
    return value


def check_text_requests():
    messages = [request() for _ in range(options.cases // 2)]
    lines = ["request text " + text_of(m).encode().hex() for m in messages]
    for m, line, answer in zip(messages, lines, ask(lines)):
        check(same_request(json.loads(answer), understood(m)), "text request",
              bytes.fromhex(line.split()[2]), answer, understood(m))


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
