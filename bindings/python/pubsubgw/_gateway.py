"""The gateway: routes, life cycle, clients, numbers."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import time
import weakref
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Any, AsyncIterator, Callable, Dict, List, Optional, Type

from ._background import LoopThread
from ._client import Client
from ._commands import CommandDesk, Handler, Registration
from ._errors import GoneError, RefusedError, StateError, Status, failure
from ._events import EventType, Queue
from ._library import check, lib, load, take_text
from ._sessions import BytesSession, MessagesSession, OnClosed, Session, opened, opening
from ._structs import StatsStruct
from ._tokens import Token, TokenDesk, TokenSource, fail_token, set_token
from ._text import JSON, json_bytes, milliseconds, optional_bytes

_CLOSE_SESSIONS = 1
_QUEUE_LOG = 1
# Of the library's limit for a line of a head.
_HEADER_BYTES_MAX = 8192


def route_check(route: JSON) -> List[str]:
    """Checks a route without a gateway. Answers notes on keys without effect; raises `ConfigError`
    with key, line and column if it is wrong."""
    text = json_bytes(route)
    return _notes(lib.pubsubgw_route_check(text, len(text)))


def upstream_check(upstream: JSON) -> List[str]:
    """The same for an upstream object."""
    text = json_bytes(upstream)
    return _notes(lib.pubsubgw_upstream_check(text, len(text)))


def _notes(count: int) -> List[str]:
    return lib.pubsubgw_last_error().decode().split("\n") if check(count) else []


@dataclass(frozen=True)
class Stats:
    """pubsubgw_stats: what is open now, and counters since the start."""

    threads: int
    sessions: int
    sessions_total: int
    messages_in: int
    messages_out: int
    bytes_in: int
    bytes_out: int
    commands: int
    command_errors: int
    kafka_requests: int
    kafka_errors: int
    kafka_connections: int
    records_in: int
    records_out: int
    queued_events: int


class Gateway:
    """Routes, threads and sessions. A context manager: leaving it stops everything.

    Keyword arguments are the settings of pubsubgw_new: threads, cache_bytes, client_id,
    host_plugins, host_schemes, limits. Make it and put routes before a fork, `start()` after it: children of a
    process that has started one get `ForkedError`.

    In an asyncio program `async with gateway.running():` does start, dispatch of events and the
    end in peace.
    """

    def __init__(self, *, library: Optional[str] = None, **settings: Any) -> None:
        """library: the path of libpubsubgw.so.0, if `load()` shall not look for it."""
        load(library)
        handle = ctypes.c_void_p()
        config = json.dumps(settings).encode() if settings else None
        check(lib.pubsubgw_new(config, ctypes.byref(handle)))
        self._handle: Optional[int] = handle.value
        self._attached: Dict[asyncio.AbstractEventLoop, Queue] = {}
        self._thread: Optional[LoopThread] = None
        self._drained = asyncio.Event()
        self._registrations: List[Registration] = []
        self._desks: List[CommandDesk] = []
        self._command_queues: List[Queue] = []
        self._sources: Dict[str, TokenSource] = {}
        self._token_desk: Optional[TokenDesk] = None
        self._clients: "weakref.WeakSet[Client]" = weakref.WeakSet()

    # Routes ------------------------------------------------------------------------------------

    def route_put(self, route: JSON, id: Optional[str] = None) -> None:
        """Adds a route, or replaces the one with its id. `id` None: the object's own."""
        text = json_bytes(route)
        check(lib.pubsubgw_route_put(self._live(), optional_bytes(id), text, len(text)))

    def route_delete(self, id: str, close_sessions: bool = False) -> None:
        flags = _CLOSE_SESSIONS if close_sessions else 0
        check(lib.pubsubgw_route_delete(self._live(), id.encode(), flags))

    def upstream_put(self, upstream: JSON, id: Optional[str] = None) -> None:
        """Adds or replaces an upstream object, for routes with "upstream_id"."""
        text = json_bytes(upstream)
        check(lib.pubsubgw_upstream_put(self._live(), optional_bytes(id), text, len(text)))

    def upstream_delete(self, id: str) -> None:
        check(lib.pubsubgw_upstream_delete(self._live(), id.encode()))

    def route_match(self, uri: str, host: Optional[str] = None) -> Optional[str]:
        """The id of the route that would serve the request; None if there is none."""
        room = ctypes.create_string_buffer(4096)
        length = lib.pubsubgw_route_match(
            self._live(), optional_bytes(host), uri.encode(), room, len(room))
        return None if length == Status.NO_ROUTE else room.raw[:check(length)].decode()

    def routes(self) -> Dict[str, Any]:
        """All routes and upstreams, with secrets masked."""
        length = ctypes.c_size_t()
        text = lib.pubsubgw_routes_json(self._live(), ctypes.byref(length))
        found: Dict[str, Any] = json.loads(take_text(text, length))
        return found

    # Life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the threads: in the process that serves, after its last fork."""
        check(lib.pubsubgw_start(self._live()))

    def drain(self, code: int = 1001, timeout: float = 30.0) -> None:
        """No new sessions, and a Close frame with `code` for the others: 1001 when the host shuts
        down, 1012 when it reloads. Returns at once; each queue gets a DRAINED event."""
        check(lib.pubsubgw_drain(self._live(), code, milliseconds(timeout)))

    def stop(self, timeout: float = 5.0) -> None:
        """Ends every session and thread; blocks up to about `timeout` seconds."""
        check(lib.pubsubgw_stop(self._live(), milliseconds(timeout)))

    def shut_down(self, code: int = 1001, timeout: float = 30.0) -> None:
        """`drain`, waits for its end, `stop`: for hosts without asyncio. Blocks. Does nothing if
        the gateway does not run."""
        with contextlib.suppress(StateError, GoneError):
            with self.queue() as queue:
                self.drain(code, timeout)
                # No event tells of a drain that was done before.
                end = time.monotonic() + timeout + 1
                while time.monotonic() < end and self.stats().sessions:
                    if any(event.type == EventType.DRAINED for event in queue.wait(0.1)):
                        break
            self.stop(1.0)

    def close(self) -> None:
        """Stops at once what still runs, and ends the handle."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()
        for client in list(self._clients):
            client.close()
        queues = list(self._attached.values()) + self._command_queues
        self._attached.clear()
        handle, self._handle = self._handle, None
        if handle is not None:
            lib.pubsubgw_destroy(handle)
        for queue in queues:
            queue.close()

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    # asyncio -----------------------------------------------------------------------------------

    def attach(self) -> Queue:
        """The queue of the running asyncio loop, made and attached at the first call. It serves
        all that is awaited on this loop, and gives log lines to the logger "pubsubgw" (the level
        is `set_log_level`'s)."""
        loop = asyncio.get_running_loop()
        queue = self._attached.get(loop)
        if queue is None:
            queue = self.queue(log=True)
            # From the beginning: the host may drain by itself, and shut down later.
            queue.set_type_receiver(EventType.DRAINED, lambda *_: self._drained.set())
            queue.attach(loop=loop)
            self._attached[loop] = queue
            if not self._desks:
                self.serve_commands(queue)
        return queue

    def attach_in_thread(self) -> asyncio.AbstractEventLoop:
        """Attaches to an asyncio loop that runs in a thread of its own: for hosts without asyncio,
        whose commands then are answered there, and which reach clients by
        `asyncio.run_coroutine_threadsafe(..., loop)`. Call it after `start()`; it lasts until
        `close()`."""
        if self._thread is None:
            thread = self._thread = LoopThread()

            async def attach() -> None:
                self.attach()

            asyncio.run_coroutine_threadsafe(attach(), thread.loop).result()
        return self._thread.loop

    async def shutdown(self, code: int = 1001, timeout: float = 30.0) -> None:
        """`drain`, waits for its end, `stop`, without blocking the loop. 1001: the host shuts
        down; 1012: it reloads. Does nothing if the gateway does not run."""
        with contextlib.suppress(StateError, GoneError):
            self.attach()
            self.drain(code, timeout)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._drained.wait(), timeout + 1)
            # The Close frames that are still on their way get a second.
            await asyncio.get_running_loop().run_in_executor(None, self.stop, 1.0)

    @contextlib.asynccontextmanager
    async def running(self, code: int = 1001, timeout: float = 30.0) -> AsyncIterator["Gateway"]:
        """Starts the gateway and dispatches its events on the running loop; in the end drains,
        with `code` and at most `timeout` seconds, and stops."""
        self.start()
        self.attach()
        try:
            yield self
        finally:
            await self.shutdown(code, timeout)

    # Clients -----------------------------------------------------------------------------------

    def listen(self, address: str, mode: int = 0) -> int:
        """Accepts clients: "127.0.0.1:0", "[::1]:80", "*:80", "unix:/path", "unix:@name";
        "fd:3" for a socket that listens already, on a duplicate. Answers the port, or 0. `mode`: of
        the socket file, 0 is 0o660."""
        if not isinstance(address, str):
            raise TypeError(
                f'listen wants an address as text, such as "127.0.0.1:9080", not {address!r}')
        return check(lib.pubsubgw_listen(self._live(), address.encode(), mode))

    def adopt(
        self, fd: int, *, route: Optional[str] = None, host: Optional[str] = None,
        uri: Optional[str] = None, remote_addr: Optional[str] = None,
        request_head: Optional[bytes] = None, key: Optional[str] = None,
        protocol: Optional[str] = None, extensions: Optional[str] = None,
        policy: Optional[JSON] = None, preread: bytes = b"", queue: Optional[Queue] = None,
        user_data: int = 0, dup: bool = False, closed_event: bool = True,
        closed: Optional[OnClosed] = None,
    ) -> Session:
        """Hands over a connected socket and answers the session. On success the library owns `fd`
        (detach it from its socket object; with dup=True it works on a duplicate); on failure
        nothing has happened to it.

        Give `request_head`, the whole HTTP request head as received, and the library checks and
        answers it. Or check it yourself and give `key` (the library sends the 101), or neither
        (you have sent it). The end is told as a CLOSED event of `queue` with `user_data`; or, in
        their place, to `closed`, where `queue` or else the running loop's is dispatched."""
        options = dict(
            route=route, host=host, uri=uri, remote_addr=remote_addr, request_head=request_head,
            key=key, protocol=protocol, extensions=extensions, policy=policy, preread=preread,
            queue=queue, user_data=user_data, dup=dup, closed_event=closed_event)
        return opened(
            Session, self, lib.pubsubgw_session_adopt_fd, (fd,), options, closed=closed)

    def open_check(
        self, *, route: Optional[str] = None, host: Optional[str] = None,
        uri: Optional[str] = None, origin: Optional[str] = None,
        request_head: Optional[bytes] = None, protocol: Optional[str] = None,
        policy: Optional[JSON] = None,
    ) -> Optional[str]:
        """Before the host answers an upgrade by itself: the sub-protocol to agree to, None for none.
        Raises `RefusedError` for a client that the route does not let in, by its `origins` or for
        what its head says; `StateError` is a 503. Arguments as of `open_messages`."""
        struct = opening(
            route=route, host=host, uri=uri, origin=origin, request_head=request_head,
            protocol=protocol, policy=policy)
        room = ctypes.create_string_buffer(_HEADER_BYTES_MAX)
        status = check(
            lib.pubsubgw_open_check(self._live(), ctypes.byref(struct), room, len(room)))
        if status:
            raise RefusedError(status, lib.pubsubgw_last_error().decode())
        return room.value.decode() or None

    def open_bytes(
        self, *, route: Optional[str] = None, host: Optional[str] = None,
        uri: Optional[str] = None, remote_addr: Optional[str] = None,
        request_head: Optional[bytes] = None, key: Optional[str] = None,
        protocol: Optional[str] = None, extensions: Optional[str] = None,
        policy: Optional[JSON] = None, preread: bytes = b"", queue: Optional[Queue] = None,
        user_data: int = 0, output: Optional[Callable[[], None]] = None,
        resume: Optional[Callable[[], None]] = None, closed: Optional[OnClosed] = None,
    ) -> BytesSession:
        """Opens a session for a connection that the host keeps, for TLS above all. The 101, or the
        refusal, is its first output. Arguments as of `adopt`; events OUTPUT, RESUME and CLOSED
        come to the functions, or to `queue` with `user_data`."""
        options = dict(
            route=route, host=host, uri=uri, remote_addr=remote_addr, request_head=request_head,
            key=key, protocol=protocol, extensions=extensions, policy=policy, preread=preread,
            queue=queue, user_data=user_data)
        return opened(
            BytesSession, self, lib.pubsubgw_session_open_bytes, (), options, closed=closed,
            output=output, resume=resume)

    def open_messages(
        self, *, queue: Queue, route: Optional[str] = None, host: Optional[str] = None,
        uri: Optional[str] = None, origin: Optional[str] = None,
        request_head: Optional[bytes] = None, remote_addr: Optional[str] = None,
        protocol: Optional[str] = None, policy: Optional[JSON] = None, user_data: int = 0,
    ) -> MessagesSession:
        """Opens a session for a client whose WebSocket the host speaks, with the agreed `protocol`.
        A client that `open_check` would refuse is closed with 1008. MESSAGE, RESUME and CLOSED
        events come to `queue`; those that wait there make the session's reading pause, so let it
        have a queue of its own."""
        options = dict(
            route=route, host=host, uri=uri, origin=origin, request_head=request_head,
            remote_addr=remote_addr, protocol=protocol, policy=policy, queue=queue,
            user_data=user_data)
        return opened(MessagesSession, self, lib.pubsubgw_session_open_messages, (), options)

    def queue(self, log: bool = False) -> Queue:
        """A queue of events. log=True: log lines come as events, not to standard error."""
        handle = ctypes.c_void_p()
        check(lib.pubsubgw_queue_new(
            self._live(), _QUEUE_LOG if log else 0, ctypes.byref(handle)))
        return Queue(handle.value or 0)

    # Commands and the direct client ------------------------------------------------------------

    def command(
        self, name: str, req_field: int, resp_field: int, *, route: Optional[str] = None,
    ) -> Callable[[Handler], Handler]:
        """Registers a command of the host's own:

            @gateway.command("cmd_redis_publish", 1001, 1002)
            async def publish(command: pubsubgw.Command) -> bytes: ...

        name, fields: as pubsubgw_command_on has them. route: only there; None: on every route that
        has none of its own. The handler answers the response's sub-message (or raises
        `CommandFailed`); it may be a plain function. It is called on the asyncio loop that the
        gateway is attached to first, from then on."""

        def register(handler: Handler) -> Handler:
            registration = Registration(name, req_field, resp_field, route, handler)
            if self._desks:
                self._register(registration)
            self._registrations.append(registration)
            return handler

        return register

    def serve_commands(self, queue: Queue) -> None:
        """Answers the commands and the requests for tokens on `queue`, where it is dispatched; for
        loops other than asyncio's, with handlers that are plain functions. `attach` does it by
        itself."""
        self._desks.append(CommandDesk(self, queue))
        for registration in self._registrations:
            self._register(registration)
        self._token_desk = TokenDesk(self, queue)
        for name, source in self._sources.items():
            self._token_desk.add(name, source)

    def _register(self, registration: Registration) -> None:
        for desk in self._desks:
            if desk.takes(registration):
                return desk.add(registration)
        if not self._attached:
            raise failure(
                Status.INVALID, "PUBSUBGW_E_INVALID",
                f"{registration.name}: one queue takes a field for one route only")
        queue = self.queue()
        queue.attach(loop=next(iter(self._attached)))
        self._command_queues.append(queue)
        self._desks.append(CommandDesk(self, queue))
        self._desks[-1].add(registration)

    # Tokens ------------------------------------------------------------------------------------

    def token(self, name: str) -> Callable[[TokenSource], TokenSource]:
        """Brings the token of routes with {"mechanism": "OAUTHBEARER", "host_token": name}:

            @gateway.token("idp")
            async def token():
                answer = await ask_the_identity_provider()
                return answer["access_token"], answer["expires_in"]

        The function answers a `Token`, or its value and its lifetime in seconds; what it raises
        is told to those who wait. It is called when a token is needed and in good time before its
        end, on the asyncio loop that the gateway is attached to first, from then on; one that is
        no coroutine holds that loop up meanwhile."""

        def register(source: TokenSource) -> TokenSource:
            if self._token_desk is not None:
                self._token_desk.add(name, source)
            self._sources[name] = source
            return source

        return register

    def token_set(
        self, name: str, value: str, lifetime: float, extensions: Optional[Dict[str, str]] = None,
    ) -> None:
        """Gives the gateway a token, asked for or not. lifetime: seconds from now on."""
        set_token(self, name, Token(value, lifetime, extensions or {}))

    def token_fail(self, name: str, reason: str) -> None:
        """There is no token now; who waits for it is told why."""
        fail_token(self, name, reason)

    def client(self, *, route: Optional[str] = None, **config: Any) -> Client:
        """A Kafka client for the host itself, on the running asyncio loop. route: with that
        route's upstream and credentials; or upstream=..., plugins=..., pubsub=... as in a route;
        or in short nodes=..., tls=..., timeout=... of an upstream. Rules of a route's topics bind
        its WebSocket clients, not the host."""
        client = Client(self, config if route is None else {"route": route, **config})
        self._clients.add(client)
        return client

    # Numbers -----------------------------------------------------------------------------------

    def stats(self) -> Stats:
        raw = StatsStruct(struct_size=ctypes.sizeof(StatsStruct))
        check(lib.pubsubgw_get_stats(self._live(), ctypes.byref(raw)))
        return Stats(**{field.name: getattr(raw, field.name) for field in fields(Stats)})

    def metrics(self) -> str:
        """Prometheus' text format."""
        length = ctypes.c_size_t()
        return take_text(lib.pubsubgw_metrics_text(self._live(), ctypes.byref(length)), length)

    def _live(self) -> int:
        if self._handle is None:
            raise failure(Status.GONE, "PUBSUBGW_E_GONE", "the gateway was closed")
        return self._handle
