"""Statuses of the library, and the exceptions that carry them."""

from __future__ import annotations

import enum
from typing import Dict, Type


class Status(enum.IntEnum):
    """PUBSUBGW_E_*. The numbers never change."""

    OK = 0
    INVALID = -1
    NOMEM = -2
    GONE = -3
    FORKED = -4
    SYSTEM = -5
    FULL = -6
    STATE = -7
    CONFIG = -8
    NO_ROUTE = -9
    TIMEOUT = -10
    PROTOCOL = -11
    TLS = -12
    AUTH = -13
    UNSUPPORTED = -14
    KAFKA = -1000


class Error(Exception):
    """What the library refused or could not do. Each status has a class of its own below.

    code: the status as a number (a `Status`, or -1000 - n for Kafka's error n)
    name: its name, "PUBSUBGW_E_CONFIG" or "OFFSET_OUT_OF_RANGE"
    text: what and where, in the library's words
    next_offset: of records that cannot be read, the offset to go on at; -1: not known, or another
        matter
    may_be_stored, must_abort, is_fatal: of a producer's failures: a request was sent, and nobody has
        told; the transaction can only be aborted; another producer is needed
    """

    next_offset = -1
    may_be_stored = False
    must_abort = False
    is_fatal = False

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(f"{text} ({name})")
        self.code = code
        self.name = name
        self.text = text


class InvalidError(Error, ValueError):
    """An argument is malformed."""


class OutOfMemoryError(Error, MemoryError):
    """Memory is exhausted."""


class GoneError(Error):
    """The handle, session or request has ended."""


class ForkedError(Error):
    """Used in a child of the process that started the gateway: fork first, then start."""


class SystemCallError(Error):
    """A system call failed; the text names it and the reason."""


class FullError(Error):
    """A buffer or a limit does not allow it now; later it may."""


class StateError(Error):
    """Not now: the gateway is not started, is draining, or has stopped."""


class ConfigError(Error, ValueError):
    """JSON is wrong; the text gives key, line and column."""


class NoRouteError(Error, LookupError):
    """No route has this id, or none matches host and path."""


class TimedOutError(Error):
    """Not finished in the given time."""


class ProtocolError(Error):
    """A peer broke a protocol."""


class TLSError(Error):
    """TLS to a broker failed."""


class AuthError(Error):
    """A broker refused the credentials."""


class RefusedError(Error):
    """A client that is not let in. `http_status`: what to answer its upgrade with; the text is a line
    for the body."""

    def __init__(self, http_status: int, text: str) -> None:
        super().__init__(http_status, "refused", text)
        self.http_status = http_status


class UnsupportedError(Error, NotImplementedError):
    """This version of the library cannot do that."""


class KafkaError(Error):
    """A broker answered with an error. `kafka_code`: its number in the Kafka protocol.

    high_watermark, log_start_offset: of an OFFSET_OUT_OF_RANGE the ends of the log, -1 if not
    known."""

    high_watermark = -1
    log_start_offset = -1

    @property
    def kafka_code(self) -> int:
        return Status.KAFKA - self.code


_CLASSES: Dict[int, Type[Error]] = {
    Status.INVALID: InvalidError,
    Status.NOMEM: OutOfMemoryError,
    Status.GONE: GoneError,
    Status.FORKED: ForkedError,
    Status.SYSTEM: SystemCallError,
    Status.FULL: FullError,
    Status.STATE: StateError,
    Status.CONFIG: ConfigError,
    Status.NO_ROUTE: NoRouteError,
    Status.TIMEOUT: TimedOutError,
    Status.PROTOCOL: ProtocolError,
    Status.TLS: TLSError,
    Status.AUTH: AuthError,
    Status.UNSUPPORTED: UnsupportedError,
}


def failure(code: int, name: str, text: str) -> Error:
    """The exception for a status, of its own class."""
    return (KafkaError if code <= Status.KAFKA else _CLASSES.get(code, Error))(code, name, text)


class LoadError(ImportError):
    """The shared library was not found, or is of another version than this binding."""
