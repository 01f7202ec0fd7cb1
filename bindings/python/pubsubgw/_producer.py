"""Producing to Kafka, on asyncio."""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import json
from array import array
from collections import Counter
from types import TracebackType
from typing import (
    TYPE_CHECKING, Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Type,
    Union)

from ._errors import Error, FullError, Status, failure
from ._events import EventType, RawEvent, data_of
from ._library import check, lib
from ._structs import DELIVERY, HEADER, PRODUCE_ARGS

if TYPE_CHECKING:
    from ._client import Client

_MAY_BE_STORED = 4
_MUST_ABORT = 8
_FATAL = 16
# What one call of the library takes: its arguments take 80 bytes each.
_CHUNK = 1 << 14
_WORDS = PRODUCE_ARGS.size // 8

HeaderList = Union[Mapping[str, Optional[bytes]], Sequence[Tuple[str, Optional[bytes]]]]


class Delivered(NamedTuple):
    """Where a record is. offset: -1 if the broker has not told; timestamp: the broker's own in
    milliseconds, -1 if the record keeps its own."""

    topic: str
    partition: int
    offset: int
    timestamp: int


class _Waiting:
    """Who waits for records with one token."""

    __slots__ = ("future", "left", "failure")

    def __init__(self, future: "asyncio.Future[Any]", left: int) -> None:
        self.future, self.left = future, left
        self.failure: Optional[Error] = None


