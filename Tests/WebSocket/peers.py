#!/usr/bin/env python3
"""Clients that others wrote, against pubsubgw-echo: websockets, aiohttp, wsproto (from PyPI).

    .build/venv/bin/python Tests/WebSocket/peers.py --echo .build/release/pubsubgw-echo
"""
import argparse
import asyncio
import random
import socket
import sys

from wire import Echo, Report

MESSAGES = [
    "", "hello", "ünïcødé 漢字 👩‍🚀", b"", b"\x00\xff", "x" * 126, b"y" * 65_536, "ß" * 200_000,
    random.Random(1).randbytes(3_000_000), b"z" * 3_000_000,
]


async def with_websockets(port, deflate):
    import websockets.asyncio.client as client
    async with client.connect(
        f"ws://127.0.0.1:{port}/", compression="deflate" if deflate else None, max_size=None,
        subprotocols=["only.one"],
    ) as connection:
        assert connection.subprotocol == "only.one"
        for message in MESSAGES:
            await connection.send(message)
            assert await connection.recv() == message
        await connection.send(["frag", "men", "ted"])
        assert await connection.recv() == "fragmented"
        await (await connection.ping(b"payload"))
        await connection.close(3001, "bye")
    assert (connection.close_code, connection.close_reason) == (3001, "bye")


async def with_aiohttp(port, deflate):
    import aiohttp
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(
            f"http://127.0.0.1:{port}/", compress=15 if deflate else 0, max_msg_size=0
        ) as connection:
            for message in MESSAGES:
                if isinstance(message, str):
                    await connection.send_str(message)
                else:
                    await connection.send_bytes(message)
                assert (await connection.receive()).data == message
            await connection.close(code=3001, message=b"bye")
            assert connection.close_code == 3001, connection.close_code


def with_wsproto(port, deflate):
    from wsproto import ConnectionType, WSConnection
    from wsproto.events import (
        AcceptConnection, BytesMessage, CloseConnection, Message, Ping, Pong, Request, TextMessage)
    from wsproto.extensions import PerMessageDeflate
    machine = WSConnection(ConnectionType.CLIENT)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:

        def send(event):
            link.sendall(machine.send(event))

        def events():
            while True:
                data = link.recv(65536)
                machine.receive_data(data or None)
                yield from machine.events()

        extensions = [PerMessageDeflate()] if deflate else []
        send(Request(host="127.0.0.1", target="/", extensions=extensions))
        stream = events()
        assert isinstance(next(stream), AcceptConnection)
        for message in MESSAGES:
            send(Message(data=message))
            parts = []
            while True:
                event = next(stream)
                assert isinstance(event, (TextMessage, BytesMessage)), event
                parts.append(event.data)
                if event.message_finished:
                    break
            assert ("" if isinstance(message, str) else b"").join(parts) == message
        send(Ping(payload=b"there?"))
        assert next(stream) == Pong(payload=b"there?")
        send(CloseConnection(code=3001, reason="bye"))
        assert next(stream) == CloseConnection(code=3001, reason="bye")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--echo", required=True)
    arguments = parser.parse_args()
    report = Report()
    for deflate in (False, True):
        with Echo(arguments.echo, *(["--deflate"] if deflate else [])) as echo:
            for test in (with_websockets, with_aiohttp, with_wsproto):
                name = f"{test.__name__}{' deflate' if deflate else ''}"
                if asyncio.iscoroutinefunction(test):
                    report.run(name, lambda: asyncio.run(test(echo.port, deflate)))
                else:
                    report.run(name, test, echo.port, deflate)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
