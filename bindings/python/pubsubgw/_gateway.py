"""The gateway: routes, life cycle, clients, numbers."""

from __future__ import annotations

import ctypes
import json
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Any, Mapping, Optional, Type, Union

from ._errors import Error, Status
from ._events import Queue
from ._library import OpenStruct, StatsStruct, check, lib, take_text

JSON = Union[str, bytes, Mapping[str, Any]]

_CLOSE_SESSIONS = 1
_DUP_FD = 1
_NO_CLOSED_EVENT = 4
_QUEUE_LOG = 1


def _json_bytes(value: JSON) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def _bytes(value: Optional[str]) -> Optional[bytes]:
    return None if value is None else value.encode()


def _milliseconds(seconds: float) -> int:
    return max(0, min(int(seconds * 1000), 2**31 - 1))


def route_check(route: JSON) -> list[str]:
    """Checks a route without a gateway. Answers notes on keys without effect; raises `Error` with
    key, line and column if it is wrong."""
    text = _json_bytes(route)
    notes = check(lib.pubsubgw_route_check(text, len(text)))
    return lib.pubsubgw_last_error().decode().split("\n") if notes else []


@dataclass(frozen=True)
class Stats:
    """pubsubgw_stats: what is open now, and counters since the start."""

    threads: int
    sessions: int
    sessions_total: int
    messages_in: int
    messages_out: int
    bytes_in: int
    bytes_out: int
    commands: int
    command_errors: int
    kafka_requests: int
    kafka_errors: int
    kafka_connections: int
    records_in: int
    records_out: int
    queued_events: int


