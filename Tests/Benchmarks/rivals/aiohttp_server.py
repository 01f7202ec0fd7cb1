#!/usr/bin/env python3
"""aiohttp as both sides of a comparison: its own WebSocket echo, or clients given to libpubsubgw.

    aiohttp_server.py echo|ours [CERT KEY] [--uvloop]

Prints its port on its first line.
"""
import asyncio
import ssl
import sys

from aiohttp import WSMsgType, web


async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


def gateway_handler(app):
    import pubsubgw
    import pubsubgw.aiohttp
    gateway = pubsubgw.Gateway()
    gateway.route_put({"uri": "/", "upstream": {
        "scheme": "kafka", "type": "none", "nodes": {"127.0.0.1:1": 1}}}, id="bench")
    pubsubgw.aiohttp.setup(app, gateway)
    return pubsubgw.aiohttp.handler(gateway, route="bench")


async def serve(kind, files):
    app = web.Application()
    app.router.add_get("/", echo if kind == "echo" else gateway_handler(app))
    tls = None
    if files:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*files)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


arguments = [word for word in sys.argv[1:] if word != "--uvloop"]
if "--uvloop" in sys.argv:
    import uvloop
    uvloop.install()
asyncio.run(serve(arguments[0], arguments[1:]))
