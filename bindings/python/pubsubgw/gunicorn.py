"""WSGI applications under gunicorn (workers sync and gthread), which lends them the socket.

With TLS a worker's thread carries the bytes of its client until the session ends: that needs workers
`gthread` with `threads` for as many clients.

    def app(environ, start_response):
        return pubsubgw.gunicorn.hand_over(environ, start_response, gateway)

Make the gateway and put routes when the application is loaded, also with preload_app. In gunicorn's
configuration let each worker start it, after the fork, and end it in peace:

    on_reload, post_worker_init, worker_exit = pubsubgw.gunicorn.hooks("my_module:gateway")
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import mmap
import os
import socket
import ssl
from typing import Any, Callable, Dict, Iterable, Iterator, List, Tuple
from urllib.parse import quote

from ._carrier import carry
from ._errors import GoneError, StateError
from ._gateway import Gateway
from ._http import adopt, asks_for_websocket, request_head

Environ = Dict[str, Any]


class _Detached:
    """The body of a response that goes nowhere. Its socket lives until the worker is done."""

    def __init__(self, sink: socket.socket) -> None:
        self._sink = sink

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        self._sink.close()


def hand_over(
    environ: Environ, start_response: Callable[..., Any], gateway: Gateway, **options: Any,
) -> Iterable[bytes]:
    """Gives the client to the library, which answers the upgrade, or refuses it. `options`: route,
    policy, closed, ... as of `Gateway.adopt`; with TLS as of `Gateway.open_bytes`. Return its
    result from the application: with TLS it comes when the session has ended.

    A client of TLS of a worker with one thread is answered with 501: it would have the worker to
    itself, and gunicorn takes that for a worker that hangs."""
    lent = environ.get("gunicorn.socket")
    is_tls = isinstance(lent, ssl.SSLSocket)
    if not isinstance(lent, socket.socket) or is_tls and not environ.get("wsgi.multithread"):
        return _refuse(start_response, "501 Not Implemented", "no socket to hand over\n")
    # HTTP/2 has no upgrades, and its connection belongs to other requests too.
    version = environ.get("SERVER_PROTOCOL", "")
    if (not asks_for_websocket(environ.get("HTTP_UPGRADE", ""))
            or not version.startswith("HTTP/1.")):
        return _refuse(start_response, "426 Upgrade Required", "WebSocket only\n")
    target = environ.get("RAW_URI") or quote(environ["PATH_INFO"].encode("latin-1"))
    options.update(
        preread=_preread(environ),
        request_head=request_head(
            environ["REQUEST_METHOD"], target, version, _headers(environ)),
        remote_addr=environ.get("REMOTE_ADDR") or None)
    try:
        if isinstance(lent, ssl.SSLSocket):
            carry(lent, gateway, **options)
        else:
            adopt(gateway, lent.fileno(), dup=True, **options)
    except StateError:
        return _refuse(start_response, "503 Service Unavailable", "not started, or shutting down\n")
    sink = _replace(lent)
    start_response("101 Switching Protocols", [("Connection", "close")])
    return _Detached(sink)


def _replace(lent: socket.socket) -> socket.socket:
    """Puts one end of a dead pair in the place of the client: the worker's response and its
    shutdown go there. Answers the other end."""
    ours, sink = socket.socketpair()
    sink.shutdown(socket.SHUT_WR)
    os.dup2(ours.fileno(), lent.fileno(), inheritable=False)
    ours.close()
    return sink


def _headers(environ: Environ) -> "List[Tuple[bytes, bytes]]":
    named = [(key[5:], value) for key, value in environ.items() if key.startswith("HTTP_")]
    # These two have names of their own in WSGI, and an upgrade with a body is refused.
    named += [(key, environ[key]) for key in ("CONTENT_LENGTH", "CONTENT_TYPE") if environ.get(key)]
    return [(name.replace("_", "-").encode("latin-1"), value.encode("latin-1"))
            for name, value in named]


def _preread(environ: Environ) -> bytes:
    """What gunicorn read behind the request head. No attribute of WSGI leads there."""
    reader = getattr(environ.get("wsgi.input"), "reader", None)
    buffer = getattr(getattr(reader, "unreader", None), "buf", None)
    return buffer.getvalue() if isinstance(buffer, io.BytesIO) else b""


def _refuse(start_response: Callable[..., Any], status: str, text: str) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain"), ("Connection", "close")])
    return [text.encode()]


# How often the master was told to reload, in memory that it shares with its workers. This module
# stays, while the master reads its configuration again at each reload.
_reloads = mmap.mmap(-1, 1)

# How often a worker is asked whether it was told to end; gunicorn has no hook for that.
_ALIVE_SECONDS = 0.25


def hooks(name: str, *, timeout: float = 25.0) -> "Tuple[Callable[..., None], ...]":
    """gunicorn's `on_reload`, `post_worker_init` and `worker_exit` for the gateway that `name`,
    "module:variable", leads to in a worker. Its commands are answered, and its log lines given to
    `logging`, on a thread of the worker. A worker that ends closes its sessions with 1001, or
    with 1012 if gunicorn reloads, and waits for them up to `timeout` seconds; keep it below
    gunicorn's `graceful_timeout`."""
    module, _, variable = name.partition(":")
    known: Dict[str, Any] = {}

    def on_reload(server: Any) -> None:
        _reloads[0] = (_reloads[0] + 1) % 256

    def post_worker_init(worker: Any) -> None:
        known["reloads"] = _reloads[0]
        known["gateway"] = getattr(importlib.import_module(module), variable)
        known["gateway"].start()
        asyncio.run_coroutine_threadsafe(
            drain_early(worker), known["gateway"].attach_in_thread())

    def code() -> int:
        return 1012 if known["reloads"] != _reloads[0] else 1001

    async def drain_early(worker: Any) -> None:
        """A session that a thread carries is a request, and gunicorn waits for its requests before
        `worker_exit`."""
        while worker.alive:
            await asyncio.sleep(_ALIVE_SECONDS)
        with contextlib.suppress(StateError, GoneError):
            known["gateway"].drain(code(), timeout)

    def worker_exit(server: Any, worker: Any) -> None:
        if "gateway" in known:
            known["gateway"].shut_down(code(), timeout)

    return on_reload, post_worker_init, worker_exit
