"""The queue of events, for a loop of one's own or for asyncio."""

from __future__ import annotations

import asyncio
import ctypes
import enum
import itertools
import logging
from dataclasses import dataclass
from types import TracebackType
from typing import AsyncIterator, Callable, Dict, List, Optional, Tuple, Type

from ._errors import Status, failure
from ._library import check, lib
from ._structs import EVENT, SLICE, EventStruct

_BATCH = 64
# What the binding puts into user_data is above what a program usually counts with.
_OWN_DATA = 1 << 62
_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}

log = logging.getLogger("pubsubgw")


class EventType(enum.IntEnum):
    """PUBSUBGW_EV_*. Ignore what you don't know: later libraries have more."""

    OUTPUT = 1
    MESSAGE = 2
    RESUME = 3
    CLOSED = 4
    COMMAND = 5
    DELIVERY = 6
    RECORDS = 7
    OFFSET = 8
    METADATA = 9
    DRAINED = 10
    LOG = 11
    TOKEN = 12
    ROOM = 13
    FLUSHED = 14
    TRANSACTION = 15


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
    flags: int
    number: int
    number2: int

    @property
    def text(self) -> str:
        """`data` as text: a close reason, a log line."""
        return self.data.decode(errors="replace")


#: type, status, session, token, user_data, data, len, code, flags, number, number2
RawEvent = Tuple[int, int, int, int, int, int, int, int, int, int, int]

#: Takes an event and the address of its struct; both are good until it returns.
Receiver = Callable[[RawEvent, int], None]


def data_of(raw: RawEvent) -> bytes:
    """The event's bytes, copied: the library's own are valid until the next poll only."""
    return ctypes.string_at(raw[5], raw[6]) if raw[6] else b""


def event_of(raw: RawEvent) -> Event:
    return Event(*raw[:5], data_of(raw), *raw[7:])


