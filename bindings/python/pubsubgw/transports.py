"""Clients of asyncio's transports, and of uvloop's."""

from __future__ import annotations

import asyncio
import collections
import errno
from typing import Any, Deque, Optional

from ._errors import GoneError
from ._gateway import Gateway
from ._http import adopt
from ._sessions import LINGER_SECONDS, Closed, OnClosed, Session, lingers


def hand_over(transport: asyncio.Transport, gateway: Gateway, **options: Any) -> Session:
    """Gives a plain (not TLS) connection to the library, as `Gateway.adopt` does with `options`,
    and ends the transport without a word to the client. What the transport had still to write must
    be written before; what it has read goes into `preread`. If the library refuses, the transport
    is as it was. ConnectionResetError: the client has gone."""
    if transport.is_closing():
        raise ConnectionResetError(errno.ECONNRESET, "the client has gone")
    socket = transport.get_extra_info("socket")
    was_reading = transport.is_reading()
    if was_reading:
        transport.pause_reading()
    try:
        session = adopt(gateway, socket.fileno(), dup=True, **options)
    except BaseException:
        if was_reading:
            transport.resume_reading()
        raise
    # abort() takes the descriptor out of the loop and closes it. close() would do so later, and a
    # shutdown would hit the library's duplicate too.
    transport.abort()
    return session


class BytesProtocol(asyncio.Protocol):
    """Carries the bytes of a session over a transport, TLS or not, with back-pressure both ways.

        protocol = BytesProtocol(transport, gateway, request_head=head, preread=tail)
        closed = await protocol.closed

    It takes the place of the transport's protocol, which hears of nothing more but the loss of the
    connection. When `closed` is done all output was given to the transport: close it then. A client
    that broke the rules may still be sending: it has two seconds to read why, and to go."""

    def __init__(
        self, transport: asyncio.Transport, gateway: Gateway, *,
        closed: Optional[OnClosed] = None, **options: Any,
    ) -> None:
        self.closed: "asyncio.Future[Closed]" = asyncio.get_running_loop().create_future()
        self._transport = transport
        self._gateway = gateway
        self._on_closed = closed
        self._can_write = True
        self._is_paused = False
        self._ended = False
        self._lingering: Optional[Closed] = None
        # What the transport had read already when it was told to stop.
        self._unfed: Deque[bytes] = collections.deque()
        self._session = gateway.open_bytes(
            output=self._output, resume=self._resume, closed=self._end, **options)
        self._former = transport.get_protocol()
        transport.set_protocol(self)
        if not transport.is_reading():
            transport.resume_reading()

    # From the client ---------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._ended:
            pass
        elif self._is_paused:
            self._unfed.append(data)
        elif not self._feed(data):
            self._is_paused = True
            self._transport.pause_reading()

    def _feed(self, data: bytes) -> bool:
        try:
            return self._session.feed(data)
        except GoneError:
            # It has just ended, and `_end` is about to be called.
            self._gateway._live()
            return True

    def _resume(self) -> None:
        self._is_paused = False
        while self._unfed and not self._is_paused:
            self._is_paused = not self._feed(self._unfed.popleft())
        if not self._is_paused and not self._transport.is_closing():
            self._transport.resume_reading()

    def eof_received(self) -> bool:
        # The session may have something to say yet: the transport stays open (where it can; TLS
        # cannot be half closed).
        return False

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._can_write = False
        if not self._ended:
            self._ended = True
            try:
                self._session.feed(b"")
            except GoneError:
                self._finish(Closed(self._session, 1006, "the gateway has stopped", 0, 0, 0))
        elif self._lingering is not None:
            self._finish(self._lingering)
        self._former.connection_lost(error)

    # To the client -----------------------------------------------------------------------------

    def _output(self) -> None:
        while self._can_write:
            data = self._session.output()
            if not data:
                return
            # A transport that has enough calls pause_writing from within.
            self._transport.write(data)
            if not self._session.consume(len(data)):
                return

    def pause_writing(self) -> None:
        self._can_write = False

    def resume_writing(self) -> None:
        self._can_write = True
        if not self._ended:
            self._output()

    # The end -----------------------------------------------------------------------------------

    def _end(self, closed: Closed) -> None:
        self._ended = True
        if self._transport.is_closing() or not lingers(closed):
            return self._finish(closed)
        self._lingering = closed
        self._transport.resume_reading()
        asyncio.get_running_loop().call_later(LINGER_SECONDS, self._finish, closed)

    def _finish(self, closed: Closed) -> None:
        if not self.closed.done():
            self.closed.set_result(closed)
        on_closed, self._on_closed = self._on_closed, None
        if on_closed is not None:
            on_closed(closed)

    def give_back(self) -> None:
        """Puts the former protocol in its place again; the session is forgotten if it lives."""
        if not self.closed.done() and self._lingering is None:
            self._ended = True
            self._session.forget()
        if not self._transport.is_closing():
            self._transport.set_protocol(self._former)
