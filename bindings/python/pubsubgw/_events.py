"""The queue of events, for a loop of one's own or for asyncio."""

from __future__ import annotations

import asyncio
import ctypes
import enum
from dataclasses import dataclass
from types import TracebackType
from typing import AsyncIterator, Callable, Optional, Type

from ._errors import Error, Status
from ._library import EventStruct, check, lib

_BATCH = 64


class EventType(enum.IntEnum):
    """PUBSUBGW_EV_*. Ignore what you don't know: later libraries have more."""

    CLOSED = 4
    DRAINED = 10
    LOG = 11


@dataclass(frozen=True)
class Event:
    """One event; pubsubgw.h says which fields each type uses."""

    type: int
    status: int
    session: int
    token: int
    user_data: int
    data: bytes
    code: int
    number: int
    number2: int

    @property
    def text(self) -> str:
        """`data` as text: a close reason, a log line."""
        return self.data.decode(errors="replace")


class Queue:
    """Events of a gateway. Made by `Gateway.queue()`.

    In asyncio:

        async for event in queue:
            ...

    Elsewhere: `fileno()` is readable while events wait; then `poll()`. Or `wait(seconds)`.
    One thread at a time may use a queue.
    """

    def __init__(self, handle: int) -> None:
        self._handle: Optional[int] = handle
        self._array = (EventStruct * _BATCH)()
        self._fd = check(lib.pubsubgw_queue_fd(handle))

    def fileno(self) -> int:
        """The descriptor to wait for; not to be read or closed."""
        return self._fd

    def poll(self, limit: int = _BATCH) -> list[Event]:
        """Takes at most `limit` (up to 64) events that wait; [] if there is none."""
        count = min(max(limit, 1), _BATCH)
        return self._copy(check(lib.pubsubgw_queue_poll(
            self._live(), self._array, count, ctypes.sizeof(EventStruct))))

    def wait(self, timeout: Optional[float] = None, limit: int = _BATCH) -> list[Event]:
        """Blocks until there are events, or `timeout` seconds (None: without limit)."""
        milliseconds = -1 if timeout is None else max(0, min(int(timeout * 1000), 2**31 - 1))
        count = min(max(limit, 1), _BATCH)
        return self._copy(check(lib.pubsubgw_queue_wait(
            self._live(), self._array, count, ctypes.sizeof(EventStruct), milliseconds)))

    def _copy(self, count: int) -> list[Event]:
        # The library's bytes are valid until the next poll only.
        return [
            Event(
                raw.type, raw.status, raw.session, raw.token, raw.user_data,
                ctypes.string_at(raw.data, raw.len) if raw.len else b"",
                raw.code, raw.number, raw.number2)
            for raw in self._array[:count]
        ]

    def attach(
        self, callback: Callable[[Event], None],
        loop: Optional[asyncio.AbstractEventLoop] = None,
    ) -> Callable[[], None]:
        """Calls `callback` for every event on an asyncio loop (None: the running one). Answers a
        function that ends it."""
        chosen = loop or asyncio.get_running_loop()

        def ready() -> None:
            # One batch a turn: the loop's other work gets its chance.
            for event in self.poll():
                callback(event)

        chosen.add_reader(self._fd, ready)

        def detach() -> None:
            chosen.remove_reader(self._fd)

        return detach

    async def __aiter__(self) -> AsyncIterator[Event]:
        events: asyncio.Queue[Event] = asyncio.Queue()
        detach = self.attach(events.put_nowait)
        try:
            while True:
                yield await events.get()
        finally:
            detach()

    def close(self) -> None:
        """Ends the queue and its descriptor. Detach it from the loop first."""
        handle, self._handle = self._handle, None
        if handle is not None:
            lib.pubsubgw_queue_destroy(handle)

    def _live(self) -> int:
        if self._handle is None:
            raise Error(Status.GONE, "PUBSUBGW_E_GONE", "the queue was closed")
        return self._handle

    def __enter__(self) -> "Queue":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
