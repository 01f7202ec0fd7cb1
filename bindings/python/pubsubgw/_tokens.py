"""Tokens for logins by OAUTHBEARER, which the host gets."""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Awaitable, Callable, Dict, Mapping, Set, Tuple, Union

from ._errors import GoneError
from ._events import EventType, Queue, RawEvent, data_of, log
from ._library import check, lib

if TYPE_CHECKING:
    from ._gateway import Gateway


@dataclass(frozen=True)
class Token:
    """A token, and for how many seconds from now on it is good. extensions: sent with it."""

    value: str = field(repr=False)
    lifetime: float
    extensions: Mapping[str, str] = field(default_factory=dict)


#: What a source answers: a `Token`, or its value and its lifetime in seconds.
GivenToken = Union[Token, Tuple[str, float]]
TokenSource = Callable[[], Union[GivenToken, Awaitable[GivenToken]]]


class TokenDesk:
    """Answers the requests for tokens that come to one queue."""

    def __init__(self, gateway: "Gateway", queue: Queue) -> None:
        self._gateway = gateway
        self._queue = queue
        self._sources: Dict[str, TokenSource] = {}
        # asyncio itself holds a task weakly.
        self._tasks: "Set[asyncio.Future[None]]" = set()
        queue.set_type_receiver(EventType.TOKEN, self._receive)

    def add(self, name: str, source: TokenSource) -> None:
        self._sources[name] = source
        check(lib.pubsubgw_token_on(self._gateway._live(), name.encode(), self._queue._live()))

    def _receive(self, raw: RawEvent, _: int) -> None:
        name = data_of(raw).decode()
        try:
            given = self._sources[name]()
        except Exception as error:
            return self._fail(name, error)
        if not inspect.isawaitable(given):
            return self._give(name, given)
        task = asyncio.ensure_future(self._finish(name, given))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self, name: str, awaited: Awaitable[GivenToken]) -> None:
        try:
            given = await awaited
        except asyncio.CancelledError:
            self._fail(name, Exception("the server is shutting down"))
            raise
        except Exception as error:
            return self._fail(name, error)
        self._give(name, given)

    def _give(self, name: str, given: GivenToken) -> None:
        try:
            token = given if isinstance(given, Token) else Token(*given)
            set_token(self._gateway, name, token)
        except GoneError:
            log.debug("the token %s came too late", name)
        except Exception as error:
            self._fail(name, error)

    def _fail(self, name: str, error: Exception) -> None:
        log.error("the token %s cannot be had", name, exc_info=error)
        try:
            fail_token(self._gateway, name, str(error) or type(error).__name__)
        except GoneError:
            log.debug("the token %s is wanted no more", name)


def set_token(gateway: "Gateway", name: str, token: Token) -> None:
    extensions = json.dumps(dict(token.extensions)).encode() if token.extensions else None
    check(lib.pubsubgw_token_set(
        gateway._live(), name.encode(), token.value.encode(), int(token.lifetime * 1000),
        extensions))


def fail_token(gateway: "Gateway", name: str, reason: str) -> None:
    check(lib.pubsubgw_token_fail(gateway._live(), name.encode(), reason.encode()))
