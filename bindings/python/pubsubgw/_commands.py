"""Commands of the host's own."""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Dict, Optional, Set, Union

from ._errors import GoneError
from ._events import EventType, Queue, RawEvent, data_of, log
from ._library import check, lib
from ._sessions import Session
from ._text import optional_bytes

if TYPE_CHECKING:
    from ._gateway import Gateway

_IS_JSON = 1

#: What a handler answers: the bytes of the response's sub-message, or a JSON value as text.
Reply = Union[bytes, str]


@dataclass(frozen=True)
class Command:
    """A client's command. `data` is the request's sub-message as protobuf; or, if `is_json`, a
    JSON value, and so has the reply to be."""

    session: Session
    sequence: int
    data: bytes
    is_json: bool
    user_data: int

    def json(self) -> Any:
        """`data` of a JSON session, parsed."""
        return json.loads(self.data)


Handler = Callable[[Command], Union[Reply, Awaitable[Reply]]]


class CommandFailed(Exception):
    """Raised by a handler: the client gets an ErrorResp with this text. code: of the ErrorResp."""

    def __init__(self, message: str, code: int = 10) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True)
class Registration:
    """What `Gateway.command` was told."""

    name: str
    req_field: int
    resp_field: int
    route: Optional[str]
    handler: Handler


class CommandDesk:
    """Answers the commands that come to one queue."""

    def __init__(self, gateway: "Gateway", queue: Queue) -> None:
        self._gateway = gateway
        self._queue = queue
        self._handlers: Dict[int, Registration] = {}
        # asyncio itself holds a task weakly.
        self._tasks: "Set[asyncio.Future[None]]" = set()
        queue.set_type_receiver(EventType.COMMAND, self._receive)

    def takes(self, registration: Registration) -> bool:
        """An event does not tell its route: one queue takes a field for one registration."""
        known = self._handlers.get(registration.req_field)
        return known is None or known.route == registration.route

    def add(self, registration: Registration) -> None:
        check(lib.pubsubgw_command_on(
            self._gateway._live(), optional_bytes(registration.route), registration.name.encode(),
            registration.req_field, registration.resp_field, self._queue._live()))
        self._handlers[registration.req_field] = registration

    def _receive(self, raw: RawEvent, _: int) -> None:
        session = Session(raw[2])
        session._gateway = self._gateway
        command = Command(session, raw[9], data_of(raw), bool(raw[8] & _IS_JSON), raw[4])
        registration = self._handlers[raw[7]]
        try:
            reply = registration.handler(command)
        except Exception as error:
            return self._fail(raw[3], registration, error)
        if isinstance(reply, (bytes, str)):
            return self._reply(raw[3], registration, reply)
        if not inspect.isawaitable(reply):
            return self._fail(raw[3], registration, TypeError(f"it answered {reply!r}"))
        task = asyncio.ensure_future(self._finish(raw[3], registration, reply))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(
        self, token: int, registration: Registration, reply: Awaitable[Reply],
    ) -> None:
        try:
            answer = await reply
        except asyncio.CancelledError:
            self._fail(token, registration, CommandFailed("the server is shutting down"))
            raise
        except Exception as error:
            return self._fail(token, registration, error)
        self._reply(token, registration, answer)

    def _reply(self, token: int, registration: Registration, reply: Reply) -> None:
        data = reply.encode() if isinstance(reply, str) else reply
        try:
            check(lib.pubsubgw_command_reply(self._gateway._live(), token, data, len(data)))
        except GoneError:
            log.debug("%s was answered too late", registration.name)
        except Exception as error:
            self._fail(token, registration, error)

    def _fail(self, token: int, registration: Registration, error: Exception) -> None:
        code, message = 10, "the command failed"
        if isinstance(error, CommandFailed):
            code, message = error.code, error.message
        else:
            # What went wrong inside is for the log, not for the client.
            log.error("%s failed", registration.name, exc_info=error)
        try:
            check(lib.pubsubgw_command_fail(
                self._gateway._live(), token, code, message.encode()))
        except GoneError:
            log.debug("%s was answered too late", registration.name)
