"""Tornado servers.

    class Kafka(tornado.web.RequestHandler):
        async def get(self):
            await pubsubgw.tornado.hand_over(self, gateway)
"""

from __future__ import annotations

import asyncio
from typing import Any

from tornado.iostream import IOStream, SSLIOStream
from tornado.web import RequestHandler

from ._errors import Status, failure
from ._gateway import Gateway
from ._http import request_head
from ._sessions import Session

_CHUNK = 65536


async def hand_over(handler: RequestHandler, gateway: Gateway, **options: Any) -> Session:
    """Gives a plain connection to the library, socket and all, which answers the upgrade, or
    refuses it. `options`: route, policy, closed, ... as of `Gateway.adopt`. The handler has to
    return without writing."""
    request = handler.request
    if isinstance(request.connection.stream, SSLIOStream):  # type: ignore[union-attr]
        raise failure(
            Status.UNSUPPORTED, "PUBSUBGW_E_UNSUPPORTED", "a TLS connection cannot be handed over")
    headers = [(name.encode("latin-1"), value.encode("latin-1"))
               for name, value in request.headers.get_all()]
    head = request_head(request.method or "GET", request.uri or "/", headers)
    stream = handler.detach()
    try:
        return gateway.adopt(
            stream.socket.fileno(), dup=True, request_head=head, preread=_preread(stream),
            remote_addr=request.remote_ip, **options)
    finally:
        # It does not shut the connection down: that would hit the library's duplicate too.
        stream.close()


def _preread(stream: IOStream) -> bytes:
    """What the stream has read behind the request, and what can be read at once."""
    taken = b""
    while True:
        chunk = asyncio.ensure_future(stream.read_bytes(_CHUNK, partial=True))
        if not chunk.done():
            # Closing the stream fails it; nobody waits for that.
            chunk.add_done_callback(lambda done: done.exception())
            return taken
        taken += chunk.result()
