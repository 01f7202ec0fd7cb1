"""The ASGI application by itself: what it says to a server, event by event (ASGI 3)."""

import asyncio
import json

import pubsub_pb2 as pb
import pubsubgw
import pubsubgw.asgi
from devbroker import DevBroker
from support import route, unused_port

NOWHERE = f"127.0.0.1:{unused_port()}"


class Server:
    """One connection of an ASGI server."""

    def __init__(self, app, path="/kafka", subprotocols=(), scope=None, twice=None, **headers):
        self.to_app, self.from_app = asyncio.Queue(), asyncio.Queue(1)
        extra = [twice] if twice else []
        scope = {
            **(scope or {}), "type": "websocket", "asgi": {"version": "3.0"}, "path": path, "query_string": b"a=b",
            "raw_path": path.encode(), "client": ("192.0.2.1", 5), "subprotocols": subprotocols,
            "headers": [(name.encode(), value.encode()) for name, value in
                        [*{"host": "kafka.example", **headers}.items(), *extra]]}
        self.task = asyncio.ensure_future(app(scope, self.to_app.get, self.from_app.put))
        self.to_app.put_nowait({"type": "websocket.connect"})

    async def next(self):
        return await asyncio.wait_for(self.from_app.get(), 60)

    async def accepted(self):
        event = await self.next()
        assert event["type"] == "websocket.accept", event
        return event["subprotocol"]

    def message(self, data):
        key = "text" if isinstance(data, str) else "bytes"
        self.to_app.put_nowait({"type": "websocket.receive", key: data})

    async def ends(self):
        await asyncio.wait_for(self.task, 60)
        assert self.from_app.empty()


def ping(sequence=1, state=b"x"):
    return pb.PubSubReq(sequence=sequence, cmd_ping=pb.CmdPing(state=state)).SerializeToString()


def run(main, *routes, app=None, **settings):
    async def started():
        with pubsubgw.Gateway(**settings) as gateway:
            for object in routes or [route(NOWHERE)]:
                gateway.route_put(object, id=object.get("id", "k"))
            async with gateway.running(timeout=5):
                await main(gateway, pubsubgw.asgi.App(gateway, **(app or {})))
    asyncio.run(asyncio.wait_for(started(), 200))


def test_messages_in_every_sub_protocol():
    async def main(gateway, app):
        for offered, agreed in [
                ([], None), (["pubsub.proto"], "pubsub.proto"),
                (["x", "pubsub.json"], "pubsub.json"), (["mine"], "mine"), (["x", "y"], None),
                (["pubsub.text", "pubsub.json"], "pubsub.text")]:
            server = Server(app, subprotocols=offered)
            assert await server.accepted() == agreed, offered
            if agreed in ("pubsub.json", "pubsub.text"):
                server.message('{"sequence": "5", "cmdPing": {"state": "eA=="}}')
                event = await server.next()
                assert event["type"] == "websocket.send" and "bytes" not in event, event
                assert "pongResp" in json.loads(event["text"])
            else:
                server.message(ping(5))
                event = await server.next()
                assert event["type"] == "websocket.send" and "text" not in event, event
                assert pb.PubSubResp.FromString(event["bytes"]).sequence == 5
            assert gateway.stats().sessions == 1
            server.to_app.put_nowait({"type": "websocket.disconnect", "code": 1001})
            await server.ends()
            while gateway.stats().sessions:
                await asyncio.sleep(0.01)
    run(main)


def test_the_gateway_closes_with_its_code():
    async def main(gateway, app):
        server = Server(app)
        await server.accepted()
        server.message(b"x" * 5000)
        event = await server.next()
        assert (event["type"], event["code"]) == ("websocket.close", 1009), event
        assert event["reason"]
        await server.ends()
        server = Server(app)
        await server.accepted()
        gateway.drain(1012, timeout=5)
        event = await server.next()
        assert (event["type"], event["code"]) == ("websocket.close", 1012), event
        await server.ends()
        # A reload refuses nobody.
        late = Server(app)
        await late.accepted()
        event = await late.next()
        assert (event["type"], event["code"]) == ("websocket.close", 1012), event
        await late.ends()
    run(main, route(NOWHERE, pubsub={"limits": {"message_bytes": 4096}}))


