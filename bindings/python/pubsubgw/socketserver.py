"""Servers of the standard library: http.server, and handlers of socketserver that read HTTP.

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            pubsubgw.socketserver.hand_over(self, gateway)
"""

from __future__ import annotations

import ssl
from http.server import BaseHTTPRequestHandler
from typing import Any, Optional

from ._carrier import carry
from ._errors import StateError
from ._gateway import Gateway
from ._http import adopt, request_head
from ._sessions import Session


def hand_over(
    handler: BaseHTTPRequestHandler, gateway: Gateway, **options: Any,
) -> Optional[Session]:
    """Gives a plain connection to the library, socket and all, which answers the upgrade, or
    refuses it. A connection of TLS stays this thread's, which carries its bytes, and returns when
    the session has ended: use a server with a thread for each client. `options`: route, policy,
    closed, ... as of `Gateway.adopt`; with TLS as of `Gateway.open_bytes`. The handler has to
    return without writing. None: the client has gone; or the gateway does not run (any more), and
    503 was answered."""
    headers = [(name.encode("latin-1"), value.encode("latin-1"))
               for name, value in handler.headers.items()]
    connection = handler.connection
    timeout = connection.gettimeout()
    try:
        options.update(
            preread=_preread(handler),
            request_head=request_head(
                handler.command, _target(handler), handler.request_version, headers),
            remote_addr=str(handler.client_address[0]) or None)
        if isinstance(connection, ssl.SSLSocket):
            session = carry(connection, gateway, **options)
        else:
            session = adopt(gateway, connection.fileno(), **options)
            # The descriptor is the library's. A detached socket object has nothing that the server
            # could shut down.
            connection.detach()
    except StateError:
        connection.settimeout(timeout)
        handler.close_connection = True
        handler.send_error(503)
        return None
    except ConnectionResetError:
        handler.close_connection = True
        return None
    except BaseException:
        connection.settimeout(timeout)
        raise
    handler.close_connection = True
    return session


def _target(handler: BaseHTTPRequestHandler) -> str:
    """As it was sent: `handler.path` has lost slashes in front."""
    words = handler.requestline.split()
    return words[1] if len(words) > 1 else handler.path


def _preread(handler: BaseHTTPRequestHandler) -> bytes:
    """What the handler's file has read behind the request, without waiting for more."""
    handler.connection.setblocking(False)
    try:
        return handler.rfile.read1() or b""
    except ssl.SSLWantReadError:
        return b""
