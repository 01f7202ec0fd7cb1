"""HTTP for operators: health, metrics and the admin interface. One small request a connection,
with a limit on everything, in an asyncio loop: no thread for anybody."""

from __future__ import annotations

import asyncio
import http
import re
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Protocol, cast

#: A request head, in bytes; http.server allows as much for one line.
HEAD_BYTES_MAX = 65536
#: A body, in bytes: the original's own limit.
BODY_BYTES_MAX = 1536 * 1024
#: From the connection to the end of the request, and again to the end of the answer.
REQUEST_SECONDS = 10.0
#: A client that was refused early may still be sending: closed at once, it would lose the answer.
LINGER_SECONDS = 2.0
#: Connections at a time. Beyond it the oldest is cut, so that slow ones do not lock others out.
CONNECTIONS_MAX = 256

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ONCE = ("content-length", "host", "x-api-key", "upgrade")


@dataclass(frozen=True)
class Request:
    method: str
    #: As received: nothing is decoded, so that nothing can be disguised.
    path: str
    query: str
    #: By their names in lower case.
    headers: Dict[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: Dict[str, str] = field(default_factory=dict)


class Desk(Protocol):
    """Who answers."""

    def begin(self, request: Request) -> Optional[Answer]:
        """The answer; or None, if it takes the body."""

    def finish(self, request: Request, body: bytes) -> Answer:
        """The answer to a request with its body."""

    def hand_over(self, transport: asyncio.Transport, head: bytes, behind: bytes) -> bool:
        """Takes a client that asks for an upgrade, with its connection. False: not here."""


class Refusal(Exception):
    """A request that is not HTTP as we speak it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.answer = Answer(status, text.encode() + b"\n")


class Door:
    """Makes the protocol of each connection: `loop.create_server(door, ...)`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.connections: "Dict[Connection, None]" = {}

    def __call__(self) -> "Connection":
        return Connection(self)

    def admit(self, connection: "Connection") -> None:
        self.connections[connection] = None
        if len(self.connections) > CONNECTIONS_MAX:
            next(iter(self.connections)).cut()

    def close(self) -> None:
        for connection in list(self.connections):
            connection.cut()


class Connection(asyncio.Protocol):
    def __init__(self, door: Door) -> None:
        self._door = door
        self._received = bytearray()
        self._request: Optional[Request] = None
        self._body_bytes = 0
        self._is_answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._timer = self._after(REQUEST_SECONDS)
        self._door.admit(self)

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._timer.cancel()
        self._door.connections.pop(self, None)

    def cut(self) -> None:
        self._door.connections.pop(self, None)
        self._transport.abort()

    def eof_received(self) -> bool:
        # A client may end its half behind its request, and wait for the answer.
        return not self._is_answered and self._request is not None

    def data_received(self, data: bytes) -> None:
        if self._is_answered:
            return
        searched = max(0, len(self._received) - 3)
        self._received += data
        try:
            if self._request is None:
                end = self._received.find(b"\r\n\r\n", searched)
                if end > HEAD_BYTES_MAX or end < 0 and len(self._received) > HEAD_BYTES_MAX:
                    raise Refusal(431, f"the request head is over {HEAD_BYTES_MAX} bytes")
                if end < 0:
                    return
                self._begin(end + 4)
            elif len(self._received) >= self._body_bytes:
                self._finish(self._request)
        except Refusal as refusal:
            self._answer(refusal.answer)

    def _begin(self, length: int) -> None:
        head = bytes(self._received[:length])
        del self._received[:length]
        self._request = request = parsed(head)
        if request.headers.get("upgrade", "").lower() == "websocket":
            if self._door.desk.hand_over(self._transport, head, bytes(self._received)):
                return
        answer = self._door.desk.begin(request)
        if answer is not None:
            return self._answer(answer)
        self._body_bytes = body_length(request)
        if len(self._received) >= self._body_bytes:
            self._finish(request)
        elif request.headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _finish(self, request: Request) -> None:
        self._answer(self._door.desk.finish(request, bytes(self._received[:self._body_bytes])))

    def _answer(self, answer: Answer) -> None:
        self._is_answered = True
        self._received.clear()
        lines = [
            f"HTTP/1.1 {answer.status} {http.HTTPStatus(answer.status).phrase}",
            f"Content-Type: {answer.content_type}", f"Content-Length: {len(answer.body)}",
            "Connection: close"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        is_head = self._request is not None and self._request.method == "HEAD"
        self._transport.write(
            "\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if is_head else answer.body))
        # The client closes when it has read all; it has this long for it.
        self._transport.write_eof()
        self._timer.cancel()
        is_flushed = self._transport.get_write_buffer_size() == 0
        self._timer = self._after(LINGER_SECONDS if is_flushed else REQUEST_SECONDS)

    def _after(self, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self.cut)


def parsed(head: bytes) -> Request:
    lines = head[:-4].decode("latin-1").split("\r\n")
    try:
        method, target, version = lines[0].split(" ")
    except ValueError:
        raise Refusal(400, "the request line is not HTTP's") from None
    if not _TOKEN.fullmatch(method) or version not in ("HTTP/1.1", "HTTP/1.0"):
        raise Refusal(400, "the request line is not HTTP/1's")
    if not target.startswith("/") or not all("!" <= letter <= "~" for letter in target):
        raise Refusal(400, "the request target is no path")
    path, _, query = target.partition("?")
    return Request(method, path, query, _headers(lines[1:]))


def _headers(lines: List[str]) -> Dict[str, str]:
    headers: Dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or "\r" in value or "\n" in value:
            raise Refusal(400, "a header is not HTTP's")
        name, value = name.lower(), value.strip(" \t")
        if name in headers:
            if name in _ONCE:
                raise Refusal(400, f"the header {name} comes twice")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


def body_length(request: Request) -> int:
    if "transfer-encoding" in request.headers:
        raise Refusal(411, "send a body with its Content-Length")
    text = request.headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Refusal(400, "Content-Length is no number")
    if int(text) > BODY_BYTES_MAX:
        raise Refusal(413, f"the body is over {BODY_BYTES_MAX} bytes")
    return int(text)
