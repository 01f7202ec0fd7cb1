"""Kafka for WebSocket clients, from inside a Python server: the binding of libpubsubgw.

    import pubsubgw

    with pubsubgw.Gateway() as gateway:
        gateway.route_put({"id": "kafka", "uri": "/kafka", "upstream": {
            "scheme": "kafka", "type": "none", "nodes": {"localhost:9092": 1}}})
        gateway.start()
        port = gateway.listen("127.0.0.1:0")

Servers that have accepted the client already hand it over: `pubsubgw.aiohttp`, `.tornado`,
`.gunicorn`, `.socketserver`, or `Gateway.adopt` for any other socket.

Errors are exceptions (`Error` and a class for each status) with the library's own text. Times are
seconds, but Kafka's timestamps, which are milliseconds. The functions are those of pubsubgw.h,
which says more about each.
"""

from ._client import Client, Fetched, Isolation, ListedOffset, Subscription
from ._commands import Command, CommandFailed
from ._errors import (
    AuthError, ConfigError, Error, ForkedError, FullError, GoneError, InvalidError, KafkaError,
    LoadError, NoRouteError, OutOfMemoryError, ProtocolError, RefusedError, StateError, Status,
    SystemCallError, TimedOutError, TLSError, UnsupportedError)
from ._events import Event, EventType, Queue
from ._gateway import Gateway, Stats, route_check, upstream_check
from ._library import has_feature, load, set_log_level, version
from ._producer import Delivered, Producer, Transaction
from ._records import Record
from ._sessions import BytesSession, Closed, MessagesSession, Session
from ._tokens import Token

__all__ = [
    "AuthError", "BytesSession", "Client", "Closed", "Command", "CommandFailed", "ConfigError",
    "Delivered", "Error", "Event", "EventType", "Fetched", "ForkedError", "FullError", "Gateway",
    "GoneError", "InvalidError", "Isolation", "KafkaError", "ListedOffset", "LoadError",
    "MessagesSession", "NoRouteError", "OutOfMemoryError", "Producer", "ProtocolError", "Queue", "Record",
    "RefusedError", "Session", "StateError", "Stats", "Status", "Subscription", "SystemCallError", "TLSError",
    "TimedOutError", "Token", "Transaction", "UnsupportedError", "has_feature", "load", "route_check", "set_log_level",
    "upstream_check", "version",
]
