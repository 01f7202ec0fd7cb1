"""Clients of asyncio's transports, and of uvloop's."""

from __future__ import annotations

import asyncio
from typing import Any

from ._gateway import Gateway
from ._sessions import Session


def hand_over(transport: asyncio.Transport, gateway: Gateway, **options: Any) -> Session:
    """Gives a plain (not TLS) connection to the library, as `Gateway.adopt` does with `options`,
    and ends the transport without a word to the client. What the transport had still to write must
    be written before; what it has read goes into `preread`. If the library refuses, the transport
    is as it was."""
    socket = transport.get_extra_info("socket")
    was_reading = transport.is_reading()
    if was_reading:
        transport.pause_reading()
    try:
        session = gateway.adopt(socket.fileno(), dup=True, **options)
    except BaseException:
        if was_reading:
            transport.resume_reading()
        raise
    # abort() takes the descriptor out of the loop and closes it. close() would do so later, and a
    # shutdown would hit the library's duplicate too.
    transport.abort()
    return session
