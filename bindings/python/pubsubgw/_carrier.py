"""A session over a connection of TLS, in servers that have a thread for each client."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from typing import Any, Dict, List, Optional, Tuple

from ._errors import GoneError
from ._gateway import Gateway
from ._sessions import LINGER_SECONDS, Closed, OnClosed, Session

_READ_BYTES = 65536
# Then the other direction has its turn.
_READS_A_TURN = 16
_WRITES_A_TURN = 64


def carry(
    connection: ssl.SSLSocket, gateway: Gateway, *, closed: Optional[OnClosed] = None,
    **options: Any,
) -> Session:
    """Opens a session with `options` as of `Gateway.open_bytes` (but queue), carries its bytes over
    the connection in this thread, and returns when it has ended. `closed` is called in this thread
    then. The connection is at its end, and remains to be closed."""
    carrier = _Carrier(connection, gateway, options)
    try:
        told = carrier.run()
    finally:
        carrier.close()
    if closed is not None:
        closed(told)
    return carrier.session


class _Carrier:
    """One thread waits for two descriptors: the client's, and that of a queue which this session
    has for itself."""

    def __init__(
        self, connection: ssl.SSLSocket, gateway: Gateway, options: Dict[str, Any],
    ) -> None:
        self._connection = connection
        self._closed: Optional[Closed] = None
        self._is_paused = False
        self._is_at_end = False
        self._has_more = False
        # Output that is being sent: one copy of it, however many records of TLS it makes.
        self._piece = memoryview(b"")
        self._queue = gateway.queue()
        try:
            self.session = gateway.open_bytes(
                queue=self._queue, output=self._wake, resume=self._resume, closed=self._end,
                **options)
        except BaseException:
            self._queue.close()
            raise

    def close(self) -> None:
        if self._closed is None:
            self.session.forget()
        self._queue.close()

    def run(self) -> Closed:
        self._connection.setblocking(False)
        events, both = select.poll(), select.poll()
        events.register(self._queue, select.POLLIN)
        both.register(self._queue, select.POLLIN)
        try:
            while self._closed is None:
                self._has_more = False
                # TLS may have to write before it can read, and the other way round.
                wanted = self._receive() | self._send()
                if self._is_at_end:
                    events.poll()
                else:
                    both.register(self._connection, wanted)
                    self._look_at(both.poll(0 if self._has_more else None))
                self._queue.dispatch()
        except GoneError:
            # It may have just ended, without having been told yet.
            with contextlib.suppress(GoneError):
                self._queue.dispatch()
            if self._closed is None:
                self._closed = Closed(self.session, 1006, "the gateway has stopped", 0, 0, 0)
        self._say_goodbye()
        return self._closed

    # Events ------------------------------------------------------------------------------------

    def _look_at(self, ready: "List[Tuple[int, int]]") -> None:
        """Who reads or writes finds out that the connection is lost. A session that does neither,
        for it is paused and has nothing to say, would not."""
        is_lost = any(what & (select.POLLERR | select.POLLHUP) for _, what in ready)
        if is_lost and self._is_paused and not self._piece:
            self._feed(b"")

    def _wake(self) -> None:
        """Output waits, as `feed` or an event says. Each turn looks for it behind its input, so
        there is nothing to do; but as `feed` says it, there is no event to wake up for."""

    def _resume(self) -> None:
        self._is_paused = False

    def _end(self, closed: Closed) -> None:
        self._closed = closed

    # Bytes: each answers what to wait for --------------------------------------------------------

    def _receive(self) -> int:
        for _ in range(_READS_A_TURN):
            if self._is_paused or self._is_at_end:
                return 0
            try:
                data = self._connection.recv(_READ_BYTES)
            except ssl.SSLWantReadError:
                return select.POLLIN
            except ssl.SSLWantWriteError:
                return select.POLLOUT
            except OSError:
                data = b""
            self._feed(data)
        self._has_more = True
        return 0

    def _feed(self, data: bytes) -> None:
        self._is_at_end = not data
        self._is_paused = not self.session.feed(data)

    def _send(self) -> int:
        for _ in range(_WRITES_A_TURN):
            if self._is_at_end:
                return 0
            self._piece = self._piece or memoryview(self.session.output())
            if not self._piece:
                return 0
            try:
                sent = self._connection.send(self._piece)
            except ssl.SSLWantReadError:
                return select.POLLIN
            except ssl.SSLWantWriteError:
                return select.POLLOUT
            except OSError:
                self._feed(b"")
                return 0
            self._piece = self._piece[sent:]
            if not self.session.consume(sent):
                return 0
        self._has_more = True
        return 0

    # The end -----------------------------------------------------------------------------------

    def _say_goodbye(self) -> None:
        """close_notify and the end of our stream. What the client still sends is dropped: bytes
        that nobody has read, when a connection is closed, would cut off what it has not read."""
        try:
            try:
                self._connection.unwrap()
            except (ssl.SSLError, ValueError):
                pass
            self._connection.shutdown(socket.SHUT_WR)
            end = time.monotonic() + LINGER_SECONDS
            while end > time.monotonic():
                self._connection.settimeout(max(0.001, end - time.monotonic()))
                if not self._connection.recv(_READ_BYTES):
                    return
        except OSError:
            pass
