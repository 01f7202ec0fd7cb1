#!/usr/bin/env python3
"""An aiohttp server that hands WebSocket clients over to libpubsubgw and answers the rest itself.

    aiohttp_server.py [--port 9080] [--brokers localhost:9092] [--cert FILE --key FILE] [--uvloop]

SIGTERM ends it in peace: clients get a Close frame with 1001. SIGHUP likewise with 1012, "service
restart", for when another process has taken over the port.
"""

import argparse
import asyncio
import signal
import ssl

from aiohttp import web

import pubsubgw
import pubsubgw.aiohttp


def application(gateway: pubsubgw.Gateway) -> web.Application:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=gateway.metrics())

    def closed(session: pubsubgw.Closed) -> None:
        print(f"session closed: {session.code} {session.reason}", flush=True)

    app = web.Application()
    app.router.add_get("/kafka", pubsubgw.aiohttp.handler(gateway, route="kafka", closed=closed))
    app.router.add_get("/metrics", metrics)
    pubsubgw.aiohttp.setup(app, gateway)
    return app


async def serve(options: argparse.Namespace) -> None:
    tls = None
    if options.cert:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.cert, options.key)
    with pubsubgw.Gateway() as gateway:
        gateway.route_put({
            "id": "kafka", "uri": "/kafka",
            "upstream": {"scheme": "kafka", "type": "none", "nodes": options.brokers},
        })
        runner = web.AppRunner(application(gateway))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", options.port, ssl_context=tls).start()
        loop = asyncio.get_running_loop()
        end: "asyncio.Future[int]" = loop.create_future()
        loop.add_signal_handler(signal.SIGTERM, end.set_result, 1001)
        loop.add_signal_handler(signal.SIGHUP, end.set_result, 1012)
        print(f"listening on port {runner.addresses[0][1]}", flush=True)
        await gateway.shutdown(code=await end)
        await runner.cleanup()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=9080)
    arguments.add_argument("--brokers", default="localhost:9092")
    arguments.add_argument("--cert")
    arguments.add_argument("--key")
    arguments.add_argument("--uvloop", action="store_true")
    options = arguments.parse_args()
    if options.uvloop:
        import uvloop
        uvloop.run(serve(options))
    else:
        asyncio.run(serve(options))


if __name__ == "__main__":
    main()
