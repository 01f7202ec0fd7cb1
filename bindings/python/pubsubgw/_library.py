"""Finds and loads the shared library, and declares its functions to ctypes."""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, Structure, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint32
from ctypes import c_uint64, c_void_p
from typing import Any, Tuple

from ._errors import Error, ForkedError, Status

#: The header that this binding was written for: 0xMMmmpp.
HEADER_VERSION = 0x000100


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
        ("queue", c_void_p), ("user_data", c_uint64),
    ]


class StatsStruct(Structure):
    """pubsubgw_stats"""

    _fields_ = [("struct_size", c_uint32), ("threads", c_uint32)] + [
        (name, c_uint64) for name in (
            "sessions", "sessions_total", "messages_in", "messages_out", "bytes_in", "bytes_out",
            "commands", "command_errors", "kafka_requests", "kafka_errors", "kafka_connections",
            "records_in", "records_out", "queued_events")
    ]


def _candidates() -> list[str]:
    here = os.path.dirname(os.path.abspath(__file__))
    named = os.environ.get("PUBSUBGW_LIBRARY")
    if named:
        return [named]
    return [os.path.join(here, "libpubsubgw.so.0"), os.path.join(here, "libpubsubgw.so"),
            "libpubsubgw.so.0"]


def _load() -> Tuple[ctypes.CDLL, str]:
    failures = []
    for path in _candidates():
        if os.sep in path and not os.path.exists(path):
            failures.append(f"{path}: not there")
            continue
        try:
            # CDLL gives up the interpreter's lock during calls: a wait must not stop Python.
            return ctypes.CDLL(path), path
        except OSError as error:
            failures.append(str(error))
    raise ImportError(
        "libpubsubgw was not found; set PUBSUBGW_LIBRARY to its path. Tried: "
        + "; ".join(failures))


lib, library_path = _load()


def _declare(name: str, result: Any, *arguments: Any) -> None:
    try:
        function = getattr(lib, name)
    except AttributeError:
        raise ImportError(f"{library_path} has no {name}: it is older than this binding") from None
    function.restype = result
    function.argtypes = arguments


_declare("pubsubgw_version", c_uint32)
_declare("pubsubgw_has_feature", c_int, c_char_p)
_declare("pubsubgw_error_name", c_char_p, c_int)
_declare("pubsubgw_strerror", c_char_p, c_int)
_declare("pubsubgw_last_error", c_char_p)
_declare("pubsubgw_free", None, c_void_p)
_declare("pubsubgw_set_log", c_int, c_int, c_void_p, c_void_p)
_declare("pubsubgw_new", c_int, c_char_p, POINTER(c_void_p))
_declare("pubsubgw_start", c_int, c_void_p)
_declare("pubsubgw_drain", c_int, c_void_p, c_int, c_int)
_declare("pubsubgw_stop", c_int, c_void_p, c_int)
_declare("pubsubgw_destroy", None, c_void_p)
_declare("pubsubgw_route_check", c_int, c_char_p, c_size_t)
_declare("pubsubgw_route_put", c_int, c_void_p, c_char_p, c_char_p, c_size_t)
_declare("pubsubgw_route_delete", c_int, c_void_p, c_char_p, c_uint32)
_declare("pubsubgw_upstream_put", c_int, c_void_p, c_char_p, c_char_p, c_size_t)
_declare("pubsubgw_upstream_delete", c_int, c_void_p, c_char_p)
_declare(
    "pubsubgw_route_match", c_int, c_void_p, c_char_p, c_char_p, c_char_p, c_size_t)
_declare("pubsubgw_routes_json", c_void_p, c_void_p, POINTER(c_size_t))
_declare("pubsubgw_queue_new", c_int, c_void_p, c_uint32, POINTER(c_void_p))
_declare("pubsubgw_queue_fd", c_int, c_void_p)
_declare("pubsubgw_queue_poll", c_int, c_void_p, POINTER(EventStruct), c_int, c_size_t)
_declare("pubsubgw_queue_wait", c_int, c_void_p, POINTER(EventStruct), c_int, c_size_t, c_int)
_declare("pubsubgw_queue_destroy", None, c_void_p)
_declare(
    "pubsubgw_session_adopt_fd", c_int, c_void_p, c_int, POINTER(OpenStruct), POINTER(c_uint64))
_declare("pubsubgw_listen", c_int, c_void_p, c_char_p, c_int)
_declare("pubsubgw_get_stats", c_int, c_void_p, POINTER(StatsStruct))
_declare("pubsubgw_metrics_text", c_void_p, c_void_p, POINTER(c_size_t))


def check(code: int) -> int:
    """Answers a result that is no failure; raises `Error` for one that is."""
    if code >= 0:
        return code
    # At once: the text is this thread's, and the next call may replace it.
    text = lib.pubsubgw_last_error().decode()
    name = lib.pubsubgw_error_name(code).decode()
    raise (ForkedError if code == Status.FORKED else Error)(code, name, text)


def take_text(pointer: int | None, length: c_size_t) -> str:
    """Copies and frees what the library returned as char *."""
    if not pointer:
        text = lib.pubsubgw_last_error().decode()
        raise Error(Status.INVALID, "PUBSUBGW_E_INVALID", text)
    try:
        return ctypes.string_at(pointer, length.value).decode()
    finally:
        lib.pubsubgw_free(pointer)


def version() -> str:
    """The version of the loaded library, "0.1.0"."""
    number = lib.pubsubgw_version()
    return f"{number >> 16}.{number >> 8 & 255}.{number & 255}"


def has_feature(name: str) -> bool:
    """Whether the library can do `name` on this machine: "zstd", "kafka-tls", "sasl-plain", ..."""
    return bool(lib.pubsubgw_has_feature(name.encode()))


def set_log_level(level: int) -> None:
    """0 off, 1 errors, 2 warnings (the default), 3 info, 4 debug; to standard error, or to a queue
    that was made with log=True. Log lines come to Python through queues only."""
    check(lib.pubsubgw_set_log(level, None, None))


if lib.pubsubgw_version() >> 8 != HEADER_VERSION >> 8:
    raise ImportError(
        f"{library_path} is version {version()}; this binding needs "
        f"{HEADER_VERSION >> 16}.{HEADER_VERSION >> 8 & 255}.x")
