"""Sessions: one client connection each."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple, Type, TypeVar

from ._errors import GoneError
from ._events import EventType, Queue, RawEvent, data_of
from ._library import check, lib
from ._structs import SLICE, OpenStruct
from ._text import JSON, json_bytes, optional_bytes

if TYPE_CHECKING:
    from ._gateway import Gateway

_DUP_FD = 1
_NO_CLOSED_EVENT = 4
_TELL_OUTPUT = 8
_PAUSE, _HAS_OUTPUT = 1, 2
_SLICES = 16
# As numbers: an enumeration's members cost a search each.
_OUTPUT, _RESUME, _CLOSED = (
    int(EventType.OUTPUT), int(EventType.RESUME), int(EventType.CLOSED))


@dataclass(frozen=True)
class Closed:
    """How a session ended. code: WebSocket's close code (1006: without a Close frame; 0: refused
    before the 101). Bytes are those of the client's connection. http_status: that its upgrade was
    answered with by the library, 0: with none."""

    session: int
    code: int
    reason: str
    bytes_sent: int
    bytes_received: int
    http_status: int


OnClosed = Callable[[Closed], None]


class Session(int):
    """A session's number, as its events carry it, and what can be done to the session."""

    _gateway: "Gateway"

    def push(self, resp_field: int, message: bytes) -> None:
        """Sends PubSubResp{sequence 0, field `resp_field` = `message`} to the client: a push
        without a request. In the JSON sub-protocols `message` is a JSON value.
        `FullError`: the client has too much waiting; nothing was sent."""
        check(lib.pubsubgw_session_push(
            self._gateway._live(), self, resp_field, message, len(message)))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes it with a WebSocket code and a reason of at most 123 bytes. Its end is told as
        ever."""
        check(lib.pubsubgw_session_close(self._gateway._live(), self, code, reason.encode()))

    def forget(self) -> None:
        """Hears no more of it: no event comes any more, and it is closed with 1001."""
        try:
            check(lib.pubsubgw_session_forget(self._gateway._live(), self))
        except GoneError:
            pass

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {int(self)}>"


class _OwnedSession(Session):
    """One whose connection the host keeps. A context manager: leaving it forgets the session."""

    _queue: Queue
    _user_data: int
    # Called with no event: `feed` itself tells.
    _output: Optional[Callable[[], None]] = None
    # The gateway's handle: the library itself tells one that was closed.
    _handle: int

    def forget(self) -> None:
        if self._user_data:
            self._queue.remove_receiver(self._user_data)
        super().forget()

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.forget()


class BytesSession(_OwnedSession):
    """A session whose host owns the connection, TLS too: it reads and writes, the library does the
    rest. Made by `Gateway.open_bytes`. One thread at a time may use it."""

    def feed(self, data: bytes) -> bool:
        """Takes bytes that came from the client; b"": its stream has ended. False: taken, but feed
        no more until the RESUME event (`resume` is called). The session's `output` may be called
        from within."""
        status: int = lib.pubsubgw_session_feed(self._handle, self, data, len(data))
        if status == 0:
            return True
        if check(status) & _HAS_OUTPUT and self._output is not None:
            self._output()
        return not status & _PAUSE

    def output(self) -> bytes:
        """What has to be written next; b"" if nothing has. It stays until it is consumed."""
        count: int = lib.pubsubgw_session_output(
            self._handle, self, self._queue._slices_address, _SLICES)
        if count <= 0:
            check(count)
            return b""
        slices = self._queue._slices
        if count == 1:
            return ctypes.string_at(*SLICE.unpack_from(slices))
        return b"".join(
            ctypes.string_at(*slice) for slice in SLICE.iter_unpack(slices[:count * SLICE.size]))

    def consume(self, count: int) -> bool:
        """The first `count` bytes of the output were written. False: nothing more waits, until the
        next OUTPUT event (`output` is called)."""
        status: int = lib.pubsubgw_session_consume(self._handle, self, count)
        return status != 0 and check(status) != 0

    def __enter__(self) -> "BytesSession":
        return self


class MessagesSession(_OwnedSession):
    """A session whose host owns WebSocket: it receives and sends messages. Made by
    `Gateway.open_messages`. `pubsubgw.messages.Messages` is that for asyncio."""

    def message(self, data: "bytes | str") -> bool:
        """Takes a message of the client, binary or text. False: taken, but give no more until the
        RESUME event (`resume` is called)."""
        opcode, payload = (1, data.encode()) if isinstance(data, str) else (2, data)
        status: int = lib.pubsubgw_session_message(
            self._handle, self, opcode, payload, len(payload))
        return status == 0 or check(status) != _PAUSE

    def client_closed(self, code: Optional[int] = None, reason: str = "") -> None:
        """The client closed, with this code; None: the connection is lost."""
        payload = b"" if code is None else code.to_bytes(2, "big") + reason.encode()
        check(lib.pubsubgw_session_message(self._handle, self, 8, payload, len(payload)))

    def __enter__(self) -> "MessagesSession":
        return self


_Any = TypeVar("_Any", bound=Session)


def opening(
    flags: int = 0, route: Optional[str] = None, host: Optional[str] = None,
    uri: Optional[str] = None, origin: Optional[str] = None, remote_addr: Optional[str] = None,
    request_head: Optional[bytes] = None, key: Optional[str] = None,
    protocol: Optional[str] = None, extensions: Optional[str] = None,
    policy: Optional[JSON] = None, preread: bytes = b"", queue: Optional[Queue] = None,
    user_data: int = 0, dup: bool = False, closed_event: bool = True, tell_output: bool = False,
) -> OpenStruct:
    """pubsubgw_open, filled."""
    return OpenStruct(
        struct_size=ctypes.sizeof(OpenStruct),
        flags=flags | (_DUP_FD if dup else 0) | (0 if closed_event else _NO_CLOSED_EVENT)
        | (_TELL_OUTPUT if tell_output else 0),
        route_id=optional_bytes(route), host=optional_bytes(host), uri=optional_bytes(uri),
        remote_addr=optional_bytes(remote_addr), request_head=request_head,
        request_head_len=len(request_head or b""), websocket_key=optional_bytes(key),
        websocket_protocol=optional_bytes(protocol),
        websocket_extensions=optional_bytes(extensions),
        policy_json=None if policy is None else json_bytes(policy),
        preread=preread or None, preread_len=len(preread),
        queue=None if queue is None else queue._live(), user_data=user_data,
        origin=optional_bytes(origin))


# With these a session ends as soon as its Close frame is written, whatever the client is about to
# send (RFC 6455 section 7.1.7).
_CLIENTS_FAULTS = frozenset((1002, 1003, 1007, 1009))
# How long a connection is read on then: bytes that nobody has read, when it is closed, would cut
# off what the client has not read.
LINGER_SECONDS = 2.0


def lingers(closed: Closed) -> bool:
    return closed.code in _CLIENTS_FAULTS


def closed_of(raw: RawEvent) -> Closed:
    return Closed(raw[2], raw[7], data_of(raw).decode(errors="replace"), raw[9], raw[10], raw[8])


def receiver_of(
    queue: Queue, closed: Optional[OnClosed], output: Optional[Callable[[], None]] = None,
    resume: Optional[Callable[[], None]] = None,
) -> Callable[[RawEvent, int], None]:
    """Gives a session's events to the functions that want them."""

    def receive(raw: RawEvent, _: int) -> None:
        kind = raw[0]
        if kind == _OUTPUT and output is not None:
            output()
        elif kind == _RESUME and resume is not None:
            resume()
        elif kind == _CLOSED:
            queue.remove_receiver(raw[4])
            if closed is not None:
                closed(closed_of(raw))

    return receive


def opened(
    kind: Type[_Any], gateway: "Gateway", function: Callable[..., int], before: Tuple[Any, ...],
    options: Dict[str, Any], **wanted: Optional[Callable[..., None]],
) -> _Any:
    """Opens a session by one of the library's functions. If any of its events is `wanted`, they
    come to these functions, through `options`' queue or the running loop's."""
    queue: Optional[Queue] = options["queue"]
    number = 0
    if any(wanted.values()):
        if queue is None:
            queue = options["queue"] = gateway.attach()
        number = options["user_data"] = queue.add_receiver(receiver_of(
            queue, wanted.get("closed"), wanted.get("output"), wanted.get("resume")))
    output = wanted.get("output")
    id = ctypes.c_uint64()
    try:
        struct = opening(**options, tell_output=output is not None)
        check(function(gateway._live(), *before, ctypes.byref(struct), ctypes.byref(id)))
    except BaseException:
        if queue is not None and number:
            queue.remove_receiver(number)
        raise
    session = kind(id.value)
    session._gateway = gateway
    if isinstance(session, _OwnedSession) and queue is not None:
        session._queue, session._user_data, session._handle = queue, number, gateway._live()
        session._output = output
    return session
