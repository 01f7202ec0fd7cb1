"""The direct Kafka client, on asyncio."""

from __future__ import annotations

import asyncio
import ctypes
import enum
import itertools
import json
from types import TracebackType
from typing import (
    TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence,
    Type, Union)

from ._errors import KafkaError, Status, failure
from ._events import EventType, Queue, RawEvent, data_of
from ._library import check, lib
from ._producer import Delivered, HeaderList, Producer
from ._readable import Readable
from ._records import Record, records_of
from ._structs import FetchStruct, SubscribeStruct
from ._text import milliseconds

if TYPE_CHECKING:
    from ._gateway import Gateway

_LAST = 2
_OFFSET_OUT_OF_RANGE = Status.KAFKA - 1
# Events of a subscription that are taken at once: the rest waits where it holds reading back.
_TAKEN_MAX = 4


class Isolation(enum.IntEnum):
    """Which records of transactions are seen. DEFAULT: the configuration's."""

    DEFAULT = 0
    READ_UNCOMMITTED = 1
    READ_COMMITTED = 2


class Fetched(NamedTuple):
    """What a fetch found. next_offset: where to go on; high_watermark: offset behind the last
    replicated record, -1 if not known."""

    records: List[Record]
    next_offset: int
    high_watermark: int


class ListedOffset(NamedTuple):
    """offset: -1 if there is none; timestamp: of its record, in milliseconds, -1 if not asked for
    or not known."""

    offset: int
    timestamp: int


def _new(
    gateway: "Gateway", config: Mapping[str, Any], queue: Queue, user_data: int,
) -> int:
    handle = ctypes.c_void_p()
    check(lib.pubsubgw_client_new(
        gateway._live(), json.dumps(config).encode(), queue._live(), user_data,
        ctypes.byref(handle)))
    return handle.value or 0


def _failure_of(raw: RawEvent) -> Exception:
    error = failure(
        raw[1], lib.pubsubgw_error_name(raw[1]).decode(), data_of(raw).decode(errors="replace"))
    if raw[0] != EventType.RECORDS:
        return error
    if isinstance(error, KafkaError) and raw[1] == _OFFSET_OUT_OF_RANGE:
        error.high_watermark, error.log_start_offset = raw[9], raw[10]
    else:
        error.next_offset = raw[10]
    return error


