"""Finds and loads the shared library, and declares its functions to ctypes."""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64
from ctypes import c_void_p
from typing import Any, Callable, Dict, List, NoReturn, Optional, Tuple

from ._errors import LoadError, Status, failure
from ._structs import FetchStruct, OpenStruct, StatsStruct, SubscribeStruct

#: The header that this binding was written for: 0xMMmmpp.
HEADER_VERSION = 0x000100

# name: (result, arguments)
_FUNCTIONS: Dict[str, Tuple[Any, ...]] = {
    "pubsubgw_version": (c_uint32,),
    "pubsubgw_has_feature": (c_int, c_char_p),
    "pubsubgw_error_name": (c_char_p, c_int),
    "pubsubgw_strerror": (c_char_p, c_int),
    "pubsubgw_last_error": (c_char_p,),
    "pubsubgw_free": (None, c_void_p),
    "pubsubgw_set_log": (c_int, c_int, c_void_p, c_void_p),
    "pubsubgw_new": (c_int, c_char_p, POINTER(c_void_p)),
    "pubsubgw_start": (c_int, c_void_p),
    "pubsubgw_drain": (c_int, c_void_p, c_int, c_int),
    "pubsubgw_stop": (c_int, c_void_p, c_int),
    "pubsubgw_destroy": (None, c_void_p),
    "pubsubgw_route_check": (c_int, c_char_p, c_size_t),
    "pubsubgw_upstream_check": (c_int, c_char_p, c_size_t),
    "pubsubgw_route_put": (c_int, c_void_p, c_char_p, c_char_p, c_size_t),
    "pubsubgw_route_delete": (c_int, c_void_p, c_char_p, c_uint32),
    "pubsubgw_upstream_put": (c_int, c_void_p, c_char_p, c_char_p, c_size_t),
    "pubsubgw_upstream_delete": (c_int, c_void_p, c_char_p),
    "pubsubgw_route_match": (c_int, c_void_p, c_char_p, c_char_p, c_char_p, c_size_t),
    "pubsubgw_routes_json": (c_void_p, c_void_p, POINTER(c_size_t)),
    "pubsubgw_queue_new": (c_int, c_void_p, c_uint32, POINTER(c_void_p)),
    "pubsubgw_queue_fd": (c_int, c_void_p),
    "pubsubgw_queue_poll": (c_int, c_void_p, c_void_p, c_int, c_size_t),
    "pubsubgw_queue_wait": (c_int, c_void_p, c_void_p, c_int, c_size_t, c_int),
    "pubsubgw_queue_destroy": (None, c_void_p),
    "pubsubgw_session_adopt_fd": (c_int, c_void_p, c_int, POINTER(OpenStruct), POINTER(c_uint64)),
    "pubsubgw_session_open_bytes": (c_int, c_void_p, POINTER(OpenStruct), POINTER(c_uint64)),
    "pubsubgw_session_feed": (c_int, c_void_p, c_uint64, c_char_p, c_size_t),
    "pubsubgw_session_output": (c_int, c_void_p, c_uint64, c_void_p, c_int),
    "pubsubgw_session_consume": (c_int, c_void_p, c_uint64, c_size_t),
    "pubsubgw_session_open_messages": (c_int, c_void_p, POINTER(OpenStruct), POINTER(c_uint64)),
    "pubsubgw_session_message": (c_int, c_void_p, c_uint64, c_int, c_char_p, c_size_t),
    "pubsubgw_session_push": (c_int, c_void_p, c_uint64, c_uint32, c_char_p, c_size_t),
    "pubsubgw_session_close": (c_int, c_void_p, c_uint64, c_int, c_char_p),
    "pubsubgw_session_forget": (c_int, c_void_p, c_uint64),
    "pubsubgw_open_check": (c_int, c_void_p, POINTER(OpenStruct), c_char_p, c_size_t),
    "pubsubgw_listen": (c_int, c_void_p, c_char_p, c_int),
    "pubsubgw_command_on": (c_int, c_void_p, c_char_p, c_char_p, c_uint32, c_uint32, c_void_p),
    "pubsubgw_command_reply": (c_int, c_void_p, c_uint64, c_char_p, c_size_t),
    "pubsubgw_command_fail": (c_int, c_void_p, c_uint64, c_int, c_char_p),
    "pubsubgw_token_on": (c_int, c_void_p, c_char_p, c_void_p),
    "pubsubgw_token_set": (c_int, c_void_p, c_char_p, c_char_p, c_int64, c_char_p),
    "pubsubgw_token_fail": (c_int, c_void_p, c_char_p, c_char_p),
    "pubsubgw_client_new": (c_int, c_void_p, c_char_p, c_void_p, c_uint64, POINTER(c_void_p)),
    "pubsubgw_client_destroy": (None, c_void_p),
    "pubsubgw_fetch": (c_int, c_void_p, POINTER(FetchStruct), c_uint64),
    "pubsubgw_list_offset": (c_int, c_void_p, c_char_p, c_int32, c_int64, c_uint64),
    "pubsubgw_metadata": (c_int, c_void_p, c_char_p, c_uint64),
    "pubsubgw_subscribe": (c_int, c_void_p, POINTER(SubscribeStruct), c_uint64),
    "pubsubgw_cancel": (c_int, c_void_p, c_uint64),
    "pubsubgw_event_record": (c_void_p, c_void_p, c_size_t),
    "pubsubgw_producer_new": (c_int, c_void_p, c_char_p, c_uint64, POINTER(c_void_p)),
    "pubsubgw_producer_destroy": (None, c_void_p),
    "pubsubgw_produce": (c_int, c_void_p, c_void_p),
    "pubsubgw_produce_batch": (c_int, c_void_p, c_void_p, c_size_t),
    "pubsubgw_flush": (c_int, c_void_p, c_uint64),
    "pubsubgw_transaction_begin": (c_int, c_void_p, c_uint64),
    "pubsubgw_transaction_commit": (c_int, c_void_p, c_uint64),
    "pubsubgw_transaction_abort": (c_int, c_void_p, c_uint64),
    "pubsubgw_event_delivery": (c_void_p, c_void_p),
    "pubsubgw_get_stats": (c_int, c_void_p, POINTER(StatsStruct)),
    "pubsubgw_metrics_text": (c_void_p, c_void_p, POINTER(c_size_t)),
}


