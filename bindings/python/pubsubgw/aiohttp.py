"""aiohttp servers, with asyncio's loop or uvloop.

    app.router.add_get("/kafka", pubsubgw.aiohttp.handler(gateway))
    pubsubgw.aiohttp.setup(app, gateway)

A plain connection goes to the library, socket and all: from then on no byte of that client passes
through Python. A TLS connection stays Python's, which carries its bytes to and fro.
"""

from __future__ import annotations

import asyncio
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, Optional

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from . import transports
from ._errors import StateError
from ._gateway import Gateway
from ._http import asks_for_websocket, request_head
from ._sessions import Closed


class Detached(web.StreamResponse):
    """The response to a request whose connection is the library's now: writes nothing."""

    def __init__(self, status: int = 101) -> None:
        super().__init__(status=status)

    async def prepare(self, request: web.BaseRequest) -> Optional[AbstractStreamWriter]:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        pass


class _Tail:
    """Takes what the server read behind the request, as a parser of the upgraded protocol does."""

    def __init__(self) -> None:
        self.bytes = b""

    def feed_data(self, data: bytes) -> "tuple[bool, bytes]":
        self.bytes += data
        return False, b""

    def feed_eof(self) -> None:
        pass


def handler(
    gateway: Gateway, **options: Any,
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A request handler that hands every request over; `options` as of `hand_over`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await hand_over(request, gateway, **options)

    return handle


async def hand_over(request: web.Request, gateway: Gateway, **options: Any) -> web.StreamResponse:
    """Gives the client to the library, which answers the upgrade, or refuses it. `options`: route,
    policy, closed, ... as of `Gateway.adopt`. Return its result from the handler."""
    transport = request.transport
    if transport is None or transport.is_closing():
        return Detached()
    if not asks_for_websocket(request.headers.get("Upgrade", "")):
        raise web.HTTPUpgradeRequired(headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    is_tls = transport.get_extra_info("ssl_object") is not None
    if transport.get_write_buffer_size() and not is_tls:
        # The end of an earlier response on this connection: it goes first.
        transport.set_write_buffer_limits(0)
        await request.writer.drain()
    tail = _Tail()
    transport.pause_reading()
    request.protocol.set_parser(tail)  # type: ignore[arg-type]
    version = "HTTP/{0.major}.{0.minor}".format(request.version)
    head = request_head(request.method, request.raw_path, version, request.raw_headers)
    options.update(request_head=head, preread=tail.bytes, remote_addr=request.remote)
    try:
        if is_tls:
            # For the server's access log: what the library answered.
            return Detached((await _carry(transport, gateway, options)).http_status or 101)
        transports.hand_over(transport, gateway, **options)
    except ConnectionResetError:
        transport.abort()
    except StateError as error:
        # Shutting down, most likely.
        unavailable = web.HTTPServiceUnavailable()
        unavailable.force_close()
        raise unavailable from error
    return Detached()


async def _carry(
    transport: asyncio.Transport, gateway: Gateway, options: Dict[str, Any],
) -> Closed:
    """Serves until the session ends. Then the server closes the connection, as it is its own."""
    protocol = transports.BytesProtocol(transport, gateway, **options)
    try:
        return await protocol.closed
    finally:
        protocol.give_back()


def setup(
    app: web.Application, gateway: Gateway, *, code: int = 1001, timeout: float = 30.0,
) -> None:
    """Starts the gateway with the application. When that shuts down, closes the sessions with
    `code` and waits for them up to `timeout` seconds, before the server ends what it has left."""

    async def running(_: web.Application) -> AsyncIterator[None]:
        async with gateway.running(code, timeout):
            yield

    async def shut_down(_: web.Application) -> None:
        await gateway.shutdown(code, timeout)

    app.cleanup_ctx.append(running)
    app.on_shutdown.append(shut_down)
