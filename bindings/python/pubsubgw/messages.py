"""Clients whose WebSocket a framework speaks: messages in, messages out, on asyncio.

    async with pubsubgw.messages.Messages(gateway, route="kafka", protocol=agreed) as messages:
        await messages.put(received)           # from the client
        async for message in messages:         # to the client: str is a text message, bytes binary
            await websocket.send(message)
        print(messages.closed)                 # send a Close frame with its code and reason
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, AsyncIterator, Iterable, List, Optional, Sequence, Type, Union

from ._errors import GoneError
from ._events import Event, EventType
from ._gateway import Gateway
from ._readable import Readable
from ._sessions import Closed

Message = Union[str, bytes]

#: The sub-protocols of the library; any other name means the first.
SUBPROTOCOLS = ("pubsub.proto", "pubsub.json", "pubsub.text")


def choose_subprotocol(offered: Sequence[str]) -> Optional[str]:
    """The first of the client's names that the library knows, or its only one, or None."""
    known = next((name for name in offered if name in SUBPROTOCOLS), None)
    return known or (offered[0] if len(offered) == 1 else None)


class Messages:
    """A session as two streams of messages. One task may put while another iterates.

    `options`: route, uri and host, protocol (the agreed sub-protocol), origin or request_head,
    remote_addr, policy, as of `Gateway.open_messages`; ask `Gateway.open_check` before you answer the
    client, whose browser sends cookies along whoever's page it shows. Messages that are not iterated over wait in the library, which then
    reads no more for this client."""

    def __init__(self, gateway: Gateway, **options: Any) -> None:
        #: How the session ended; None while it lives.
        self.closed: Optional[Closed] = None
        self._gateway = gateway
        self._queue = gateway.queue()
        try:
            self.session = gateway.open_messages(queue=self._queue, **options)
        except BaseException:
            self._queue.close()
            raise
        self._readable = Readable(self._queue)
        self._can_put = asyncio.Event()
        self._can_put.set()

    async def put(self, message: Message) -> None:
        """A message of the client. Waits while the session takes no more: until then iterate."""
        await self._can_put.wait()
        if self.closed is not None:
            return
        try:
            if not self.session.message(message):
                self._can_put.clear()
        except GoneError:
            # It has just ended, and the iteration is about to tell so.
            self._gateway._live()

    def client_closed(self, code: Optional[int] = None, reason: str = "") -> None:
        """The client closed; None: without a Close frame."""
        if self.closed is None:
            try:
                self.session.client_closed(code, reason)
            except GoneError:
                pass

    async def __aiter__(self) -> AsyncIterator[Message]:
        while self.closed is None:
            events = self._queue.poll()
            for message in self._taken(events):
                yield message
            if not events:
                await self._readable.wait()

    def _taken(self, events: List[Event]) -> Iterable[Message]:
        for event in events:
            if event.type == EventType.MESSAGE:
                yield event.data.decode() if event.code == 1 else event.data
            elif event.type == EventType.RESUME:
                self._can_put.set()
            elif event.type == EventType.CLOSED:
                self.closed = Closed(
                    event.session, event.code, event.text, event.number, event.number2,
                    event.flags)
                self._can_put.set()

    def close(self) -> None:
        """Ends it; the session too, if it lives."""
        self._readable.stop()
        if self.closed is None:
            self.session.forget()
        self._queue.close()

    async def __aenter__(self) -> "Messages":
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
