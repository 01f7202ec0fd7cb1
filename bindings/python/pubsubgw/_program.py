"""A whole gateway as a program: its arguments, and its life."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import stat
import sys
from typing import Dict, List, Optional, Sequence

from . import _addresses as addresses
from ._admin import PREFIX, Admin
from ._door import Door
from ._errors import Error, LoadError
from ._gateway import Gateway
from ._library import load, set_log_level, version
from ._objects import FileError, Objects
from ._status import Service, StatusDesk
from ._store import Store, StoreError

LEVELS = {"off": 0, "error": 1, "warn": 2, "info": 3, "debug": 4}
KEY_LETTERS_MIN = 16
NOTHING = "none"

EXAMPLES = """\
A route is an APISIX route object as JSON:

  {"uri": "/kafka", "upstream": {"scheme": "kafka", "type": "none", "nodes": {"127.0.0.1:9092": 1}}}

  pubsubgw --listen 127.0.0.1:9080 --route route.json
  pubsubgw --listen '*:9080' --admin 127.0.0.1:9180 --admin-key-file key
  curl -X PUT http://127.0.0.1:9180/apisix/admin/routes/kafka -H "X-API-KEY: $(cat key)" -d @route.json

SIGTERM and SIGINT end it in peace: clients get a Close frame with 1001. SIGHUP reads the files
again; clients get 1012, and come again to what the files say then. If a file is wrong, all stays as
it was.
"""

log = logging.getLogger("pubsubgw")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="pubsubgw", description="Gives Kafka to WebSocket clients.", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = made.add_argument
    add("--listen", metavar="ADDRESS", action="append", default=[],
        help=f"where clients come: {addresses.RULE}; several times for several "
             "(127.0.0.1:9080)")
    add("--route", metavar="FILE", action="append", default=[],
        help="a route; its id is its own, or else the file's name without .json")
    add("--upstream", metavar="FILE", action="append", default=[],
        help="an upstream, for routes with an upstream_id")
    add("--settings", metavar="FILE",
        help='of the gateway, as an object: {"threads": 1, "cache_bytes": 67108864, ...}')
    add("--status", metavar="ADDRESS", default="127.0.0.1:9081",
        help="where /health and /metrics are (127.0.0.1:9081); none: nowhere")
    add("--admin", metavar="ADDRESS",
        help=f"where routes and upstreams can be changed, below {PREFIX}/; a port alone is one of "
             "127.0.0.1. May be one of --listen")
    add("--admin-key-file", metavar="FILE",
        help="holds what X-API-KEY has to be")
    add("--admin-dir", metavar="FOLDER", default=state_folder(),
        help="where changed objects are kept (%(default)s)")
    add("--drain", metavar="SECONDS", type=seconds, default=30.0,
        help="for clients to go, at an end or reload (30)")
    add("--log", choices=list(LEVELS), default="warn", help="what standard error tells (warn)")
    add("--library", metavar="FILE", help="libpubsubgw.so.0, if it is not found by itself")
    add("--check", action="store_true", help="only read the files, and tell what is wrong")
    add("--version", action="store_true", help="print the library's version")
    return made


def state_folder() -> str:
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(base, "pubsubgw")


def seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 86_400:
        raise argparse.ArgumentTypeError("expected 0 to 86400 seconds")
    return number


class Program:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        store = Store(options.admin_dir) if options.admin else None
        self._objects = Objects(options.settings, options.upstream, options.route, store)
        self._service = Service(self._objects.gateway())
        self._admin: Optional[Admin] = None
        if store:
            key = admin_key(options.admin_key_file)
            self._admin = Admin(
                lambda: self._service.gateway, store, key, self._objects.origins)
        self._clients: Dict[str, socket.socket] = {}
        self._doors: List[Door] = []
        self._open: List[socket.socket] = []
        self._signals: "asyncio.Queue[int]" = asyncio.Queue()
        #: The end of the gateway before this one.
        self._retiring: "Optional[asyncio.Task[None]]" = None

    async def run(self) -> None:
        try:
            self._watch_signals()
            await self._open_doors()
            while await self._signals.get() == signal.SIGHUP:
                await self._reload()
            self._service.is_draining = True
            await self._retire(self._service.gateway, 1001)
            if self._retiring:
                await self._retiring
        finally:
            for door in self._doors:
                door.close()
            for listener in self._open:
                addresses.end(listener)
            self._service.gateway.close()

    async def _open_doors(self) -> None:
        options = self._options
        for address in options.listen:
            if not any(same(address, other) for other in (options.admin, options.status)):
                self._clients[address] = self._listen("--listen", address)
        self._begin(self._service.gateway)
        for address, listener in self._clients.items():
            print(f"clients: {addresses.shown(listener)}", flush=True)
        if options.admin:
            await self._open_door(
                "--admin", options.admin, f"admin: http://{{}}{PREFIX}/", self._admin)
        if options.status != NOTHING and not same(options.status, options.admin):
            await self._open_door("--status", options.status, "status: http://{}/health, /metrics")

    async def _open_door(
        self, option: str, address: str, line: str, admin: Optional[Admin] = None,
    ) -> None:
        listener = self._listen(option, address)
        if admin and not addresses.is_local(listener):
            log.warning("%s %s: whoever reads this network reads the key", option, address)
        takes_clients = any(same(address, other) for other in self._options.listen)
        door = Door(StatusDesk(self._service, admin, takes_clients))
        self._doors.append(door)
        await asyncio.get_running_loop().create_server(
            door, sock=listener, backlog=addresses.BACKLOG)
        if takes_clients:
            print(f"clients: {addresses.shown(listener)}")
        print(line.format(addresses.shown(listener)), flush=True)

    def _listen(self, option: str, address: str) -> socket.socket:
        try:
            listener = addresses.listening_socket(address)
        except (ValueError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise FileError(f"{option} {address}: {reason}") from None
        self._open.append(listener)
        return listener

    def _begin(self, gateway: Gateway) -> None:
        gateway.start()
        for listener in self._clients.values():
            gateway.listen(f"fd:{listener.fileno()}")

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._take_signal, number)

    def _take_signal(self, number: int) -> None:
        if self._service.is_draining and number != signal.SIGHUP:
            # The second time: now.
            os._exit(1)
        self._signals.put_nowait(number)

    async def _reload(self) -> None:
        """The next gateway listens before the last one stops: nobody is refused in between."""
        options = self._options
        if self._retiring:
            # One at a time: each has threads and a cache.
            await self._retiring
        store = self._objects.store
        nodes = store.nodes if store else {}
        gateway = None
        try:
            key = admin_key(options.admin_key_file) if self._admin else ""
            if store:
                store.load()
            gateway = self._objects.gateway()
            self._begin(gateway)
        except (FileError, StoreError, Error) as error:
            if gateway:
                gateway.close()
            if store:
                store.nodes = nodes
            return log.error("nothing was changed: %s", error)
        if self._admin:
            self._admin.set_key(key)
        former, self._service.gateway = self._service.gateway, gateway
        print("the files were read again", flush=True)
        self._retiring = asyncio.create_task(self._retire(former, 1012))

    async def _retire(self, gateway: Gateway, code: int) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, gateway.shut_down, code, self._options.drain)
        if gateway is not self._service.gateway:
            gateway.close()


def same(one: str, other: Optional[str]) -> bool:
    """Of addresses with port 0 each is another one."""
    return one == other and not one.endswith(":0")


def admin_key(path: Optional[str]) -> str:
    if path is None:
        raise FileError("--admin needs --admin-key-file FILE: who knows the key may change routes")
    try:
        with open(path, encoding="utf-8") as file:
            key = file.read().strip()
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileError(f"{path}: not text") from None
    if len(key) < KEY_LETTERS_MIN or not all("!" <= letter <= "~" for letter in key):
        raise FileError(
            f"{path}: expected a key of {KEY_LETTERS_MIN} or more printable ASCII letters without"
            " blanks, as of: openssl rand -hex 16")
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        log.warning("%s: others on this machine may read the key: chmod 600", path)
    return key


def options_of(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    made = parser()
    options = made.parse_args(arguments)
    options.listen = list(dict.fromkeys(options.listen)) or ["127.0.0.1:9080"]
    if options.admin and options.admin.isdigit():
        options.admin = f"127.0.0.1:{options.admin}"
    if not (options.route or options.admin or options.version):
        made.error("there is nothing to serve: give --route FILE, or --admin ADDRESS")
    return options


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs the program and answers its exit status: 2 for its arguments, 1 for what else is
    wrong."""
    options = options_of(arguments)
    logging.basicConfig(format="pubsubgw: %(message)s", level=logging.WARNING)
    log.setLevel(logging.INFO if LEVELS[options.log] > 2 else logging.WARNING)
    try:
        load(options.library)
        if options.version:
            print(version())
            return 0
        set_log_level(LEVELS[options.log])
        if options.check:
            return checked(options)
        asyncio.run(started(options))
    except (FileError, StoreError, LoadError, Error) as error:
        log.error("%s", error)
        return 1
    return 0


async def started(options: argparse.Namespace) -> None:
    await Program(options).run()


def checked(options: argparse.Namespace) -> int:
    objects = Objects(options.settings, options.upstream, options.route)
    objects.gateway().close()
    for note in objects.notes():
        print(f"note: {note}")
    print("the files are right")
    return 0
