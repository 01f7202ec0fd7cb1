"""An ASGI application that lets WebSocket clients read Kafka: the server owns WebSocket and TLS.

    BROKERS=localhost:9092 uvicorn asgi_app:app

GET /metrics is the application's own, as the rest of your framework would be.
"""

import os
from typing import Any

import pubsubgw
import pubsubgw.asgi

gateway = pubsubgw.Gateway()
gateway.route_put({
    "id": "kafka", "uri": "/kafka",
    "upstream": {
        "scheme": "kafka", "type": "none", "nodes": os.environ.get("BROKERS", "localhost:9092")},
})
kafka = pubsubgw.asgi.App(gateway)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return await kafka(scope, receive, send)
    is_metrics = scope["path"] == "/metrics"
    body = gateway.metrics().encode() if is_metrics else b"not found\n"
    await send({
        "type": "http.response.start", "status": 200 if is_metrics else 404,
        "headers": [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
