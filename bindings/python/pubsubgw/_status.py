"""What an operator's address answers: health, metrics, and the admin interface where it is on."""

from __future__ import annotations

import asyncio
from typing import Callable, Optional

from ._admin import PREFIX, Admin
from ._door import Answer, Refusal, Request
from ._errors import StateError
from ._gateway import Gateway
from .transports import hand_over

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Service:
    """The gateway that is in service; another one after each reload."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.is_draining = False


class StatusDesk:
    """`admin` None: there is no admin interface at this address. `takes_clients`: clients of the
    gateway come to it too."""

    def __init__(
        self, service: Service, admin: Optional[Admin] = None, takes_clients: bool = False,
    ) -> None:
        self._service = service
        self._admin = admin
        self._takes_clients = takes_clients
        self._pages: "dict[str, Callable[[], Answer]]" = {
            "/health": self._health, "/metrics": self._metrics}

    def begin(self, request: Request) -> Optional[Answer]:
        if self._is_admin(request) and self._admin:
            return self._admin.begin(request)
        page = self._pages.get(request.path)
        if page is None:
            known = ", ".join(self._pages)
            return Answer(404, f"not found; there are {known}\n".encode())
        if request.method not in ("GET", "HEAD"):
            return Answer(405, b"expected GET\n", headers={"Allow": "GET, HEAD"})
        return page()

    def finish(self, request: Request, body: bytes) -> Answer:
        assert self._admin is not None
        return self._admin.finish(request, body)

    def hand_over(self, transport: asyncio.Transport, head: bytes, behind: bytes) -> bool:
        if not self._takes_clients:
            return False
        try:
            hand_over(transport, self._service.gateway, request_head=head, preread=behind)
        except ConnectionResetError:
            transport.abort()
        except StateError:
            raise Refusal(503, "draining") from None
        return True

    @staticmethod
    def _is_admin(request: Request) -> bool:
        return request.path == PREFIX or request.path.startswith(PREFIX + "/")

    def _health(self) -> Answer:
        if self._service.is_draining:
            return Answer(503, b"draining\n")
        return Answer(200, b"ok\n")

    def _metrics(self) -> Answer:
        return Answer(200, self._service.gateway.metrics().encode(), METRICS_TYPE)
