#!/usr/bin/env python3
"""Redis pub/sub for the WebSocket clients of a gateway: a second messaging system, from the host.

    pip install aiohttp redis protobuf
    protoc --python_out=. redis_pubsub.proto
    server.py [--port 9080] [--redis redis://localhost:6379]

Three commands of its own (redis_pubsub.proto) on a route that has no Kafka. One connection to
Redis serves all clients: a channel is subscribed to for the first of them and left after the last.
Clients of the JSON sub-protocols are served too:

    ws = new WebSocket('ws://127.0.0.1:9080/redis', 'pubsub.json')
    ws.onmessage = e => console.log(e.data)
    ws.send('{"sequence": 1, "cmdRedisSubscribe": {"channel": "news"}}')
    ws.send('{"sequence": 2, "cmdRedisPublish": {"channel": "news", "payload": "aGVsbG8="}}')
"""

import argparse
import asyncio
import contextlib
import signal
from typing import Any, Dict, Set, Tuple

import redis.asyncio
from aiohttp import web
from google.protobuf import json_format

import pubsubgw
import pubsubgw.aiohttp
import redis_pubsub_pb2 as pb

SUBSCRIBE_RESP = 1004

gateway = pubsubgw.Gateway(host_schemes=["redis"])
gateway.route_put({
    "id": "redis", "uri": "/redis", "upstream": {"scheme": "redis", "type": "none"}})


def decoded(command: pubsubgw.Command, message: Any) -> Any:
    if command.is_json:
        return json_format.Parse(command.data, message)
    message.ParseFromString(command.data)
    return message


def encoded(message: Any, is_json: bool) -> bytes:
    return json_format.MessageToJson(message).encode() if is_json else message.SerializeToString()


class Channels:
    """Who listens to what."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self.client = client
        self.pubsub = client.pubsub(ignore_subscribe_messages=True)
        # Channel: its sessions by their numbers, and which of them speak JSON.
        self.sessions: Dict[str, Dict[int, Tuple[pubsubgw.Session, bool]]] = {}

    async def add(self, channel: str, session: pubsubgw.Session, is_json: bool) -> None:
        is_first = channel not in self.sessions
        self.sessions.setdefault(channel, {})[session] = (session, is_json)
        if is_first:
            await self.pubsub.subscribe(channel)

    async def remove(self, channel: str, session: int) -> None:
        sessions = self.sessions.get(channel, {})
        sessions.pop(session, None)
        if not sessions and self.sessions.pop(channel, None) is not None:
            await self.pubsub.unsubscribe(channel)

    async def forget(self, session: int) -> None:
        for channel in [name for name, found in self.sessions.items() if session in found]:
            await self.remove(channel, session)

    async def deliver(self) -> None:
        """Pushes what Redis sends, for ever."""
        # One subscription stays, or there would be nothing to listen to between others.
        await self.pubsub.subscribe("pubsubgw.example")
        async for message in self.pubsub.listen():
            self.push(message["channel"].decode(), message["data"])

    def push(self, channel: str, payload: bytes) -> None:
        message = pb.RedisSubscribeResp(channel=channel, payload=payload)
        # Once for each format, however many clients there are.
        texts = {is_json: encoded(message, is_json) for is_json in (False, True)}
        for session, is_json in list(self.sessions.get(channel, {}).values()):
            # Gone: its end is on the way to us.
            with contextlib.suppress(pubsubgw.GoneError):
                try:
                    session.push(SUBSCRIBE_RESP, texts[is_json])
                except pubsubgw.FullError:
                    # Redis keeps nothing for those who are slow, and neither do we.
                    session.close(1013, "too slow for this channel")


def commands(channels: Channels) -> None:
    @gateway.command("cmd_redis_publish", 1001, 1002, route="redis")
    async def publish(command: pubsubgw.Command) -> bytes:
        request = decoded(command, pb.CmdRedisPublish())
        receivers = await channels.client.publish(request.channel, request.payload)
        return encoded(pb.RedisPublishResp(receivers=receivers), command.is_json)

    @gateway.command("cmd_redis_subscribe", 1003, SUBSCRIBE_RESP, route="redis")
    async def subscribe(command: pubsubgw.Command) -> bytes:
        channel = decoded(command, pb.CmdRedisSubscribe()).channel
        if not channel:
            raise pubsubgw.CommandFailed("a channel has a name", code=1)
        await channels.add(channel, command.session, command.is_json)
        return encoded(pb.RedisSubscribeResp(channel=channel), command.is_json)

    @gateway.command("cmd_redis_unsubscribe", 1005, 1006, route="redis")
    async def unsubscribe(command: pubsubgw.Command) -> bytes:
        channel = decoded(command, pb.CmdRedisUnsubscribe()).channel
        await channels.remove(channel, command.session)
        return encoded(pb.RedisUnsubscribeResp(channel=channel), command.is_json)


async def serve(options: argparse.Namespace) -> None:
    channels = Channels(redis.asyncio.from_url(options.redis))
    commands(channels)
    delivery = asyncio.ensure_future(channels.deliver())
    tasks: "Set[asyncio.Future[None]]" = {delivery}

    def closed(end: pubsubgw.Closed) -> None:
        task = asyncio.ensure_future(channels.forget(end.session))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    app = web.Application()
    app.router.add_get("/redis", pubsubgw.aiohttp.handler(gateway, route="redis", closed=closed))
    pubsubgw.aiohttp.setup(app, gateway)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.port).start()
    print(f"listening on port {runner.addresses[0][1]}", flush=True)
    end: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set_result, None)
    await asyncio.wait({end, delivery}, return_when=asyncio.FIRST_COMPLETED)
    await runner.cleanup()
    for task in tasks:
        task.cancel()
    await channels.client.aclose()
    if not end.done():
        raise SystemExit(f"no delivery from Redis any more: {delivery.exception()!r}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=9080)
    arguments.add_argument("--redis", default="redis://localhost:6379")
    asyncio.run(serve(arguments.parse_args()))
