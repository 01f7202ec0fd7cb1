"""Tornado servers.

    class Kafka(tornado.web.RequestHandler):
        async def get(self):
            await pubsubgw.tornado.hand_over(self, gateway)

A plain connection goes to the library, socket and all: from then on no byte of that client passes
through Python. A TLS connection stays Python's, which carries its bytes to and fro.
"""

from __future__ import annotations

import asyncio
from typing import Any, Optional

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.web import RequestHandler

from ._errors import GoneError, StateError
from ._gateway import Gateway
from ._http import UNAVAILABLE, adopt, request_head
from ._sessions import LINGER_SECONDS, Closed, OnClosed, lingers

_CHUNK = 65536


async def hand_over(handler: RequestHandler, gateway: Gateway, **options: Any) -> None:
    """Gives the client to the library, which answers the upgrade, or refuses it. `options`: route,
    policy, closed, ... as of `Gateway.adopt`. The handler has to return without writing."""
    request = handler.request
    headers = [(name.encode("latin-1"), value.encode("latin-1"))
               for name, value in request.headers.get_all()]
    head = request_head(
        request.method or "GET", request.uri or "/", request.version, headers)
    options.update(request_head=head, remote_addr=request.remote_ip)
    stream = handler.detach()
    try:
        if isinstance(stream, SSLIOStream):
            await _Carrier(stream, gateway, **options).run()
        else:
            preread = _preread(stream)
            if not stream.closed():
                adopt(gateway, stream.socket.fileno(), dup=True, preread=preread, **options)
    except StateError:
        # Shutting down, most likely. The handler has no connection any more to answer on.
        await stream.write(UNAVAILABLE)
    except (ConnectionResetError, StreamClosedError):
        pass  # the client has gone
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
        if chunk.exception() is not None:
            return taken
        taken += chunk.result()


class _Carrier:
    """Carries the bytes of a session over a stream, with back-pressure both ways."""

    def __init__(
        self, stream: IOStream, gateway: Gateway, *, closed: Optional[OnClosed] = None,
        **options: Any,
    ) -> None:
        self._stream = stream
        self._on_closed = closed
        self._closed: "asyncio.Future[Closed]" = asyncio.get_running_loop().create_future()
        self._may_feed = asyncio.Event()
        self._has_output = asyncio.Event()
        self._session = gateway.open_bytes(
            output=self._has_output.set, resume=self._may_feed.set,
            closed=self._closed.set_result, **options)

    async def run(self) -> None:
        tasks = [asyncio.ensure_future(self._read()), asyncio.ensure_future(self._write())]
        try:
            closed = await self._closed
            if lingers(closed):
                self._may_feed.set()
                await asyncio.wait(tasks[:1], timeout=LINGER_SECONDS)
            if self._on_closed is not None:
                self._on_closed(closed)
        finally:
            if not self._closed.done():
                self._session.forget()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        try:
            while True:
                data = await self._stream.read_bytes(_CHUNK, partial=True)
                self._may_feed.clear()
                if not self._feed(data):
                    await self._may_feed.wait()
        except StreamClosedError:
            self._lose()

    def _feed(self, data: bytes) -> bool:
        try:
            return self._closed.done() or self._session.feed(data)
        except GoneError:
            return True     # it has just ended: `_closed` is about to be told

    async def _write(self) -> None:
        try:
            while True:
                await self._has_output.wait()
                self._has_output.clear()
                while data := self._session.output():
                    await self._stream.write(data)
                    if not self._session.consume(len(data)):
                        break
        except StreamClosedError:
            self._lose()
        except GoneError:
            pass

    def _lose(self) -> None:
        try:
            self._session.feed(b"")
        except GoneError:
            pass