class Queue:
    """Events of a gateway. Made by `Gateway.queue()`; a context manager.

    In asyncio:

        async for event in queue:
            ...

    Elsewhere: `fileno()` is readable while events wait; then `poll()`. Or `wait(seconds)`.
    One thread at a time may use a queue.
    """

    def __init__(self, handle: int) -> None:
        self._handle: Optional[int] = handle
        # One array for the queue's life: the library writes into it, `struct` reads it.
        self._room = bytearray(EVENT.size * _BATCH)
        self._view = memoryview(self._room)
        array = (EventStruct * _BATCH).from_buffer(self._room)
        self._address = ctypes.addressof(array)
        self._array = array
        # Room for the slices of bytes sessions: one thread uses a queue, so they can share it.
        self._slices = bytearray(SLICE.size * 16)
        self._slices_array = (ctypes.c_char * len(self._slices)).from_buffer(self._slices)
        self._slices_address = ctypes.addressof(self._slices_array)
        self._fd = check(lib.pubsubgw_queue_fd(handle))
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._other: Optional[Callable[[Event], None]] = None
        self._receivers: Dict[int, Receiver] = {}
        self._by_type: Dict[int, Receiver] = {}
        self._numbers = itertools.count(_OWN_DATA)
        self._is_dispatching = False

    def fileno(self) -> int:
        """The descriptor to wait for; not to be read or closed."""
        return self._fd

    def poll(self, limit: int = _BATCH) -> List[Event]:
        """Takes at most `limit` (up to 64) events that wait; [] if there is none."""
        return [event_of(raw) for raw in self._taken(self._take(limit))]

    def poll_raw(self, limit: int = _BATCH) -> "List[Tuple[RawEvent, int]]":
        """The same without a copy: each event with the address of its struct, which is valid, with
        what it points to, until the next poll."""
        taken = self._taken(self._take(limit))
        return list(zip(taken, range(self._address, self._address + len(self._room), EVENT.size)))

    def wait(self, timeout: Optional[float] = None, limit: int = _BATCH) -> List[Event]:
        """Blocks until there are events, or `timeout` seconds (None: without limit)."""
        milliseconds = -1 if timeout is None else max(0, min(int(timeout * 1000), 2**31 - 1))
        count = check(lib.pubsubgw_queue_wait(
            self._idle(), self._address, min(max(limit, 1), _BATCH), EVENT.size, milliseconds))
        return [event_of(raw) for raw in self._taken(count)]

    def _take(self, limit: int) -> int:
        count: int = lib.pubsubgw_queue_poll(
            self._idle(), self._address, min(max(limit, 1), _BATCH), EVENT.size)
        return count if count >= 0 else check(count)

    def _taken(self, count: int) -> "List[RawEvent]":
        return list(EVENT.iter_unpack(self._view[:count * EVENT.size]))

    # Dispatch ----------------------------------------------------------------------------------

    def dispatch(self, limit: int = _BATCH) -> int:
        """Takes at most `limit` (up to 64) events and gives each to whom it is for: the session or
        request it belongs to, `logging` (logger "pubsubgw"), or `attach`'s callback. Answers how
        many there were. For loops other than asyncio's: call it when `fileno()` is readable."""
        count = self._take(limit)
        address = self._address
        self._is_dispatching = True
        try:
            for raw in self._taken(count):
                try:
                    self._give(raw, address)
                except Exception:
                    log.exception("a receiver of events failed")
                address += EVENT.size
        finally:
            self._is_dispatching = False
        return count

    def _give(self, raw: RawEvent, address: int) -> None:
        # A type's own receiver comes first: a command carries the user_data of its session.
        receiver = self._by_type.get(raw[0]) or self._receivers.get(raw[4])
        if receiver is not None:
            receiver(raw, address)
        elif self._other is not None:
            self._other(event_of(raw))
        elif raw[0] == EventType.LOG:
            log.log(_LEVELS.get(raw[7], logging.ERROR), "%s", data_of(raw).decode(errors="replace"))

    def add_receiver(self, receiver: Receiver) -> int:
        """A user_data whose events `receiver` gets, until `remove_receiver`."""
        number = next(self._numbers)
        self._receivers[number] = receiver
        return number

    def remove_receiver(self, user_data: int) -> None:
        self._receivers.pop(user_data, None)

    def set_type_receiver(self, type: int, receiver: Optional[Receiver]) -> None:
        """Who gets all events of a type; None: nobody in particular."""
        if receiver is None:
            self._by_type.pop(type, None)
        else:
            self._by_type[type] = receiver

    # asyncio -----------------------------------------------------------------------------------

    def attach(
        self, callback: Optional[Callable[[Event], None]] = None,
        loop: Optional[asyncio.AbstractEventLoop] = None,
    ) -> Callable[[], None]:
        """Dispatches on an asyncio loop (None: the running one) whenever events wait. `callback`
        gets those that belong to no session or request of this binding; without one, log lines go
        to `logging` and the rest nowhere. Answers a function that ends it."""
        chosen = loop or asyncio.get_running_loop()
        self._other = callback
        # One batch a turn: the loop's other work gets its chance. The descriptor stays readable
        # while more waits.
        chosen.add_reader(self._fd, self.dispatch)
        self._loop = chosen
        return self.detach

    def detach(self) -> None:
        """Ends `attach`."""
        loop, self._loop, self._other = self._loop, None, None
        if loop is not None and not loop.is_closed():
            loop.remove_reader(self._fd)

    async def __aiter__(self) -> AsyncIterator[Event]:
        events: asyncio.Queue[Event] = asyncio.Queue()
        detach = self.attach(events.put_nowait)
        try:
            while True:
                yield await events.get()
        finally:
            detach()

    # Life --------------------------------------------------------------------------------------

    def close(self) -> None:
        """Ends the queue and its descriptor."""
        self.detach()
        handle, self._handle = self._handle, None
        if handle is not None:
            lib.pubsubgw_queue_destroy(handle)

    def _live(self) -> int:
        if self._handle is None:
            raise failure(Status.GONE, "PUBSUBGW_E_GONE", "the queue was closed")
        return self._handle

    def _idle(self) -> int:
        if self._is_dispatching:
            raise failure(
                Status.STATE, "PUBSUBGW_E_STATE",
                "the queue's events are being dispatched: a receiver must not take more of them")
        return self._live()

    def __enter__(self) -> "Queue":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