class Gateway:
    """Routes, threads and sessions. A context manager: leaving it stops everything.

    Keyword arguments are the settings of pubsubgw_new: threads, cache_bytes, client_id,
    host_plugins, limits. Make it and put routes before a fork, `start()` after it.
    """

    def __init__(self, **settings: Any) -> None:
        handle = ctypes.c_void_p()
        config = json.dumps(settings).encode() if settings else None
        check(lib.pubsubgw_new(config, ctypes.byref(handle)))
        self._handle: Optional[int] = handle.value

    # Routes ------------------------------------------------------------------------------------

    def route_put(self, route: JSON, id: Optional[str] = None) -> None:
        """Adds a route, or replaces the one with its id. `id` None: the object's own."""
        text = _json_bytes(route)
        check(lib.pubsubgw_route_put(self._live(), _bytes(id), text, len(text)))

    def route_delete(self, id: str, close_sessions: bool = False) -> None:
        flags = _CLOSE_SESSIONS if close_sessions else 0
        check(lib.pubsubgw_route_delete(self._live(), id.encode(), flags))

    def upstream_put(self, upstream: JSON, id: Optional[str] = None) -> None:
        """Adds or replaces an upstream object, for routes with "upstream_id"."""
        text = _json_bytes(upstream)
        check(lib.pubsubgw_upstream_put(self._live(), _bytes(id), text, len(text)))

    def upstream_delete(self, id: str) -> None:
        check(lib.pubsubgw_upstream_delete(self._live(), id.encode()))

    def route_match(self, uri: str, host: Optional[str] = None) -> Optional[str]:
        """The id of the route that would serve the request; None if there is none."""
        room = ctypes.create_string_buffer(4096)
        length = lib.pubsubgw_route_match(
            self._live(), _bytes(host), uri.encode(), room, len(room))
        return None if length == Status.NO_ROUTE else room.raw[:check(length)].decode()

    def routes(self) -> dict[str, Any]:
        """All routes and upstreams, with secrets masked."""
        length = ctypes.c_size_t()
        text = lib.pubsubgw_routes_json(self._live(), ctypes.byref(length))
        found: dict[str, Any] = json.loads(take_text(text, length))
        return found

    # Life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the threads: in the process that serves, after its last fork."""
        check(lib.pubsubgw_start(self._live()))

    def drain(self, code: int = 1001, timeout: float = 30.0) -> None:
        """No new sessions, and a Close frame for the others. Returns at once; each queue gets a
        DRAINED event."""
        check(lib.pubsubgw_drain(self._live(), code, _milliseconds(timeout)))

    def stop(self, timeout: float = 5.0) -> None:
        """Ends every session and thread; blocks up to about `timeout` seconds."""
        check(lib.pubsubgw_stop(self._live(), _milliseconds(timeout)))

    def close(self) -> None:
        """Stops at once what still runs, and ends the handle."""
        handle, self._handle = self._handle, None
        if handle is not None:
            lib.pubsubgw_destroy(handle)

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    # Clients -----------------------------------------------------------------------------------

    def listen(self, address: str, mode: int = 0) -> int:
        """Accepts clients: "127.0.0.1:0", "[::1]:80", "*:80", "unix:/path", "unix:@name". Answers
        the port, or 0. `mode`: of the socket file, 0 is 0o660."""
        return check(lib.pubsubgw_listen(self._live(), address.encode(), mode))

    def adopt(
        self, fd: int, *, route: Optional[str] = None, host: Optional[str] = None,
        uri: Optional[str] = None, remote_addr: Optional[str] = None,
        request_head: Optional[bytes] = None, key: Optional[str] = None,
        protocol: Optional[str] = None, extensions: Optional[str] = None,
        policy: Optional[JSON] = None, preread: bytes = b"", queue: Optional[Queue] = None,
        user_data: int = 0, dup: bool = False, closed_event: bool = True,
    ) -> int:
        """Hands over a connected socket and answers the session's number. On success the library
        owns `fd` (detach it from its socket object; with dup=True it works on a duplicate); on
        failure nothing has happened to it.

        Give `request_head`, the whole HTTP request head as received, and the library checks and
        answers it. Or check it yourself and give `key` (the library sends the 101), or neither
        (you have sent it)."""
        opening = OpenStruct(
            struct_size=ctypes.sizeof(OpenStruct),
            flags=(_DUP_FD if dup else 0) | (0 if closed_event else _NO_CLOSED_EVENT),
            route_id=_bytes(route), host=_bytes(host), uri=_bytes(uri),
            remote_addr=_bytes(remote_addr), request_head=request_head,
            request_head_len=len(request_head or b""), websocket_key=_bytes(key),
            websocket_protocol=_bytes(protocol), websocket_extensions=_bytes(extensions),
            policy_json=None if policy is None else _json_bytes(policy),
            preread=preread or None, preread_len=len(preread),
            queue=None if queue is None else queue._live(), user_data=user_data)
        session = ctypes.c_uint64()
        check(lib.pubsubgw_session_adopt_fd(
            self._live(), fd, ctypes.byref(opening), ctypes.byref(session)))
        return session.value

    def queue(self, log: bool = False) -> Queue:
        """A queue of events. log=True: log lines come as events, not to standard error."""
        handle = ctypes.c_void_p()
        check(lib.pubsubgw_queue_new(
            self._live(), _QUEUE_LOG if log else 0, ctypes.byref(handle)))
        return Queue(handle.value or 0)

    # Numbers -----------------------------------------------------------------------------------

    def stats(self) -> Stats:
        raw = StatsStruct(struct_size=ctypes.sizeof(StatsStruct))
        check(lib.pubsubgw_get_stats(self._live(), ctypes.byref(raw)))
        return Stats(**{field.name: getattr(raw, field.name) for field in fields(Stats)})

    def metrics(self) -> str:
        """Prometheus' text format."""
        length = ctypes.c_size_t()
        return take_text(lib.pubsubgw_metrics_text(self._live(), ctypes.byref(length)), length)

    def _live(self) -> int:
        if self._handle is None:
            raise Error(Status.GONE, "PUBSUBGW_E_GONE", "the gateway was closed")
        return self._handle
