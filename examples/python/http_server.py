#!/usr/bin/env python3
"""http.server of the standard library, threads and all, that hands WebSocket clients over to
libpubsubgw and answers the rest itself.

    http_server.py [--port 9080] [--brokers localhost:9092] [--cert FILE --key FILE]

SIGTERM ends it in peace: clients get a Close frame with 1001. SIGHUP likewise with 1012, "service
restart", for when another process has taken over the port.
"""

import argparse
import http.server
import signal
import ssl
import threading
from typing import Any, Optional

import pubsubgw
import pubsubgw.socketserver

gateway = pubsubgw.Gateway()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/kafka":
            pubsubgw.socketserver.hand_over(self, gateway, route="kafka")
        elif self.path == "/metrics":
            body = gateway.metrics().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # the default of 5 makes the sixth client of a moment wait a second
    tls: Optional[ssl.SSLContext] = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is None:
            return super().finish_request(request, client_address)
        # In the client's own thread: a handshake that does not end holds up nobody else.
        try:
            request.settimeout(10)
            request = self.tls.wrap_socket(request, server_side=True)
            request.settimeout(None)
        except OSError:
            return None
        with request:
            return super().finish_request(request, client_address)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=9080)
    arguments.add_argument("--brokers", default="localhost:9092")
    arguments.add_argument("--cert")
    arguments.add_argument("--key")
    options = arguments.parse_args()
    gateway.route_put({
        "id": "kafka", "uri": "/kafka",
        "upstream": {"scheme": "kafka", "type": "none", "nodes": options.brokers},
    })
    gateway.start()
    # Blocked in this thread before the others start, so that sigwait gets them.
    signals = {signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with Server(("127.0.0.1", options.port), Handler) as server:
        if options.cert:
            server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.tls.load_cert_chain(options.cert, options.key)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"listening on port {server.server_address[1]}", flush=True)
        received = signal.sigwait(signals)
        server.shutdown()
    gateway.shut_down(1012 if received == signal.SIGHUP else 1001)
    gateway.close()


if __name__ == "__main__":
    main()