class _Library:
    """The functions of pubsubgw.h by their names. Loads the library at the first of them."""

    path: Optional[str] = None

    def __getattr__(self, name: str) -> Any:
        if name not in _FUNCTIONS:
            raise AttributeError(name)
        load()
        return self.__dict__[name]


lib = _Library()


def _candidates(path: Optional[str]) -> List[str]:
    named = path or os.environ.get("PUBSUBGW_LIBRARY")
    if named:
        return [named]
    here = os.path.dirname(os.path.abspath(__file__))
    return [os.path.join(here, "libpubsubgw.so.0"), os.path.join(here, "libpubsubgw.so"),
            "libpubsubgw.so.0"]


def load(path: Optional[str] = None) -> str:
    """Loads the library and answers its path. Without a call of it that happens at the first use.

    path: the library's file. None: what the environment's PUBSUBGW_LIBRARY names; else a
    libpubsubgw.so.0 beside this package; else where the system's loader finds libpubsubgw.so.0.
    `LoadError`: there is none, it is of another version, or another one was loaded before.
    """
    if lib.path is not None:
        if path is not None and not _same_file(path, lib.path):
            raise LoadError(f"{lib.path} is loaded already; {path} comes too late")
        return lib.path
    loaded, found = _open(_candidates(path))
    _check_version(loaded, found)
    for name, (result, *arguments) in _FUNCTIONS.items():
        lib.__dict__[name] = _declared(loaded, found, name, result, arguments)
    lib.path = found
    return found


def _same_file(one: str, other: str) -> bool:
    return one == other or (
        os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other))


def _open(candidates: List[str]) -> Tuple[ctypes.CDLL, str]:
    failures = []
    for path in candidates:
        if os.sep in path and not os.path.exists(path):
            failures.append(f"{path}: not there")
            continue
        try:
            # CDLL gives up the interpreter's lock during calls: a wait must not stop Python.
            return ctypes.CDLL(path), path
        except OSError as error:
            failures.append(str(error))
    raise LoadError(
        "libpubsubgw was not found; install it, or set PUBSUBGW_LIBRARY to its path. Tried: "
        + "; ".join(failures))


def _check_version(loaded: ctypes.CDLL, path: str) -> None:
    try:
        function = loaded.pubsubgw_version
    except AttributeError:
        raise LoadError(f"{path} is not libpubsubgw: it has no pubsubgw_version") from None
    function.restype, function.argtypes = c_uint32, ()
    number = function()
    # Until 1.0 the middle number tells whether two versions understand each other (pubsubgw.h).
    if number >> 8 != HEADER_VERSION >> 8:
        raise LoadError(
            f"{path} is libpubsubgw {_dotted(number)}, and this binding was written for "
            f"{HEADER_VERSION >> 16}.{HEADER_VERSION >> 8 & 255}.x: install both from one release")


def _declared(
    loaded: ctypes.CDLL, path: str, name: str, result: Any, arguments: List[Any],
) -> Callable[..., Any]:
    function: Any = getattr(loaded, name, None)
    if function is None:
        return _missing(path, name)
    function.restype, function.argtypes = result, arguments
    called: Callable[..., Any] = function
    return called


def _missing(path: str, name: str) -> Callable[..., Any]:
    def refuse(*_: Any) -> NoReturn:
        raise failure(
            Status.UNSUPPORTED, "PUBSUBGW_E_UNSUPPORTED",
            f"{path} has no {name}: it is older than this binding")

    return refuse


def check(code: int) -> int:
    """Answers a result that is no failure; raises the exception of one that is."""
    if code >= 0:
        return code
    # At once: the text is this thread's, and the next call may replace it.
    text = lib.pubsubgw_last_error().decode()
    raise failure(code, lib.pubsubgw_error_name(code).decode(), text)


def take_text(pointer: Optional[int], length: c_size_t) -> str:
    """Copies and frees what the library returned as char *."""
    if not pointer:
        text = lib.pubsubgw_last_error().decode()
        forked = "forked" in text
        raise failure(
            Status.FORKED if forked else Status.INVALID,
            "PUBSUBGW_E_FORKED" if forked else "PUBSUBGW_E_INVALID", text)
    try:
        return ctypes.string_at(pointer, length.value).decode()
    finally:
        lib.pubsubgw_free(pointer)


def _dotted(number: int) -> str:
    return f"{number >> 16}.{number >> 8 & 255}.{number & 255}"


def version() -> str:
    """The version of the loaded library, "0.1.0"."""
    return _dotted(lib.pubsubgw_version())


def has_feature(name: str) -> bool:
    """Whether the library can do `name` on this machine: "zstd", "kafka-tls", "sasl-plain", ..."""
    return bool(lib.pubsubgw_has_feature(name.encode()))


def set_log_level(level: int) -> None:
    """0 off, 1 errors, 2 warnings (the default), 3 info, 4 debug; to standard error, or to a queue
    that was made with log=True. `Gateway.attach` makes such a queue for `logging`."""
    check(lib.pubsubgw_set_log(level, None, None))
