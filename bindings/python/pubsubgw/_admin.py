"""APISIX's Admin API for routes and upstreams: `curl -X PUT .../apisix/admin/routes/ID`."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Tuple

from ._door import Answer, Request
from ._errors import Error, StateError
from ._gateway import Gateway
from ._store import ID, KINDS, Node, Store, key_of

PREFIX = "/apisix/admin"
#: What answers show in the place of a secret.
MASK = "***"

log = logging.getLogger("pubsubgw")


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, text: str, **more: str) -> None:
        super().__init__(text)
        self.status = status
        self.content: Dict[str, str] = {"error_msg": text, **more}


class Admin:
    """Changes the gateway and the store together. Answers are the original's, of its version 3,
    but that secrets are masked in them.

    `gateway` answers the one that is in service; `fixed` are objects that files define, by kind
    and id, with the name of the file."""

    def __init__(
        self, gateway: Callable[[], Gateway], store: Store, key: str,
        fixed: Mapping[Tuple[str, str], str],
    ) -> None:
        self._gateway = gateway
        self.store = store
        self.fixed = fixed
        self.set_key(key)

    def set_key(self, key: str) -> None:
        self._key = _digest(key)

    def begin(self, request: Request) -> Optional[Answer]:
        """The answer; or None, if the request's body is wanted for it."""
        try:
            self._check_key(request)
            if request.method in ("PUT", "PATCH", "POST"):
                self._place(request)
                return None
            return self._perform(request, b"")
        except Refused as refused:
            return _answer(refused.status, refused.content)

    def finish(self, request: Request, body: bytes) -> Answer:
        try:
            return self._perform(request, body)
        except Refused as refused:
            return _answer(refused.status, refused.content)

    def _check_key(self, request: Request) -> None:
        given = request.headers.get("x-api-key")
        if given is None:
            raise Refused(401, "failed to check token", description="missing apikey")
        # Digests: neither a letter nor the length of the key shows in the time.
        if not hmac.compare_digest(_digest(given), self._key):
            raise Refused(401, "failed to check token", description="wrong apikey")

    @staticmethod
    def _place(request: Request) -> Tuple[str, Optional[str]]:
        """Kind and id of a path. Nothing is decoded: ids have no letters that need it."""
        segments = request.path[len(PREFIX):].split("/")[1:]
        kind = segments[0] if segments else ""
        if kind not in KINDS:
            known = ", ".join(sorted(KINDS))
            raise Refused(404, f"Unsupported resource type: {kind[:64]} (known: {known})")
        if len(segments) == 1 or segments[1:] == [""]:
            return kind, None
        if len(segments) > 2 or not ID.fullmatch(segments[1]):
            raise Refused(400, "an id has 1 to 64 of the letters a-z, A-Z, 0-9, _, ., -")
        return kind, segments[1]

    def _perform(self, request: Request, body: bytes) -> Answer:
        kind, id = self._place(request)
        if request.method in ("GET", "HEAD"):
            return self._list(kind) if id is None else self._get(kind, id)
        if request.method == "POST":
            if id is not None:
                raise Refused(400, f"wrong {kind[:-1]} id, do not need it")
            return self._put(kind, f"{self.store.revision + 1:020d}", body)
        if request.method not in ("PUT", "PATCH", "DELETE"):
            raise Refused(405, "expected GET, PUT, PATCH, POST or DELETE")
        if id is None:
            raise Refused(400, f"missing {kind[:-1]} id")
        if request.method == "DELETE":
            return self._delete(kind, id)
        return self._put(kind, id, body) if request.method == "PUT" else self._patch(kind, id, body)

    # Reading -----------------------------------------------------------------------------------

    def _list(self, kind: str) -> Answer:
        nodes = sorted(self._nodes(kind), key=lambda node: (node["createdIndex"], node["key"]))
        return _answer(200, {"total": len(nodes), "list": nodes})

    def _get(self, kind: str, id: str) -> Answer:
        for node in self._nodes(kind):
            if node["value"]["id"] == id:
                return _answer(200, node)
        return _answer(404, {"message": "Key not found"})

    def _nodes(self, kind: str) -> "list[Node]":
        """With the gateway's objects as values, which are without secrets."""
        nodes = []
        for value in self._gateway().routes()[kind]:
            node = self.store.nodes.get((kind, value["id"]))
            nodes.append(shown(kind, value, node))
        return nodes

    # Changing ----------------------------------------------------------------------------------

    def _put(self, kind: str, id: str, body: bytes) -> Answer:
        self._refuse_fixed(kind, id)
        former = self.store.nodes.get((kind, id))
        try:
            self._apply(kind, id, body)
        except Error as error:
            raise Refused(400, error.text) from None
        try:
            value = self._kept(id, body, former)
            self.store.put(kind, id, value)
        except (ValueError, OSError) as error:
            self._restore(kind, id, former)
            if isinstance(error, OSError):
                raise self._unkept(error) from None
            raise Refused(400, str(error)) from None
        log.info("%s %s was put", kind[:-1], id)
        masked = next(value for value in self._gateway().routes()[kind] if value["id"] == id)
        node = shown(kind, masked, self.store.nodes[kind, id])
        return _answer(
            200 if former else 201, {"key": node["key"], "value": node["value"]})

    def _patch(self, kind: str, id: str, body: bytes) -> Answer:
        former = self.store.nodes.get((kind, id))
        if former is None and (kind, id) not in self.fixed:
            return _answer(404, {"message": "Key not found"})
        try:
            change = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"invalid request body: {error}") from None
        if not isinstance(change, dict):
            raise Refused(400, "invalid request body: expected an object")
        value = former["value"] if former else {}
        return self._put(kind, id, json.dumps(merged(value, change)).encode())

    def _delete(self, kind: str, id: str) -> Answer:
        self._refuse_fixed(kind, id)
        former = self.store.nodes.get((kind, id))
        if former is None:
            return _answer(404, {"message": "Key not found"})
        if kind == "upstreams":
            try:
                self._gateway().upstream_delete(id)
            except StateError as error:
                raise Refused(400, error.text) from None
        try:
            self.store.remove(kind, id)
        except OSError as error:
            if kind == "upstreams":
                self._restore(kind, id, former)
            raise self._unkept(error) from None
        if kind == "routes":
            # The original lets its clients be; but who removes a route wants its use to end.
            self._gateway().route_delete(id, close_sessions=True)
        log.info("%s %s was deleted", kind[:-1], id)
        return _answer(200, {"deleted": "1", "key": key_of(kind, id)})

    def _apply(self, kind: str, id: str, text: bytes) -> None:
        if kind == "routes":
            self._gateway().route_put(text, id=id)
        else:
            self._gateway().upstream_put(text, id=id)

    def _restore(self, kind: str, id: str, former: Optional[Node]) -> None:
        if former is not None:
            self._apply(kind, id, json.dumps(former["value"]).encode())
        elif kind == "routes":
            self._gateway().route_delete(id)
        else:
            self._gateway().upstream_delete(id)

    @staticmethod
    def _kept(id: str, body: bytes, former: Optional[Node]) -> Dict[str, Any]:
        """The object as it is stored. The library has read the text before: it is no worse than
        that."""
        value: Dict[str, Any] = json.loads(body)
        place = masked_place(value)
        if place:
            raise ValueError(f'{place}: "{MASK}" stands for a secret in answers: give the secret')
        now = int(time.time())
        created = former["value"].get("create_time", now) if former else now
        json.dumps(value, allow_nan=False)
        return {**value, "id": id, "create_time": created, "update_time": now}

    def _refuse_fixed(self, kind: str, id: str) -> None:
        if (kind, id) in self.fixed:
            raise Refused(400, f"{kind[:-1]} {id} comes from {self.fixed[kind, id]}: change it"
                               " there, and send SIGHUP")

    @staticmethod
    def _unkept(error: OSError) -> Refused:
        log.error("nothing was changed: %s", error)
        return Refused(503, f"nothing was changed: {error.strerror}")


def shown(kind: str, masked: Dict[str, Any], node: Optional[Node]) -> Node:
    if node is None:
        return {"key": key_of(kind, masked["id"]), "value": masked,
                "createdIndex": 0, "modifiedIndex": 0}
    times = {name: node["value"][name] for name in ("create_time", "update_time")
             if name in node["value"]}
    return {**node, "value": {**masked, **times}}


def merged(value: Any, change: Any) -> Any:
    """RFC 7396: null takes a member away."""
    if not isinstance(change, dict):
        return change
    result = dict(value) if isinstance(value, dict) else {}
    for name, part in change.items():
        if part is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), part)
    return result


def masked_place(value: Any) -> Optional[str]:
    """Where in an object a mask stands."""
    members: "Iterable[Tuple[Any, Any]]" = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for name, member in members:
        place = "" if member == MASK else masked_place(member)
        if place is not None:
            return f"{name}.{place}" if place else str(name)
    return None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _answer(status: int, content: Mapping[str, Any]) -> Answer:
    return Answer(
        status, json.dumps(content).encode() + b"\n", "application/json", {"X-API-VERSION": "v3"})
