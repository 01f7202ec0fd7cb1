"""The proto file itself: what clients of the original were compiled with, and the comments."""

import re

from trial import check, pb

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
