"""The head of a request, written again from what a server has parsed."""

from __future__ import annotations

from typing import Iterable, Tuple


def request_head(method: str, target: str, headers: Iterable[Tuple[bytes, bytes]]) -> bytes:
    """The library checks version, key, Origin, sub-protocols and extensions by itself, and so
    sees the request as the client sent it."""
    lines = [f"{method} {target} HTTP/1.1".encode("utf-8", "surrogateescape")]
    lines += [name + b": " + value for name, value in headers]
    # A folded value must not become lines of their own.
    return b"".join(line.translate(_BLANKS) + b"\r\n" for line in lines) + b"\r\n"


UNAVAILABLE = (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
               b"Connection: close\r\n\r\n")
_BLANKS = bytes(32 if byte in (10, 13) else byte for byte in range(256))
