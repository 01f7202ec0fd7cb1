"""Sockets that listen, made by the program itself: they stay open while gateways come and go."""

from __future__ import annotations

import os
import socket
import stat

RULE = '"127.0.0.1:9080", "[::1]:9080", "*:9080", "unix:/path", "unix:@name" or "fd:3"'
BACKLOG = 4096
UNIX_MODE = 0o660


def listening_socket(address: str) -> socket.socket:
    """A socket that listens at `address`, written as `Gateway.listen` takes it. ValueError: it is
    malformed; OSError: it is in use, ..."""
    kind, _, rest = address.partition(":")
    if kind == "unix":
        return _unix(rest)
    if kind == "fd":
        return _inherited(rest)
    host, port = _split(address)
    if host == "*":
        dual = socket.has_dualstack_ipv6()
        return socket.create_server(
            ("", port), family=socket.AF_INET6 if dual else socket.AF_INET, backlog=BACKLOG,
            dualstack_ipv6=dual)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def _split(address: str) -> "tuple[str, int]":
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError(f"expected an address such as {RULE}")
    host = "127.0.0.1" if host == "localhost" else host
    if host != "*":
        try:
            socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
        except OSError:
            raise ValueError(f"{host} is no numeric address; expected such as {RULE}") from None
    return host, int(port)


def _unix(path: str) -> socket.socket:
    if not path.lstrip("@"):
        raise ValueError("there is no path behind unix:")
    listener = socket.socket(socket.AF_UNIX)
    try:
        if path.startswith("@"):
            listener.bind("\0" + path[1:])
        else:
            _remove_abandoned(path)
            listener.bind(path)
            # Before it listens: until then nobody can connect.
            os.chmod(path, UNIX_MODE)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _remove_abandoned(path: str) -> None:
    """The file of a socket on which nobody listens any more."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except BlockingIOError:
            pass


def _inherited(number: str) -> socket.socket:
    if not (number.isascii() and number.isdigit()):
        raise ValueError("there is no descriptor's number behind fd:")
    listener = socket.socket(fileno=os.dup(int(number)))
    if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listener.close()
        raise ValueError("that descriptor is no socket that listens")
    return listener


def shown(listener: socket.socket) -> str:
    """Where it listens, with the port that the system chose for 0."""
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return "unix:" + os.fsdecode(name).replace("\0", "@")
    host, port = name[:2]
    if host in ("::", "0.0.0.0"):
        host = "*"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_local(listener: socket.socket) -> bool:
    """Whether only this machine reaches it."""
    if listener.family == socket.AF_UNIX:
        return True
    host = str(listener.getsockname()[0])
    return host.startswith("127.") or host == "::1"


def end(listener: socket.socket) -> None:
    """Closes it, and removes its file."""
    path = shown(listener)[5:] if listener.family == socket.AF_UNIX else ""
    listener.close()
    if path and not path.startswith("@"):
        try:
            os.unlink(path)
        except OSError:
            pass
