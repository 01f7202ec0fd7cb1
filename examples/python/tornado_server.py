#!/usr/bin/env python3
"""A tornado server that hands WebSocket clients over to libpubsubgw and answers the rest itself.

    tornado_server.py [--port 9080] [--brokers localhost:9092] [--cert FILE --key FILE]

SIGTERM ends it in peace: clients get a Close frame with 1001. SIGHUP likewise with 1012, "service
restart", for when another process has taken over the port.
"""

import argparse
import asyncio
import signal

import tornado.httpserver
import tornado.netutil
import tornado.web

import pubsubgw
import pubsubgw.tornado


class Kafka(tornado.web.RequestHandler):
    def initialize(self, gateway: pubsubgw.Gateway) -> None:
        self.gateway = gateway

    async def get(self) -> None:
        await pubsubgw.tornado.hand_over(self, self.gateway, route="kafka", closed=closed)


class Metrics(tornado.web.RequestHandler):
    def initialize(self, gateway: pubsubgw.Gateway) -> None:
        self.gateway = gateway

    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; version=0.0.4")
        self.write(self.gateway.metrics())


def closed(session: pubsubgw.Closed) -> None:
    print(f"session closed: {session.code} {session.reason}", flush=True)


async def serve(options: argparse.Namespace) -> None:
    with pubsubgw.Gateway() as gateway:
        gateway.route_put({
            "id": "kafka", "uri": "/kafka",
            "upstream": {"scheme": "kafka", "type": "none", "nodes": options.brokers},
        })
        gateway.start()
        mine = {"gateway": gateway}
        app = tornado.web.Application([("/kafka", Kafka, mine), ("/metrics", Metrics, mine)])
        tls = {"certfile": options.cert, "keyfile": options.key} if options.cert else None
        server = tornado.httpserver.HTTPServer(app, ssl_options=tls)
        sockets = tornado.netutil.bind_sockets(options.port, "127.0.0.1")
        server.add_sockets(sockets)
        loop = asyncio.get_running_loop()
        end: "asyncio.Future[int]" = loop.create_future()
        loop.add_signal_handler(signal.SIGTERM, end.set_result, 1001)
        loop.add_signal_handler(signal.SIGHUP, end.set_result, 1012)
        print(f"listening on port {sockets[0].getsockname()[1]}", flush=True)
        code = await end
        server.stop()
        await gateway.shutdown(code)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=9080)
    arguments.add_argument("--brokers", default="localhost:9092")
    arguments.add_argument("--cert")
    arguments.add_argument("--key")
    asyncio.run(serve(arguments.parse_args()))


if __name__ == "__main__":
    main()
