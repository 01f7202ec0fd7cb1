"""The structs of pubsubgw.h."""

from __future__ import annotations

import struct
from ctypes import Structure, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p


class EventStruct(Structure):
    """pubsubgw_event"""

    _fields_ = [
        ("type", c_uint32), ("status", c_int32), ("session", c_uint64), ("token", c_uint64),
        ("user_data", c_uint64), ("data", c_void_p), ("len", c_size_t), ("code", c_int32),
        ("flags", c_uint32), ("number", c_int64), ("number2", c_int64),
    ]


class OpenStruct(Structure):
    """pubsubgw_open"""

    _fields_ = [
        ("struct_size", c_uint32), ("flags", c_uint32), ("route_id", c_char_p),
        ("host", c_char_p), ("uri", c_char_p), ("remote_addr", c_char_p),
        ("request_head", c_char_p), ("request_head_len", c_size_t), ("websocket_key", c_char_p),
        ("websocket_protocol", c_char_p), ("websocket_extensions", c_char_p),
        ("policy_json", c_char_p), ("preread", c_char_p), ("preread_len", c_size_t),
        ("queue", c_void_p), ("user_data", c_uint64), ("origin", c_char_p),
    ]


class StatsStruct(Structure):
    """pubsubgw_stats"""

    _fields_ = [("struct_size", c_uint32), ("threads", c_uint32)] + [
        (name, c_uint64) for name in (
            "sessions", "sessions_total", "messages_in", "messages_out", "bytes_in", "bytes_out",
            "commands", "command_errors", "kafka_requests", "kafka_errors", "kafka_connections",
            "records_in", "records_out", "queued_events")
    ]


class FetchStruct(Structure):
    """pubsubgw_fetch_args"""

    _fields_ = [
        ("struct_size", c_uint32), ("partition", c_int32), ("topic", c_char_p),
        ("offset", c_int64), ("max_bytes", c_int32), ("min_bytes", c_int32),
        ("max_wait_ms", c_int32), ("isolation", c_int32),
    ]


class SubscribeStruct(Structure):
    """pubsubgw_subscribe_args"""

    _fields_ = [
        ("struct_size", c_uint32), ("partition", c_int32), ("topic", c_char_p),
        ("offset", c_int64), ("timestamp", c_int64), ("start", c_int32), ("isolation", c_int32),
        ("options_json", c_char_p),
    ]


# One call of `struct` reads a whole event; ctypes would ask for each field by itself, at several
# times the cost.
EVENT = struct.Struct("@IiQQQPNiIqq")
assert EVENT.size == 72

# pubsubgw_slice
SLICE = struct.Struct("@PN")

# pubsubgw_record and pubsubgw_header
RECORD = struct.Struct("@IiPqqPNPNPNI4x")
HEADER = struct.Struct("@PPN")

# pubsubgw_produce_args and pubsubgw_delivery
PRODUCE_ARGS = struct.Struct("@IiPPNPNPNqQ")
DELIVERY = struct.Struct("@IiPqqPNP")
