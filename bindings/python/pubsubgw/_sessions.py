"""Sessions: one client connection each."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from ._events import EventType, Queue, RawEvent, data_of
from ._library import check, lib
from ._structs import OpenStruct
from ._text import JSON, json_bytes, optional_bytes

if TYPE_CHECKING:
    from ._gateway import Gateway

_DUP_FD = 1
_NO_CLOSED_EVENT = 4


@dataclass(frozen=True)
class Closed:
    """How a session ended. code: WebSocket's close code (1006: without a Close frame; 0: refused
    before the 101). Bytes are those of the client's connection."""

    session: int
    code: int
    reason: str
    bytes_sent: int
    bytes_received: int


#: What a host may tell of a client, as keyword arguments of every way to open a session:
#:
#: route         the route's id; None: by host and path of the request
#: policy        narrows the route for this session: "commands", "topics", "limits" as in the
#:               route's "pubsub", and "principal", "trace" for log lines
#: remote_addr   the client's address; None: asked from the socket
#: closed        called with a `Closed` when the session has ended (where events are dispatched)
OnClosed = Callable[[Closed], None]


class Session(int):
    """A session's number, as its events carry it, and what can be done to the session."""

    _gateway: "Gateway"

    @classmethod
    def _of(cls, number: int, gateway: "Gateway") -> "Session":
        session = cls(number)
        session._gateway = gateway
        return session

    def __repr__(self) -> str:
        return f"<Session {int(self)}>"


def opening(
    flags: int = 0, route: Optional[str] = None, host: Optional[str] = None,
    uri: Optional[str] = None, remote_addr: Optional[str] = None,
    request_head: Optional[bytes] = None, key: Optional[str] = None,
    protocol: Optional[str] = None, extensions: Optional[str] = None,
    policy: Optional[JSON] = None, preread: bytes = b"", queue: Optional[Queue] = None,
    user_data: int = 0, dup: bool = False, closed_event: bool = True,
) -> OpenStruct:
    """pubsubgw_open, filled."""
    return OpenStruct(
        struct_size=ctypes.sizeof(OpenStruct),
        flags=flags | (_DUP_FD if dup else 0) | (0 if closed_event else _NO_CLOSED_EVENT),
        route_id=optional_bytes(route), host=optional_bytes(host), uri=optional_bytes(uri),
        remote_addr=optional_bytes(remote_addr), request_head=request_head,
        request_head_len=len(request_head or b""), websocket_key=optional_bytes(key),
        websocket_protocol=optional_bytes(protocol),
        websocket_extensions=optional_bytes(extensions),
        policy_json=None if policy is None else json_bytes(policy),
        preread=preread or None, preread_len=len(preread),
        queue=None if queue is None else queue._live(), user_data=user_data)


def watch(queue: Queue, closed: OnClosed) -> int:
    """A user_data for a session on `queue`, whose end `closed` is told."""

    def receive(raw: RawEvent, _: int) -> None:
        if raw[0] == EventType.CLOSED:
            queue.remove_receiver(raw[4])
            closed(closed_of(raw))

    return queue.add_receiver(receive)


def closed_of(raw: RawEvent) -> Closed:
    return Closed(raw[2], raw[7], data_of(raw).decode(errors="replace"), raw[9], raw[10])


def adopt(gateway: "Gateway", fd: int, options: Dict[str, Any], closed: Optional[OnClosed]) -> Session:
    queue: Optional[Queue] = options.get("queue")
    watched = None
    if closed is not None:
        if queue is None:
            queue = options["queue"] = gateway.attach()
        watched = options["user_data"] = watch(queue, closed)
    number = ctypes.c_uint64()
    try:
        struct = opening(**options)
        check(lib.pubsubgw_session_adopt_fd(
            gateway._live(), fd, ctypes.byref(struct), ctypes.byref(number)))
    except BaseException:
        if queue is not None and watched is not None:
            queue.remove_receiver(watched)
        raise
    return Session._of(number.value, gateway)
