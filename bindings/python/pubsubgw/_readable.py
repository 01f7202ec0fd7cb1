"""Waiting on asyncio for a queue that is polled by whom it is for."""

from __future__ import annotations

import asyncio
from typing import Optional

from ._events import Queue


class Readable:
    """Tells when a queue has events, and leaves them there. What waits in the queue counts as not
    taken, and so holds the library's reading back: that is how a slow receiver slows its source."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._loop = asyncio.get_running_loop()
        self._waiter: Optional["asyncio.Future[None]"] = None
        self._is_watching = False
        self._calls_in_vain = 0

    async def wait(self) -> None:
        """Until events wait; it may also end without any."""
        self._waiter = self._loop.create_future()
        self._calls_in_vain = 0
        if not self._is_watching:
            self._loop.add_reader(self._queue.fileno(), self._ready)
            self._is_watching = True
        await self._waiter

    def _ready(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            if not waiter.done():
                waiter.set_result(None)
            return
        # Nobody waits: the receiver is at work. The descriptor stays readable, so to watch on
        # would be to spin; to stop at once would cost two system calls for each batch.
        self._calls_in_vain += 1
        if self._calls_in_vain > 1:
            self.stop()

    def stop(self) -> None:
        if self._is_watching:
            self._is_watching = False
            self._loop.remove_reader(self._queue.fileno())