def test_who_may_connect():
    async def allowed(app, **headers):
        server = Server(app, **headers)
        event = await server.next()
        server.to_app.put_nowait({"type": "websocket.disconnect", "code": 1006})
        await server.ends()
        return event["type"] == "websocket.accept"

    async def main(gateway, app):
        assert await allowed(app) and await allowed(app, origin="https://kafka.example")
        assert await allowed(app, origin="http://kafka.example:8080", host="Kafka.example:8080")
        for origin in ("https://elsewhere.example", "null", "https://kafka.example.evil.example",
                       "https://kafka.example:444", "https://kafka.example:x", ""):
            assert not await allowed(app, origin=origin), origin
        assert not await allowed(app, **{"sec-websocket-version": "12"})
        assert not await allowed(app, path="/nowhere")
        # The route says who may.
        assert await allowed(app, path="/listed", origin="https://a.example")
        assert not await allowed(app, path="/listed", origin="https://kafka.example")
        assert await allowed(app, path="/any", origin="null")
        assert not await allowed(app, path="/any", origin="no origin")
        assert gateway.stats().sessions == 0
    run(main, route(NOWHERE, id="own"),
        route(NOWHERE, uri="/listed", id="listed", pubsub={"origins": ["https://a.example"]}),
        route(NOWHERE, uri="/any", id="any", pubsub={"origins": ["*"]}))


def test_refusals_have_the_statuses_of_the_library():
    async def status(app, http_version="1.1", twice=None, **options):
        server = Server(
            app, scope={"http_version": http_version, "extensions": {"websocket.http.response": {}}},
            twice=twice, **options)
        event = await server.next()
        assert event["type"] == "websocket.http.response.start", event
        body = await server.next()
        assert body["type"] == "websocket.http.response.body" and body["body"].endswith(b"\n")
        await server.ends()
        return event["status"]

    async def main(gateway, app):
        assert await status(app, http_version="1.0") == 400
        assert await status(app, path="/nowhere") == 404
        assert await status(app, origin="https://evil.example") == 403
        assert await status(app, **{"sec-websocket-version": "8"}) == 426
        for path in ("/kafka/%2e%2e/kafka", "//kafka", "/x%2fkafka", "/kafka\r\nX: y", "/kafka\\"):
            assert await status(app, path=path) == 400, path
        assert await status(app, twice=("host", "other.example")) == 400
        assert await status(app, twice=("origin", "https://kafka.example"),
                            origin="https://kafka.example") == 400
        assert await status(app, host="kafka.example\r\nOrigin: x") == 400
        gateway.drain(1001, timeout=5)
        assert await status(app) == 503
    run(main)


def test_a_client_that_does_not_read_is_waited_for():
    async def main(gateway, app):
        server = Server(app)
        await server.accepted()
        # send() blocks, as with a server whose buffers are full; meanwhile the library is not fed
        # without an end.
        for sequence in range(4000):
            server.message(ping(sequence, b"y" * 10000))
        await asyncio.sleep(1)
        left = server.to_app.qsize()
        assert left > 3000, f"only {left} messages were left waiting"
        for sequence in range(4000):
            reply = pb.PubSubResp.FromString((await server.next())["bytes"])
            assert reply.sequence == sequence
        server.to_app.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await server.ends()
    run(main)


def test_lifespan_runs_the_gateway():
    async def main():
        with DevBroker("--records", "demo:10:10") as broker, pubsubgw.Gateway() as gateway:
            gateway.route_put(route(broker.bootstrap), id="k")
            app = pubsubgw.asgi.App(gateway)
            to_app, from_app = asyncio.Queue(), asyncio.Queue()
            task = asyncio.ensure_future(app({"type": "lifespan"}, to_app.get, from_app.put))
            await to_app.put({"type": "lifespan.startup"})
            assert await from_app.get() == {"type": "lifespan.startup.complete"}
            server = Server(app)
            await server.accepted()
            server.message(pb.PubSubReq(sequence=1, cmd_kafka_fetch=pb.CmdKafkaFetch(
                topic="demo")).SerializeToString())
            reply = pb.PubSubResp.FromString((await server.next())["bytes"])
            assert len(reply.kafka_fetch_resp.messages) == 10
            await to_app.put({"type": "lifespan.shutdown"})
            assert (await server.next())["code"] == 1001
            assert await asyncio.wait_for(from_app.get(), 60) \
                == {"type": "lifespan.shutdown.complete"}
            await task
            # Twice cannot be.
            again = asyncio.ensure_future(app({"type": "lifespan"}, to_app.get, from_app.put))
            await to_app.put({"type": "lifespan.startup"})
            failed = await from_app.get()
            assert failed["type"] == "lifespan.startup.failed" and failed["message"], failed
            await again
            await app({"type": "http"}, None, from_app.put)
            assert (await from_app.get())["status"] == 426
    asyncio.run(asyncio.wait_for(main(), 200))
