"""What every server's client needs to be handed over."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any, Iterable, Tuple

from ._errors import InvalidError
from ._gateway import Gateway
from ._sessions import Session


def request_head(
    method: str, target: str, version: str, headers: Iterable[Tuple[bytes, bytes]],
) -> bytes:
    """The head of a request, written again from what a server has parsed: the library checks
    path, version, key, Origin, sub-protocols and extensions by itself. `target` as it was sent;
    `version` as "HTTP/1.1"."""
    lines = [f"{method} {target} {version}".encode("utf-8", "surrogateescape")]
    lines += [name + b": " + value for name, value in headers]
    # A folded value must not become lines of their own.
    return b"".join(line.translate(_BLANKS) + b"\r\n" for line in lines) + b"\r\n"


def asks_for_websocket(upgrade: str) -> bool:
    """Whether the list in the header Upgrade names it; all else is the library's to judge."""
    return "websocket" in (name.strip().lower() for name in upgrade.split(","))


UNAVAILABLE = (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
               b"Connection: close\r\n\r\n")
_BLANKS = bytes(32 if byte in (10, 13) else byte for byte in range(256))


def adopt(gateway: Gateway, fd: int, **options: Any) -> Session:
    """`Gateway.adopt`; a client that has gone already is a ConnectionResetError."""
    try:
        return gateway.adopt(fd, **options)
    except InvalidError:
        if is_connected(fd):
            raise
        raise ConnectionResetError(errno.ECONNRESET, "the client has gone") from None


def is_connected(fd: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(fd)) as duplicate:
            duplicate.getpeername()
    except OSError:
        return False
    return True