class Producer:
    """Sends records in batches, each once and in order. Made by `Client.producer()`, for one
    asyncio loop; a context manager.

    A failure is an `Error` with `may_be_stored` (a request was sent, and nobody has told),
    `must_abort` (the transaction can only be aborted) and `is_fatal` (make another producer)."""

    def __init__(self, client: "Client", settings: Mapping[str, Any]) -> None:
        self._queue = client._queue
        self._user_data = self._queue.add_receiver(self._receive)
        self._tokens = itertools.count(1)
        self._records: Dict[int, _Waiting] = {}
        self._steps: "Dict[int, asyncio.Future[None]]" = {}
        self._room: "Optional[asyncio.Future[None]]" = None
        handle = ctypes.c_void_p()
        try:
            check(lib.pubsubgw_producer_new(
                client._live(), json.dumps(settings).encode(), self._user_data,
                ctypes.byref(handle)))
        except BaseException:
            self._queue.remove_receiver(self._user_data)
            raise
        self._handle: Optional[int] = handle.value or 0

    # Records -----------------------------------------------------------------------------------

    async def produce(
        self, topic: str, value: Optional[bytes] = None, key: Optional[bytes] = None, *,
        partition: int = -1, headers: Optional[HeaderList] = None, timestamp: int = 0,
    ) -> Delivered:
        """Sends a record and waits until it is stored. It goes with others that come within
        linger_ms: many tasks that wait cost one request. key, value: None is Kafka's null;
        partition: -1 for the partitioner's choice; timestamp: milliseconds, 0 for now."""
        waiting = await self._send(topic, value, key, partition, headers, timestamp)
        done: Delivered = await waiting.future
        return done

    async def _send(
        self, topic: str, value: Optional[bytes], key: Optional[bytes], partition: int,
        headers: Optional[HeaderList], timestamp: int,
    ) -> _Waiting:
        token = next(self._tokens)
        name = ctypes.c_char_p(topic.encode())
        parts, listed = _headers(headers)
        packed = PRODUCE_ARGS.pack(
            PRODUCE_ARGS.size, partition, _address(name), *_bytes(key), *_bytes(value),
            _address(listed) if parts else 0, len(parts), timestamp, token)
        waiting = _Waiting(asyncio.get_running_loop().create_future(), 1)
        self._records[token] = waiting
        try:
            while True:
                try:
                    check(lib.pubsubgw_produce(self._live(), packed))
                    return waiting
                except FullError:
                    await self._has_room()
        except BaseException:
            del self._records[token]
            raise

    async def produce_batch(
        self, topic: str, values: Sequence[Optional[bytes]],
        keys: Optional[Sequence[Optional[bytes]]] = None, *, partition: int = -1,
        timestamp: int = 0,
    ) -> None:
        """Sends many records of a topic at a fraction of the cost, and waits until all are stored.
        If some are not, the first failure is raised when all were told of."""
        if keys is not None and len(keys) != len(values):
            raise failure(
                Status.INVALID, "PUBSUBGW_E_INVALID",
                f"{len(keys)} keys for {len(values)} values")
        if not values:
            return
        token = next(self._tokens)
        waiting = _Waiting(asyncio.get_running_loop().create_future(), len(values))
        self._records[token] = waiting
        taken = 0
        try:
            for start in range(0, len(values), _CHUNK):
                part = values[start:start + _CHUNK]
                rows = _Rows(
                    topic, part, keys and keys[start:start + _CHUNK], partition, timestamp, token)
                while rows.left:
                    taken += await self._take(rows)
        except BaseException:
            # Nobody waits any more; what was taken is still told of.
            waiting.future.cancel()
            waiting.left -= len(values) - taken
            if waiting.left == 0:
                del self._records[token]
            raise
        await waiting.future

    async def _take(self, rows: "_Rows") -> int:
        """Hands rows over, as there is room; answers how many."""
        try:
            taken = check(lib.pubsubgw_produce_batch(self._live(), rows.address, rows.left))
        except FullError:
            await self._has_room()
            return 0
        rows.skip(taken)
        return taken

    async def _has_room(self) -> None:
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._room)

    async def flush(self) -> None:
        """Sends at once what waits for more, and waits until all of it is told of."""
        await self._step(lib.pubsubgw_flush)

    # Transactions ------------------------------------------------------------------------------

    def transaction(self) -> "Transaction":
        """`async with producer.transaction():` commits at the end, and aborts after an exception.
        Needs the setting transactional_id."""
        return Transaction(self)

    async def _step(self, function: Callable[[int, int], int]) -> None:
        token = next(self._tokens)
        future: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()
        self._steps[token] = future
        try:
            check(function(self._live(), token))
        except BaseException:
            del self._steps[token]
            raise
        await future

    # Events ------------------------------------------------------------------------------------

    def _receive(self, raw: RawEvent, address: int) -> None:
        kind = raw[0]
        if kind == EventType.DELIVERY:
            self._delivered(raw)
        elif kind == EventType.ROOM:
            room, self._room = self._room, None
            if room is not None and not room.done():
                room.set_result(None)
        else:
            future = self._steps.pop(raw[3], None)
            if future is None or future.done():
                return
            if raw[1] < 0:
                future.set_exception(_failure(raw, data_of(raw).decode(errors="replace")))
            else:
                future.set_result(None)

    def _delivered(self, raw: RawEvent) -> None:
        if not raw[5]:
            return
        (_, partition, topic, offset, timestamp, tokens, count, text) = DELIVERY.unpack(
            ctypes.string_at(raw[5], DELIVERY.size))
        told = array("Q", ctypes.string_at(tokens, 8 * count))
        error = None if raw[1] >= 0 else _failure(
            raw, ctypes.string_at(text).decode(errors="replace"))
        name = ctypes.string_at(topic).decode(errors="replace")
        first = told[0]
        if told.count(first) == count:
            return self._tell(first, count, error, lambda: Delivered(
                name, partition, offset, timestamp))
        for token, times in Counter(told).items():
            self._tell(token, times, error, lambda: Delivered(
                name, partition, offset + told.index(token) if offset >= 0 else -1, timestamp))

    def _tell(
        self, token: int, count: int, error: Optional[Error], place: Callable[[], Delivered],
    ) -> None:
        waiting = self._records.get(token)
        if waiting is None:
            return
        waiting.left -= count
        waiting.failure = waiting.failure or error
        if waiting.left > 0:
            return
        del self._records[token]
        if waiting.future.done():
            return
        if waiting.failure is not None:
            waiting.future.set_exception(waiting.failure)
        else:
            waiting.future.set_result(place())

    # Life --------------------------------------------------------------------------------------

    def close(self) -> None:
        """Ends it. What was taken is still sent; who waits gets a `GoneError`: flush first."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        self._queue.remove_receiver(self._user_data)
        lib.pubsubgw_producer_destroy(handle)
        waiting: "List[asyncio.Future[Any]]" = [one.future for one in self._records.values()]
        waiting += self._steps.values()
        waiting += [self._room] if self._room is not None else []
        for future in waiting:
            if not future.done() and not future.get_loop().is_closed():
                future.set_exception(self._gone())
                # Nobody may be there to take it.
                future.exception()
        self._records.clear()
        self._steps.clear()

    def _live(self) -> int:
        if self._handle is None:
            raise self._gone()
        return self._handle

    @staticmethod
    def _gone() -> Exception:
        return failure(Status.GONE, "PUBSUBGW_E_GONE", "the producer was closed")

    def __del__(self) -> None:
        if self.__dict__.get("_handle") is not None:
            self.close()

    def __enter__(self) -> "Producer":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    async def __aenter__(self) -> "Producer":
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        try:
            if kind is None:
                await self.flush()
        finally:
            self.close()


class Transaction:
    """A transaction from `async with` to its end."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def __aenter__(self) -> Producer:
        await self._producer._step(lib.pubsubgw_transaction_begin)
        return self._producer

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if kind is not None:
            await self._abort()
            return
        try:
            await self._producer._step(lib.pubsubgw_transaction_commit)
        except Error as failed:
            if getattr(failed, "must_abort", False):
                await self._abort()
            raise

    async def _abort(self) -> None:
        try:
            await self._producer._step(lib.pubsubgw_transaction_abort)
        except Error:
            # What it was aborted for is the news.
            pass