class Client:
    """Reads and writes Kafka for the host itself, on the gateway's connections and cache. Made by
    `Gateway.client()`, for one asyncio loop; a context manager.

    A task that is cancelled cancels its request."""

    def __init__(self, gateway: "Gateway", config: Mapping[str, Any]) -> None:
        self._gateway = gateway
        self._config = config
        self._queue = gateway.attach()
        self._user_data = self._queue.add_receiver(self._receive)
        self._pending: "Dict[int, tuple[asyncio.Future[Any], str]]" = {}
        self._tokens = itertools.count(1)
        self._producer: Optional[Producer] = None
        try:
            self._handle: Optional[int] = _new(gateway, config, self._queue, self._user_data)
        except BaseException:
            self._queue.remove_receiver(self._user_data)
            raise

    async def fetch(
        self, topic: str, partition: int, offset: int, *, max_bytes: int = 0, min_bytes: int = 0,
        max_wait: float = 0.0, isolation: Isolation = Isolation.DEFAULT,
    ) -> Fetched:
        """The records at `offset` and behind it (-1: the end of the log, -2: its beginning), as
        many as `max_bytes` allow (0: the configuration's default), but at least one if there is
        one. max_wait: seconds to wait until there are `min_bytes` of them; 0: answers at once."""
        arguments = FetchStruct(
            struct_size=ctypes.sizeof(FetchStruct), partition=partition, topic=topic.encode(),
            offset=offset, max_bytes=max_bytes, min_bytes=min_bytes,
            max_wait_ms=milliseconds(max_wait), isolation=isolation)
        found: Fetched = await self._ask(
            lambda token: lib.pubsubgw_fetch(self._live(), ctypes.byref(arguments), token), topic)
        return found

    async def list_offset(self, topic: str, partition: int, timestamp: int) -> ListedOffset:
        """The first offset with that timestamp (milliseconds) or a later one; -1: the end of the
        log; -2: its beginning; -3: the record with the greatest timestamp."""
        found: ListedOffset = await self._ask(lambda token: lib.pubsubgw_list_offset(
            self._live(), topic.encode(), partition, timestamp, token))
        return found

    async def metadata(self, topic: Optional[str] = None) -> Dict[str, Any]:
        """Topics and partitions, of one topic or of all, as pubsubgw.h describes the JSON."""
        name = None if topic is None else topic.encode()
        found: Dict[str, Any] = await self._ask(
            lambda token: lib.pubsubgw_metadata(self._live(), name, token))
        return found

    def subscribe(
        self, topic: str, partition: int, start: Union[int, str] = "latest", *,
        timestamp: Optional[int] = None, isolation: Isolation = Isolation.DEFAULT,
        max_bytes: Optional[int] = None, queue_bytes: Optional[int] = None,
    ) -> "Subscription":
        """The records of a partition as they come: `async for record in client.subscribe(...)`.

        start: an offset, "earliest" or "latest"; timestamp: in its place the first record with
        that time (milliseconds) or a later one. queue_bytes: reading pauses while more than that
        waits to be iterated over (1 MiB)."""
        self._live()
        return Subscription(
            self._gateway, self._config, topic, partition, start, timestamp, isolation,
            {key: value for key, value in (
                ("max_bytes", max_bytes), ("queue_bytes", queue_bytes)) if value is not None})

    def producer(self, settings: Optional[Mapping[str, Any]] = None, **more: Any) -> Producer:
        """Sends records to the same brokers. The settings are Kafka's, as pubsubgw.h lists them:
        `client.producer(linger_ms=5, compression_type="lz4")`, or {"linger.ms": 5}."""
        return Producer(self, {**(settings or {}), **more})

    async def produce(
        self, topic: str, value: Optional[bytes] = None, key: Optional[bytes] = None, *,
        partition: int = -1, headers: Optional[HeaderList] = None, timestamp: int = 0,
    ) -> Delivered:
        """`Producer.produce` of a producer with the default settings, the client's own."""
        return await self._default_producer().produce(
            topic, value, key, partition=partition, headers=headers, timestamp=timestamp)

    async def produce_batch(
        self, topic: str, values: Sequence[Optional[bytes]],
        keys: Optional[Sequence[Optional[bytes]]] = None, *, partition: int = -1,
        timestamp: int = 0,
    ) -> None:
        """`Producer.produce_batch`, likewise."""
        await self._default_producer().produce_batch(
            topic, values, keys, partition=partition, timestamp=timestamp)

    def _default_producer(self) -> Producer:
        if self._producer is None:
            self._producer = self.producer()
        return self._producer

    async def _ask(self, begin: Callable[[int], int], topic: str = "") -> Any:
        token = next(self._tokens)
        future: "asyncio.Future[Any]" = asyncio.get_running_loop().create_future()
        self._pending[token] = (future, topic)
        try:
            check(begin(token))
            return await future
        except asyncio.CancelledError:
            if self._handle is not None:
                lib.pubsubgw_cancel(self._handle, token)
            raise
        finally:
            self._pending.pop(token, None)

    def _receive(self, raw: RawEvent, address: int) -> None:
        future, topic = self._pending.get(raw[3], (None, ""))
        if future is None or future.done():
            return
        if raw[1] < 0:
            future.set_exception(_failure_of(raw))
        elif raw[0] == EventType.RECORDS:
            future.set_result(Fetched(list(records_of(topic, address, raw[6])), raw[10], raw[9]))
        elif raw[0] == EventType.OFFSET:
            future.set_result(ListedOffset(raw[9], raw[10]))
        elif raw[0] == EventType.METADATA:
            future.set_result(json.loads(data_of(raw)))

    def close(self) -> None:
        """Ends it, and the producer of `produce`; requests that wait fail with `GoneError`. Its
        subscriptions and other producers live on."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close()
        handle, self._handle = self._handle, None
        if handle is not None:
            self._queue.remove_receiver(self._user_data)
            lib.pubsubgw_client_destroy(handle)
        for future, _ in self._pending.values():
            if not future.done():
                future.set_exception(self._gone())

    def _live(self) -> int:
        if self._handle is None:
            raise self._gone()
        return self._handle

    @staticmethod
    def _gone() -> Exception:
        return failure(Status.GONE, "PUBSUBGW_E_GONE", "the client was closed")

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


_STARTS = {"earliest": 1, "latest": 2}


class Subscription:
    """The records of a partition, one after another, without an end. An asynchronous iterator, and
    a context manager. It has a queue of its own, which is polled when records are asked for: who
    iterates slowly is read for slowly."""

    def __init__(
        self, gateway: "Gateway", config: Mapping[str, Any], topic: str, partition: int,
        start: Union[int, str], timestamp: Optional[int], isolation: Isolation,
        options: Dict[str, int],
    ) -> None:
        self._handle: Optional[int] = None
        if isinstance(start, str) and start not in _STARTS:
            raise failure(
                Status.INVALID, "PUBSUBGW_E_INVALID", f"{start!r} is no place to start at")
        self.topic = topic
        self.partition = partition
        #: Offset behind the last replicated record; -1: not known freshly.
        self.high_watermark = -1
        self._failure: Optional[Exception] = None
        self._records: Iterator[Record] = iter(())
        self._queue = gateway.queue()
        self._readable = Readable(self._queue)
        arguments = SubscribeStruct(
            struct_size=ctypes.sizeof(SubscribeStruct), partition=partition, topic=topic.encode(),
            offset=start if isinstance(start, int) else 0, timestamp=timestamp or 0,
            start=3 if timestamp is not None else
            0 if isinstance(start, int) else _STARTS[start],
            isolation=isolation, options_json=json.dumps(options).encode() if options else None)
        try:
            self._handle = _new(gateway, config, self._queue, 0)
            check(lib.pubsubgw_subscribe(self._handle, ctypes.byref(arguments), 1))
        except BaseException:
            self.close()
            raise

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Record:
        while True:
            for record in self._records:
                return record
            if self._failure is not None:
                raise self._failure
            if self._handle is None:
                raise StopAsyncIteration
            taken = self._queue.poll_raw(_TAKEN_MAX)
            if taken:
                self._records = self._take(taken)
            else:
                await self._readable.wait()

    def _take(self, taken: "List[tuple[RawEvent, int]]") -> Iterator[Record]:
        """The records of what was polled, each copied when it is asked for."""
        for raw, _ in taken:
            if raw[1] < 0:
                self._failure = _failure_of(raw)
            elif raw[0] == EventType.RECORDS:
                self.high_watermark = raw[9]
        return itertools.chain.from_iterable(
            records_of(self.topic, address, raw[6]) for raw, address in taken
            if raw[0] == EventType.RECORDS and raw[1] >= 0)

    def close(self) -> None:
        """Ends it. What was not iterated over is gone."""
        self._records = iter(())
        self._readable.stop()
        handle, self._handle = self._handle, None
        if handle is not None:
            lib.pubsubgw_client_destroy(handle)
        self._queue.close()

    def __del__(self) -> None:
        if self.__dict__.get("_handle") is not None:
            self.close()

    async def __aenter__(self) -> "Subscription":
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
