"""Records as the direct client reads them."""

from __future__ import annotations

import ctypes
from typing import Iterator, List, NamedTuple, Optional, Tuple

from ._library import lib
from ._structs import HEADER, RECORD

_APPEND_TIME = 1

Headers = Tuple[Tuple[str, Optional[bytes]], ...]


class Record(NamedTuple):
    """One record. key, value: None is Kafka's null. timestamp: milliseconds, -1 if it has none;
    append_time: it is the broker's, not the producer's. headers in the record's order; a name may
    occur more than once."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: Optional[bytes]
    value: Optional[bytes]
    headers: Headers
    append_time: bool


def records_of(topic: str, event: int, count: int) -> Iterator[Record]:
    """The records of the event at an address, each made when it is asked for. They are copies; the
    event's own are valid until the next poll."""
    string_at, unpack, size, get = ctypes.string_at, RECORD.unpack, RECORD.size, \
        lib.pubsubgw_event_record
    for index in range(count):
        (_, partition, _, offset, timestamp, key, key_length, value, value_length, headers,
         header_count, flags) = unpack(string_at(get(event, index), size))
        yield Record(
            topic, partition, offset, timestamp,
            string_at(key, key_length) if key else None,
            string_at(value, value_length) if value else None,
            _headers(headers, header_count) if header_count else (), bool(flags & _APPEND_TIME))


def _headers(address: int, count: int) -> Headers:
    found: List[Tuple[str, Optional[bytes]]] = []
    for name, value, length in HEADER.iter_unpack(ctypes.string_at(address, count * HEADER.size)):
        found.append((
            ctypes.string_at(name).decode(errors="replace"),
            ctypes.string_at(value, length) if value else None))
    return tuple(found)
