"""ASGI applications, under any server that speaks WebSocket: uvicorn, hypercorn, ...

    app = pubsubgw.asgi.App(gateway, route="kafka")

An application by itself, or mounted in a framework: Starlette's `app.mount("/kafka", ...)`. It
answers WebSocket connections, and runs the gateway as long as the server runs where it gets the
lifespan events; a framework that keeps them to itself has to do `async with gateway.running():`.
The server owns socket, TLS and WebSocket, and the library sees whole messages.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Awaitable, Callable, Dict, MutableMapping, Optional, Sequence
from urllib.parse import quote, urlsplit

from ._errors import Error
from ._events import log
from ._gateway import Gateway
from .messages import Messages, choose_subprotocol

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_PORTS = {"http": 80, "https": 443}
# Codes that are told and never sent (RFC 6455 section 7.4.1).
_UNSENDABLE = (0, 1005, 1006, 1015)


class App:
    """origins: pages that may connect, as "https://example.com"; "*" for all; None: only those of
    the host that is asked (a browser sends cookies along whoever's page it is).
    route, policy: as of `Gateway.adopt`; without a route the path decides."""

    def __init__(
        self, gateway: Gateway, *, route: Optional[str] = None, policy: Any = None,
        origins: Optional[Sequence[str]] = None, code: int = 1001, timeout: float = 30.0,
    ) -> None:
        self._gateway = gateway
        self._route = route
        self._policy = policy
        self._origins = origins
        self._end = (code, timeout)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await _refuse_http(send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            self._gateway.start()
            self._gateway.attach()
        except Error as error:
            return await send({"type": "lifespan.startup.failed", "message": str(error)})
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._gateway.shutdown(*self._end)
        await send({"type": "lifespan.shutdown.complete"})

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1")
                   for name, value in scope["headers"]}
        if not self._allows(headers):
            # Before the accept this is answered with 403.
            return await send({"type": "websocket.close", "code": 1008})
        protocol = choose_subprotocol(scope.get("subprotocols") or [])
        try:
            messages = Messages(
                self._gateway, protocol=protocol, **self._options(scope, headers))
        except Error as error:
            log.warning("a WebSocket was refused: %s", error)
            return await send({"type": "websocket.close", "code": 1013})
        async with messages:
            await send({"type": "websocket.accept", "subprotocol": protocol})
            await _carry(messages, receive, send)

    def _options(self, scope: Scope, headers: Dict[str, str]) -> Dict[str, Any]:
        raw = scope.get("raw_path")
        path = raw.decode("latin-1") if raw else quote(scope["path"])
        query = scope.get("query_string", b"").decode("latin-1")
        client = scope.get("client")
        return dict(
            route=self._route, policy=self._policy, host=headers.get("host"),
            uri=path + (f"?{query}" if query else ""),
            remote_addr=client[0] if client else None)

    def _allows(self, headers: Dict[str, str]) -> bool:
        # Not every server looks at it (RFC 6455 section 4.2.1).
        if headers.get("sec-websocket-version", "13") != "13":
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        if self._origins is not None:
            return "*" in self._origins or origin in self._origins
        page, host = urlsplit(origin), urlsplit("//" + headers.get("host", ""))
        default = _PORTS.get(page.scheme)
        try:
            return page.hostname is not None and page.hostname == host.hostname \
                and (page.port or default) == (host.port or default)
        except ValueError:
            return False


async def _carry(messages: Messages, receive: Receive, send: Send) -> None:
    """Both ways, until either side ends."""
    tasks = [asyncio.ensure_future(_from_client(messages, receive)),
             asyncio.ensure_future(_to_client(messages, send))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            # A server may tell by an OSError that the client has gone.
            if isinstance(result, Exception) and not isinstance(result, OSError):
                raise result


async def _from_client(messages: Messages, receive: Receive) -> None:
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            code = event.get("code")
            return messages.client_closed(
                None if code in _UNSENDABLE else code, event.get("reason") or "")
        data = event.get("bytes")
        await messages.put(event["text"] if data is None else data)


async def _to_client(messages: Messages, send: Send) -> None:
    async for message in messages:
        if isinstance(message, str):
            await send({"type": "websocket.send", "text": message})
        else:
            await send({"type": "websocket.send", "bytes": message})
    closed = messages.closed
    if closed is not None and closed.code not in _UNSENDABLE:
        with contextlib.suppress(OSError):
            await send({
                "type": "websocket.close", "code": closed.code, "reason": closed.reason})


async def _refuse_http(send: Send) -> None:
    await send({"type": "http.response.start", "status": 426, "headers": [
        (b"content-type", b"text/plain"), (b"upgrade", b"websocket")]})
    await send({"type": "http.response.body", "body": b"WebSocket only\n"})
