#!/usr/bin/env python3
"""An asyncio server that hands WebSocket clients over to libpubsubgw and answers the rest itself.

    server.py [--port 9080] [--brokers localhost:9092]

GET /metrics is Python's; GET /kafka with an Upgrade goes to the library, socket and all: from then
on no byte of that client passes through Python. Closed sessions come back as events.
"""

import argparse
import asyncio
import socket

import pubsubgw



async def serve(gateway: pubsubgw.Gateway, queue: pubsubgw.Queue, client: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    head = b""
    try:
        while b"\r\n\r\n" not in head and len(head) < 8192:
            received = await asyncio.wait_for(loop.sock_recv(client, 4096), timeout=10)
            if not received:
                return
            head += received
        head, _, preread = head.partition(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode(errors="replace")
        if gateway.route_match(path):
            # The library checks the upgrade and answers it, with a refusal too.
            gateway.adopt(
                client.fileno(), uri=path, request_head=head + b"\r\n\r\n", preread=preread,
                queue=queue)
            client.detach()
        else:
            body = gateway.metrics().encode() if path == "/metrics" else b"not found\n"
            status = b"200 OK" if path == "/metrics" else b"404 Not Found"
            await loop.sock_sendall(
                client, b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                % (status, len(body), body))
    except (OSError, IndexError, asyncio.TimeoutError, pubsubgw.Error) as error:
        print(f"client: {error}")
    finally:
        client.close()


async def report(queue: pubsubgw.Queue) -> None:
    async for event in queue:
        if event.type == pubsubgw.EventType.CLOSED:
            print(f"session {event.session} closed: {event.code} {event.text}", flush=True)
        elif event.type == pubsubgw.EventType.LOG:
            print(f"log: {event.text}", flush=True)


async def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=9080)
    arguments.add_argument("--brokers", default="localhost:9092")
    options = arguments.parse_args()

    loop = asyncio.get_running_loop()
    with pubsubgw.Gateway() as gateway:
        gateway.route_put({
            "id": "kafka", "uri": "/kafka", "pubsub": {"origins": ["*"]},
            "upstream": {"scheme": "kafka", "type": "none", "nodes": options.brokers},
        })
        gateway.start()
        queue = gateway.queue(log=True)
        reporter = asyncio.create_task(report(queue))
        listener = socket.create_server(("127.0.0.1", options.port))
        listener.setblocking(False)
        print(f"listening on port {listener.getsockname()[1]}", flush=True)
        tasks = {reporter}
        while True:
            client, _ = await loop.sock_accept(listener)
            task = asyncio.create_task(serve(gateway, queue, client))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
