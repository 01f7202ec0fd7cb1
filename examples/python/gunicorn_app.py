"""A WSGI application under gunicorn that hands WebSocket clients over to libpubsubgw.

    BROKERS=localhost:9092 gunicorn --config gunicorn_conf.py gunicorn_app:app

The gateway starts in each worker, after the fork (gunicorn_conf.py). SIGTERM to gunicorn ends it in
peace: clients get a Close frame with 1001. SIGHUP makes new workers; the clients of the old ones
get 1012, "service restart".
"""

import os
from typing import Any, Callable, Dict, Iterable

import pubsubgw
import pubsubgw.gunicorn

gateway = pubsubgw.Gateway()
gateway.route_put({
    "id": "kafka", "uri": "/kafka",
    "upstream": {
        "scheme": "kafka", "type": "none", "nodes": os.environ.get("BROKERS", "localhost:9092")},
})


def app(environ: Dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/kafka":
        return pubsubgw.gunicorn.hand_over(environ, start_response, gateway, route="kafka")
    if environ["PATH_INFO"] == "/metrics":
        body = gateway.metrics().encode()
        start_response("200 OK", [
            ("Content-Type", "text/plain; version=0.0.4"), ("Content-Length", str(len(body)))])
        return [body]
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"not found\n"]
