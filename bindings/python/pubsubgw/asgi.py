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
from typing import Any, Awaitable, Callable, Dict, MutableMapping, Optional
from urllib.parse import quote

from ._errors import Error, InvalidError, RefusedError
from ._events import log
from ._gateway import Gateway
from .messages import Messages, choose_subprotocol

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Codes that are told and never sent (RFC 6455 section 7.4.1).
_UNSENDABLE = (0, 1005, 1006, 1015)


class App:
    """route, policy: as of `Gateway.adopt`; without a route the path decides. Which pages may connect
    is the route's to say ("pubsub": {"origins": [...]}): those of the host that is asked, if it says
    nothing (a browser sends cookies along whoever's page it is)."""

    def __init__(
        self, gateway: Gateway, *, route: Optional[str] = None, policy: Any = None,
        code: int = 1001, timeout: float = 30.0,
    ) -> None:
        self._gateway = gateway
        self._route = route
        self._policy = policy
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
        protocol = choose_subprotocol(scope.get("subprotocols") or [])
        try:
            options = dict(self._options(scope), protocol=protocol)
            self._gateway.open_check(**options)
            client = scope.get("client")
            messages = Messages(
                self._gateway, remote_addr=client[0] if client else None, **options)
        except (Error, ValueError) as error:
            log.warning("a WebSocket was refused: %s", error)
            return await _refuse(scope, send, error)
        async with messages:
            await send({"type": "websocket.accept", "subprotocol": protocol})
            await _carry(messages, receive, send)

    def _options(self, scope: Scope) -> Dict[str, Any]:
        # Not every server looks at these (RFC 6455 section 4.2.1). HTTP/2 has no such version.
        if scope.get("http_version", "1.1") in ("0.9", "1.0"):
            raise RefusedError(400, "the request is not HTTP/1.1")
        if _header(scope, b"sec-websocket-version") not in (None, "13"):
            raise RefusedError(426, "the WebSocket version must be 13")
        raw = scope.get("raw_path")
        path = raw.decode("latin-1") if raw else quote(scope["path"])
        query = scope.get("query_string", b"").decode("latin-1")
        return dict(
            route=self._route, policy=self._policy, host=_header(scope, b"host"),
            origin=_header(scope, b"origin"), uri=path + (f"?{query}" if query else ""))


def _header(scope: Scope, name: bytes) -> Optional[str]:
    values = [value for key, value in scope["headers"] if key.lower() == name]
    if len(values) > 1:
        raise RefusedError(400, f"{name.decode()} stands more than once")
    return values[0].decode("latin-1") if values else None


async def _refuse(scope: Scope, send: Send, error: Exception) -> None:
    """Before the accept: with the status that fits, where the server can; else it is 403."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        return await send({"type": "websocket.close", "code": 1008})
    status, text = 503, "not started, or shutting down"
    if isinstance(error, RefusedError):
        status, text = error.http_status, error.text
    elif isinstance(error, (InvalidError, ValueError)):
        status, text = 400, "the request is malformed"
    await send({"type": "websocket.http.response.start", "status": status, "headers": [
        (b"content-type", b"text/plain")]})
    await send({"type": "websocket.http.response.body", "body": text.encode() + b"\n"})


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
