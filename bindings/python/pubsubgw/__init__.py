"""Kafka for WebSocket clients, from inside a Python server: the binding of libpubsubgw.

    import pubsubgw

    with pubsubgw.Gateway() as gateway:
        gateway.route_put({"id": "kafka", "uri": "/kafka", "upstream": {
            "scheme": "kafka", "type": "none", "nodes": {"localhost:9092": 1}}})
        gateway.start()
        port = gateway.listen("127.0.0.1:0")

Errors are exceptions (`Error`) with the library's own text. Times are seconds. The functions are
those of pubsubgw.h, which says more about each.
"""

from ._errors import Error, ForkedError, Status
from ._events import Event, EventType, Queue
from ._gateway import Gateway, Stats, route_check
from ._library import has_feature, library_path, set_log_level, version

__all__ = [
    "Error", "Event", "EventType", "ForkedError", "Gateway", "Queue", "Stats", "Status",
    "has_feature", "library_path", "route_check", "set_log_level", "version",
]
