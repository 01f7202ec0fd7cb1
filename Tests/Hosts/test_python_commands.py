"""Commands of the host's own, in Python: handlers, their failures, JSON, pushes."""

import asyncio
import json
import logging
import threading

import pubsub_pb2 as pb
import pubsubgw
from support import Client, route, unused_port

NOWHERE = f"127.0.0.1:{unused_port()}"


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def request(sequence, number, payload):
    return b"\x08" + varint(sequence) + field(number, payload)


def ask(url, number, payload, sequence=1):
    with Client(url) as client:
        client.ws.send(request(sequence, number, payload))
        return client.ws.recv(timeout=60)


def error_of(reply):
    parsed = pb.PubSubResp.FromString(reply)
    assert parsed.WhichOneof("resp") == "error_resp", parsed
    return parsed.error_resp.code, parsed.error_resp.message


def serving(*routes, **settings):
    """A started gateway with a port, on the running loop; `commands` registers beforehand."""
    gateway = pubsubgw.Gateway(**settings)
    for id, object in routes:
        gateway.route_put(object, id=id)
    return gateway


def run(main):
    logging.getLogger("pubsubgw").addHandler(logging.StreamHandler())
    asyncio.run(asyncio.wait_for(main(), 200))


def test_handlers_answer_in_bytes():
    async def main():
        gateway = serving(("k", route(NOWHERE)))
        seen = []

        @gateway.command("cmd_slow", 1001, 1002)
        async def slow(command):
            seen.append(command)
            await asyncio.sleep(0.2)
            return b"slow " + command.data

        @gateway.command("cmd_quick", 1003, 1004)
        def quick(command):
            return b"quick " + command.data

        async with gateway.running():
            # One that is registered while it runs.
            @gateway.command("cmd_late", 536870911, 200)
            async def late(command):
                return b""

            url = f"ws://127.0.0.1:{gateway.listen('127.0.0.1:0')}/kafka"

            def client():
                with Client(url) as client:
                    # Replies keep the order of their commands, whoever is quicker.
                    for sequence, number in enumerate((1001, 1003, 1001, 536870911), 7):
                        client.ws.send(request(sequence, number, b"\x00%d" % sequence))
                    client.send(cmd_ping=pb.CmdPing(state=b"p"))
                    return [client.ws.recv(timeout=60) for _ in range(5)]

            replies = await asyncio.to_thread(client)
            assert replies[:4] == [
                request(7, 1002, b"slow \x007"), request(8, 1004, b"quick \x008"),
                request(9, 1002, b"slow \x009"), request(10, 200, b"")], replies
            assert replies[4].endswith(b"\x0a\x01p")
            assert [(command.sequence, command.data, command.is_json) for command in seen] \
                == [(7, b"\x007", False), (9, b"\x009", False)]
            assert seen[0].session == seen[1].session > 0
    run(main)


def test_failures_are_told():
    async def main():
        gateway = serving(("k", route(NOWHERE, pubsub={"limits": {"command_ms": 300}})))

        @gateway.command("cmd_refuse", 1001, 1002)
        async def refuse(command):
            raise pubsubgw.CommandFailed("no such channel", code=5)

        @gateway.command("cmd_break", 1003, 1004)
        def break_(command):
            raise KeyError("a secret of the inside")

        @gateway.command("cmd_nothing", 1005, 1006)
        def nothing(command):
            return None

        @gateway.command("cmd_sleep", 1007, 1008)
        async def sleep(command):
            await asyncio.sleep(1.5)
            slept.set()
            return b"too late"

        slept = asyncio.Event()
        async with gateway.running():
            url = f"ws://127.0.0.1:{gateway.listen('127.0.0.1:0')}/kafka"
            for number, code, text in [
                    (1001, 5, "no such channel"), (1003, 10, "the command failed"),
                    (1005, 10, "the command failed"), (1007, 7, ""), (1009, 2, "unknown")]:
                found, message = error_of(await asyncio.to_thread(ask, url, number, b""))
                assert found == code and text in message, (number, found, message)
            # An answer that comes too late does no harm.
            await slept.wait()
            assert error_of(await asyncio.to_thread(ask, url, 1001, b""))[0] == 5
            for name, numbers in [
                    ("Cmd", (1001, 1002)), ("cmd_x", (110, 1002)), ("cmd_ping", (40, 41))]:
                try:
                    gateway.command(name, *numbers)(refuse)
                except pubsubgw.InvalidError:
                    pass
                else:
                    raise AssertionError(f"{name} was taken")
    run(main)


