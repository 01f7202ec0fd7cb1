"""A gateway from files: settings, upstreams, routes, and what the admin interface has kept."""

from __future__ import annotations

import ctypes
import json
import os
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ._errors import Error
from ._gateway import Gateway, route_check, upstream_check
from ._library import check, lib
from ._store import KINDS, Store


class FileError(Exception):
    """What is wrong in a file. The text names the file, and line, column and key where known."""


@dataclass
class Objects:
    """The files of a gateway."""

    settings: Optional[str] = None
    upstreams: Sequence[str] = ()
    routes: Sequence[str] = ()
    store: Optional[Store] = None
    #: By kind and id, where each object of a file comes from.
    origins: Dict[Tuple[str, str], str] = field(default_factory=dict)

    def gateway(self) -> Gateway:
        """A gateway that is not started yet."""
        gateway = Gateway(**self._settings())
        try:
            origins: Dict[Tuple[str, str], str] = {}
            self._put("upstreams", gateway, origins)
            self._put("routes", gateway, origins)
        except BaseException:
            gateway.close()
            raise
        self.origins.clear()
        self.origins.update(origins)
        return gateway

    def notes(self) -> List[str]:
        """Keys that have no effect."""
        found = []
        for files, checked in ((self.upstreams, upstream_check), (self.routes, route_check)):
            for path in files:
                found += [f"{path}: {note}" for note in checked(read(path))]
        return found

    def _settings(self) -> Dict[str, Any]:
        if self.settings is None:
            return {}
        text = read(self.settings)
        handle = ctypes.c_void_p()
        # The text itself, so that an error tells its lines.
        told(self.settings, lambda: check(lib.pubsubgw_new(text, ctypes.byref(handle))))
        lib.pubsubgw_destroy(handle)
        settings: Dict[str, Any] = json.loads(text)
        return settings

    def _put(self, kind: str, gateway: Gateway, origins: Dict[Tuple[str, str], str]) -> None:
        put = gateway.route_put if kind == "routes" else gateway.upstream_put
        for path in self.routes if kind == "routes" else self.upstreams:
            text = read(path)
            id = own_id(text) or os.path.splitext(os.path.basename(path))[0]
            if (kind, id) in origins:
                raise FileError(
                    f"{path}: {kind[:-1]} {id} is in {origins[kind, id]} too: ids are unique")
            told(path, lambda: put(text, id=id))
            origins[kind, id] = path
        for (stored, id), node in sorted(self.store.nodes.items()) if self.store else ():
            if stored != kind:
                continue
            path = self.store.path(kind, id) if self.store else ""
            if (kind, id) in origins:
                raise FileError(
                    f"{path}: {kind[:-1]} {id} is in {origins[kind, id]} too: remove one of them")
            told(path, lambda: put(json.dumps(node["value"]), id=id))


def told(path: str, put: Callable[[], object]) -> None:
    try:
        put()
    except Error as error:
        text = error.text.removeprefix("config_json: ")
        raise FileError(f"{path}: {text}") from None


def read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None


def own_id(text: bytes) -> Optional[str]:
    """What is wrong with the text, the library tells better."""
    try:
        id = json.loads(text).get("id")
    except (ValueError, RecursionError, AttributeError):
        return None
    return str(id) if isinstance(id, (str, int)) else None
