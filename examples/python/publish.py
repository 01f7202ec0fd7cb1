#!/usr/bin/env python3
"""The operation Publish of an integration flow's Kafka connector: one message.

    publish.py BROKERS TOPIC [NAME=VALUE]... < payload
    publish.py --listen PORT BROKERS TOPIC [NAME=VALUE]...

BROKERS: host:port,host:port; or an object of what Gateway.client() takes, for a login or TLS.
NAME: partition, key, headers (an object of texts, as JSON), payload (a text, in place of standard
input), or a setting: see SETTINGS, which has the connector's defaults.
Prints {"topic", "partition", "offset"} and exits 0, or {"Code", "Description"} and exits 1.

--listen: an HTTP listener in front of it. The body of each POST is a payload, and the answer is what
would be printed: 200, 400 where the message is wrong, 413 where it is too large, or 502.
"""

import asyncio
import http.server
import json
import signal
import sys
import threading
from typing import Any, BinaryIO, Dict, List, Optional, Tuple

import pubsubgw

SETTINGS: Dict[str, Any] = {
    "acks": "LeaderOnly",  # None, LeaderOnly, All
    "idempotence": False, "max_message_bytes": 1000000, "request_timeout_ms": 10000,
    "delivery_timeout_ms": 120000, "linger_ms": 0,
    "flush.bytes": 0, "flush.messages": 0, "flush.frequency_ms": 0, "flush.max_messages": 0,
}
BODY_MAX = 64 << 20


class InputError(Exception):
    """What was asked for is wrong."""


def text_of(error: Exception) -> Dict[str, str]:
    # The only code the connector knows; what went wrong stands in the description.
    said = f"{error.name}: {error.text}" if isinstance(error, pubsubgw.Error) else str(error)
    return {"Code": "CORE:RUNTIME", "Description": said}


class Publish:
    """One operation as it was set up: where to, and how."""

    def __init__(self, brokers: str, topic: str, words: List[str]) -> None:
        self.topic = topic
        self.settings = dict(SETTINGS)
        self.partition = -1
        self.key: Optional[bytes] = None
        self.payload: Optional[bytes] = None
        self.headers: List[Tuple[str, Optional[bytes]]] = []
        self.client: Dict[str, Any] = {"nodes": brokers}
        if brokers.startswith("{"):
            try:
                self.client = json.loads(brokers)
            except ValueError as error:
                raise InputError(f"brokers: {error}") from None
        for word in words:
            name, equals, value = word.partition("=")
            if not equals:
                raise InputError(f"{word}: is not NAME=VALUE")
            self._set(name, value)

    def _set(self, name: str, value: str) -> None:
        if name == "partition":
            if not (value.isascii() and value.isdigit() and int(value) < 1 << 31):
                raise InputError(
                    f"partition={value}: a partition is a number from 0 to 2147483647")
            self.partition = int(value)
        elif name == "key":
            self.key = value.encode("utf-8", "surrogateescape")
        elif name == "payload":
            self.payload = value.encode("utf-8", "surrogateescape")
        elif name == "headers":
            self.headers = _headers(value)
        elif name in self.settings:
            # Words that JSON has of its own; what they may be is the library's to say.
            digits = value.removeprefix("-")
            if value in ("true", "false"):
                self.settings[name] = value == "true"
            elif digits.isascii() and digits.isdecimal() and len(digits) < 20:
                self.settings[name] = int(value)
            else:
                self.settings[name] = value
        else:
            raise InputError(f"{name}={value}: there is no setting of this name")

    def producer(self, client: pubsubgw.Client) -> pubsubgw.Producer:
        flat = {name: value for name, value in self.settings.items() if "." not in name}
        flush = {name.removeprefix("flush."): value
                 for name, value in self.settings.items() if "." in name}
        return client.producer({**flat, "flush": flush})

    async def send(self, producer: pubsubgw.Producer, payload: bytes) -> Dict[str, Any]:
        """Told of within delivery_timeout_ms, whatever happens."""
        try:
            place = await producer.produce(
                self.topic, payload, self.key, partition=self.partition, headers=self.headers)
        except pubsubgw.Error as error:
            error.text = f"topic {self.topic}: {error.text}"
            raise
        return {"topic": place.topic, "partition": place.partition, "offset": place.offset}


def _headers(text: str) -> List[Tuple[str, Optional[bytes]]]:
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            raise ValueError
        return [(name, value.encode()) for name, value in found.items()]
    except ValueError:
        raise InputError(f"headers={text}: headers are a JSON object of texts") from None


async def once(operation: Publish, payload: bytes) -> Dict[str, Any]:
    with pubsubgw.Gateway() as gateway:
        async with gateway.running():
            with gateway.client(**operation.client) as client, \
                    operation.producer(client) as producer:
                return await operation.send(producer, payload)


# The HTTP listener -----------------------------------------------------------------------------

def status_of(error: Exception) -> int:
    if isinstance(error, pubsubgw.InvalidError):
        return 413 if "max" in error.text else 400
    return 502


class Handler(http.server.BaseHTTPRequestHandler):
    """A thread for each client; the messages go together on the one loop."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    operation: Publish
    producer: pubsubgw.Producer
    loop: asyncio.AbstractEventLoop

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return self._answer(411, text_of(InputError("a POST needs a Content-Length")))
        if int(length) > BODY_MAX:
            return self._answer(413, text_of(InputError(f"a body has {BODY_MAX} bytes at most")))
        payload = self.rfile.read(int(length))
        if len(payload) < int(length):
            self.close_connection = True  # the client went away in the middle
            return None
        sending = asyncio.run_coroutine_threadsafe(
            self.operation.send(self.producer, payload), self.loop)
        try:
            self._answer(200, sending.result())
        except pubsubgw.Error as error:
            self._answer(status_of(error), text_of(error))

    def _answer(self, status: int, said: Dict[str, Any]) -> None:
        body = json.dumps(said).encode() + b"\n"
        # A body that was not read is not the next request.
        self.close_connection = self.close_connection or status in (411, 413)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # of the default of 5, clients that come together do not all get in
    daemon_threads, block_on_close = True, False  # a kept connection does not keep the program


async def listen(operation: Publish, port: int) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    with pubsubgw.Gateway() as gateway:
        async with gateway.running():
            with gateway.client(**operation.client) as client, \
                    operation.producer(client) as producer:
                Handler.operation, Handler.producer, Handler.loop = operation, producer, loop
                server = Server(("127.0.0.1", port), Handler)
                threading.Thread(target=server.serve_forever, daemon=True).start()
                print(f"listening on port {server.server_address[1]}", flush=True)
                await ended.wait()
                await asyncio.to_thread(server.shutdown)
                server.server_close()
                await producer.flush()


def main(words: List[str], payload: BinaryIO) -> int:
    port: Optional[int] = None
    if words[:1] == ["--listen"] and len(words) > 1 and words[1].isdecimal():
        port, words = int(words[1]), words[2:]
    if len(words) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    pubsubgw.set_log_level(0)
    try:
        operation = Publish(words[0], words[1], words[2:])
        if port is not None:
            asyncio.run(listen(operation, port))
            return 0
        text = operation.payload if operation.payload is not None else payload.read()
        print(json.dumps(asyncio.run(once(operation, text)), ensure_ascii=False))
        return 0
    except (InputError, pubsubgw.Error, OSError) as error:
        print(json.dumps(text_of(error), ensure_ascii=False))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.buffer))