def test_a_route_of_its_own_and_no_kafka():
    async def main():
        redis = {"uri": "/redis", "upstream": {"scheme": "redis", "type": "none"}}
        gateway = serving(
            ("k", route(NOWHERE)), ("r", redis), ("s", {**redis, "uri": "/second"}),
            host_schemes=["redis"])
        for id in ("r", None, "s"):
            @gateway.command("cmd_where", 1001, 1002, route=id)
            async def where(command, id=id):
                return str(id).encode()

        async with gateway.running():
            base = f"ws://127.0.0.1:{gateway.listen('127.0.0.1:0')}"
            for path, id in [("/redis", b"r"), ("/second", b"s"), ("/kafka", b"None")]:
                assert await asyncio.to_thread(ask, base + path, 1001, b"") \
                    == request(1, 1002, id), path
            offset = pb.PubSubReq(cmd_kafka_list_offset=pb.CmdKafkaListOffset(topic="t"))

            def kafka_there():
                with Client(base + "/redis") as client:
                    return client.error(cmd_kafka_list_offset=offset.cmd_kafka_list_offset).code
            assert await asyncio.to_thread(kafka_there) == 3
    run(main)


def test_json_sessions():
    async def main():
        gateway = serving(("k", route(NOWHERE)))

        @gateway.command("cmd_redis_publish", 1001, 1002)
        async def publish(command):
            assert command.is_json
            value = command.json()
            return json.dumps({"receivers": len(value["channel"]), "was": value})

        async with gateway.running():
            url = f"ws://127.0.0.1:{gateway.listen('127.0.0.1:0')}/kafka"

            def client():
                with Client(url, subprotocols=["pubsub.json"]) as client:
                    client.ws.send('{"sequence": "3", "cmdRedisPublish": {"channel": "ab\\u0001"}}')
                    return json.loads(client.ws.recv(timeout=60))
            reply = await asyncio.to_thread(client)
            assert reply["redisPublishResp"] \
                == {"receivers": 3, "was": {"channel": "ab\x01"}}, reply
            assert str(reply["sequence"]) == "3"
    run(main)


def test_hosts_without_asyncio():
    gateway = serving(("k", route(NOWHERE)))

    @gateway.command("cmd_slow", 1001, 1002)
    async def slow(command):
        await asyncio.sleep(0.05)
        return command.data.upper()

    @gateway.command("cmd_never", 1003, 1004)
    async def never(command):
        started.set()
        await asyncio.sleep(1000)

    gateway.start()
    loop = gateway.attach_in_thread()
    assert loop is gateway.attach_in_thread()
    url = f"ws://127.0.0.1:{gateway.listen('127.0.0.1:0')}/kafka"
    for _ in range(3):
        assert ask(url, 1001, b"abc") == request(1, 1002, b"ABC")
    started = threading.Event()
    with Client(url) as client:
        client.ws.send(request(1, 1003, b""))
        assert started.wait(20)
        gateway.close()
        assert not loop.is_running() and loop.is_closed()
    gateway.close()


def test_pushes():
    async def main():
        gateway = serving(("k", route(NOWHERE)))
        sessions = asyncio.Queue()

        @gateway.command("cmd_hello", 1001, 1002)
        def hello(command):
            sessions.put_nowait(command.session)
            command.session.push(1002, b'{"pushed": 1}' if command.is_json else b"pushed")
            return "{}" if command.is_json else b""

        def refused(error, *arguments):
            try:
                session.push(*arguments)
            except error:
                return
            raise AssertionError(f"{arguments}: no {error}")

        async with gateway.running():
            url = f"ws://127.0.0.1:{gateway.listen('127.0.0.1:0')}/kafka"
            with Client(url) as client, Client(url, subprotocols=["pubsub.json"]) as people:
                client.ws.send(request(4, 1001, b""))
                session = await sessions.get()
                # In front of the reply that it was called from.
                assert await asyncio.to_thread(client.ws.recv) == field(1002, b"pushed")
                assert await asyncio.to_thread(client.ws.recv) == request(4, 1002, b"")
                session.push(1999, b"\x00\xff" * 500)
                assert await asyncio.to_thread(client.ws.recv) == field(1999, b"\x00\xff" * 500)
                refused(pubsubgw.InvalidError, 33, b"")
                people.ws.send('{"sequence": "4", "cmdHello": {}}')
                session = await sessions.get()
                push = json.loads(await asyncio.to_thread(people.ws.recv))
                assert push["helloResp"] == {"pushed": 1}, push
                assert "helloResp" in json.loads(await asyncio.to_thread(people.ws.recv))
                refused(pubsubgw.InvalidError, 1999, b"{}")
                refused(pubsubgw.InvalidError, 1002, b"{")
                # Nobody reads: at last nothing more is taken.
                try:
                    while True:
                        session.push(1002, b'"%s"' % (b"x" * 100_000))
                except pubsubgw.FullError:
                    pass
            while gateway.stats().sessions:
                await asyncio.sleep(0.01)
            refused(pubsubgw.GoneError, 1002, b"{}")
    run(main)