# Arguments -------------------------------------------------------------------------------------


def _failure(raw: RawEvent, text: str) -> Error:
    error = failure(raw[1], lib.pubsubgw_error_name(raw[1]).decode(), text)
    error.may_be_stored = bool(raw[8] & _MAY_BE_STORED)
    error.must_abort = bool(raw[8] & _MUST_ABORT)
    error.is_fatal = bool(raw[8] & _FATAL)
    return error


def _address(of: Any) -> int:
    return ctypes.cast(of, ctypes.c_void_p).value or 0


def _bytes(value: Optional[bytes]) -> Tuple[int, int]:
    """Address and length; the bytes live as long as the caller's."""
    if value is None:
        return 0, 0
    return _address(ctypes.c_char_p(value)), len(value)


def _headers(headers: Optional[HeaderList]) -> "Tuple[List[Any], Any]":
    """What the array points to, and the array."""
    if not headers:
        return [], None
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    parts: List[Any] = []
    packed = bytearray()
    for name, value in pairs:
        encoded = ctypes.c_char_p(name.encode())
        parts.append((encoded, value))
        packed += HEADER.pack(_address(encoded), *_bytes(value))
    return parts, ctypes.create_string_buffer(bytes(packed), len(packed))


class _Rows:
    """Records of a batch as the library takes them, a row for each, and what these point to. The
    columns are filled at once: a call for each record would cost more than what the library does."""

    def __init__(
        self, topic: str, values: Sequence[Optional[bytes]],
        keys: Optional[Sequence[Optional[bytes]]], partition: int, timestamp: int, token: int,
    ) -> None:
        name = ctypes.c_char_p(topic.encode())
        row = PRODUCE_ARGS.pack(
            PRODUCE_ARGS.size, partition, _address(name), 0, 0, 0, 0, 0, 0, timestamp, token)
        rows = bytearray(row * len(values))
        self._held = [name]
        with memoryview(rows) as view, view.cast("Q") as words:
            self._held.append(_column(words, 4, values))
            if keys is not None:
                self._held.append(_column(words, 2, keys))
        self._rows = (ctypes.c_char * len(rows)).from_buffer(rows)
        self.address = ctypes.addressof(self._rows)
        self.left = len(values)

    def skip(self, count: int) -> None:
        self.address += count * PRODUCE_ARGS.size
        self.left -= count


def _column(words: memoryview, at: int, parts: Sequence[Optional[bytes]]) -> Any:
    """Addresses and lengths of the parts, one behind the other in a copy."""
    joined = ctypes.c_char_p(b"".join(part or b"" for part in parts) or b"\0")
    start = _address(joined)
    if None in parts:
        for row, part in enumerate(parts):
            words[row * _WORDS + at] = 0 if part is None else start
            words[row * _WORDS + at + 1] = len(part or b"")
            start += len(part or b"")
        return joined
    lengths = array("Q", map(len, parts))  # type: ignore[arg-type]
    starts = array("Q", itertools.accumulate(itertools.chain((start,), lengths[:-1])))
    words[at::_WORDS] = memoryview(starts)
    words[at + 1::_WORDS] = memoryview(lengths)
    return joined
