"""Statuses of the library, and the exception that carries one."""

from __future__ import annotations

import enum


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
    """A call that the library refused.

    code: the status as a number (a `Status`, or -1000 - n for Kafka's error n)
    name: its name, "PUBSUBGW_E_CONFIG" or "OFFSET_OUT_OF_RANGE"
    text: what and where, from pubsubgw_last_error()
    """

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(f"{text} ({name})")
        self.code = code
        self.name = name
        self.text = text


class ForkedError(Error):
    """Used in a child of the process that started the gateway: fork first, then start."""
