"""Objects of the admin interface, in a folder: one file each, written as a whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import re
from typing import Any, Dict, Iterator, Tuple

#: The original's rule for ids; each is the name of a file here.
ID = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
KINDS = ("upstreams", "routes")

#: As the original answers it: {"key", "value", "createdIndex", "modifiedIndex"}.
Node = Dict[str, Any]


class StoreError(Exception):
    """A folder or file of the store cannot be used; the text names it."""


class Store:
    """`nodes` is what the folder holds, by kind and id. One process at a time has the folder."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.nodes: Dict[Tuple[str, str], Node] = {}
        self.revision = 0
        try:
            for kind in KINDS:
                os.makedirs(os.path.join(directory, kind), mode=0o700, exist_ok=True)
            self._lock = os.open(
                os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"{directory}: another gateway works in this folder") from None
        except OSError as error:
            raise StoreError(f"{error.filename or directory}: {error.strerror}") from None
        self.load()

    def load(self) -> None:
        """Reads the folder (again); on a failure `nodes` stays as it was."""
        self.nodes = {(kind, id): node for kind, id, node in self._read()}
        self.revision = max(
            [self.revision, *(int(node["modifiedIndex"]) for node in self.nodes.values())])

    def _read(self) -> Iterator[Tuple[str, str, Node]]:
        for kind in KINDS:
            for name in sorted(os.listdir(os.path.join(self.directory, kind))):
                id = name.removesuffix(".json")
                if id != name and ID.fullmatch(id):
                    yield kind, id, self._node(self.path(kind, id))

    def _node(self, path: str) -> Node:
        try:
            with open(path, encoding="utf-8") as file:
                node = json.load(file)
            # What only looks like a node fails here, with the file's name.
            int(node["createdIndex"]), int(node["modifiedIndex"]), node["value"].keys()
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{path}: {error}") from None
        except (KeyError, TypeError, AttributeError):
            raise StoreError(
                f'{path}: expected {{"value": {{...}}, "createdIndex": 1, "modifiedIndex": 1}}'
            ) from None
        return dict(node)

    def path(self, kind: str, id: str) -> str:
        return os.path.join(self.directory, kind, f"{id}.json")

    def put(self, kind: str, id: str, value: Dict[str, Any]) -> Node:
        """Keeps an object, and answers its node. OSError: it is as it was."""
        former = self.nodes.get((kind, id))
        revision = self.revision + 1
        node: Node = {
            "key": key_of(kind, id), "value": value, "modifiedIndex": revision,
            "createdIndex": former["createdIndex"] if former else revision}
        self._write(self.path(kind, id), json.dumps(node, indent=2, allow_nan=False) + "\n")
        self.revision = revision
        self.nodes[kind, id] = node
        return node

    def _write(self, path: str, text: str) -> None:
        beside = path + ".new"
        with open(beside, "w", encoding="utf-8", opener=_private) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        self._settle(path)

    def remove(self, kind: str, id: str) -> None:
        os.unlink(self.path(kind, id))
        self.revision += 1
        del self.nodes[kind, id]
        self._settle(self.path(kind, id))

    @staticmethod
    def _settle(path: str) -> None:
        """A name is on the disk when its folder is."""
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        os.close(self._lock)


def key_of(kind: str, id: str) -> str:
    return f"/apisix/{kind}/{id}"


def _private(path: str, flags: int) -> int:
    """Objects hold passwords."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
