"""The Python binding as a package: installed by pip, typed, and particular about its library."""

import asyncio
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

import pubsubgw
from program import Program
from support import ROOT, WORK, Gateway, frame, raw_session, route, unused_port

BINDING = os.path.join(ROOT, "bindings/python")
NOWHERE = f"127.0.0.1:{unused_port()}"


def python(program, expect=0, **environment):
    """Runs a program with nothing of the test's own surroundings that leads to the binding."""
    known = {key: value for key, value in os.environ.items()
             if key not in ("PUBSUBGW_LIBRARY", "PYTHONPATH", "LD_LIBRARY_PATH")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True,
        env={**known, **environment})
    assert done.returncode == expect, done
    return done.stdout.strip() + done.stderr.strip()


def test_pip_installs_it_and_it_finds_the_library():
    with tempfile.TemporaryDirectory() as work:
        source, target = os.path.join(work, "source"), os.path.join(work, "target")
        shutil.copytree(BINDING, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
             "--target", target, source], check=True)
        assert os.path.exists(os.path.join(target, "pubsubgw/py.typed"))
        show = "import pubsubgw; print(pubsubgw.load(), pubsubgw.version(), pubsubgw.__file__)"
        # Told by the environment, an argument, the system's loader, or beside the package.
        library = os.environ["PUBSUBGW_LIBRARY"]
        out = python(show, PYTHONPATH=target, PUBSUBGW_LIBRARY=library).split()
        assert out == [library, pubsubgw.version(), os.path.join(target, "pubsubgw/__init__.py")]
        with_path = show.replace("load()", f"load({library!r})")
        assert python(with_path, PYTHONPATH=target).split()[0] == library
        assert python(show, PYTHONPATH=target, LD_LIBRARY_PATH=WORK).split()[0] \
            == "libpubsubgw.so.0"
        os.symlink(library, os.path.join(target, "pubsubgw/libpubsubgw.so.0"))
        beside = os.path.join(target, "pubsubgw/libpubsubgw.so.0")
        assert python(show, PYTHONPATH=target).split()[0] == beside
        # One process has one library.
        late = f"pubsubgw.load({library!r}); pubsubgw.load('/lib/x.so')"
        assert "comes too late" in python("import pubsubgw; " + late, 1, PYTHONPATH=target)


def test_a_wheel_brings_the_library_and_the_program():
    """Into an environment of its own, with no library anywhere else."""
    with tempfile.TemporaryDirectory() as work:
        make = [os.path.join(BINDING, "wheel"), "--library", os.environ["PUBSUBGW_LIBRARY"]]
        path = subprocess.run(
            [sys.executable, *make, work], check=True, capture_output=True, text=True).stdout.strip()
        # For every Python, and for the C library that has all the symbols it needs.
        assert re.search(r"-py3-none-manylinux_2_\d+_\w+\.whl$", path), path
        with open(path, "rb") as file:
            first = file.read()
        subprocess.run([sys.executable, *make, work], check=True, capture_output=True)
        with open(path, "rb") as file:
            assert file.read() == first, "the same input gave another wheel"
        home = os.path.join(work, "venv")
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run(
            [f"{home}/bin/pip", "install", "-q", "--disable-pip-version-check", "--no-index", path],
            check=True)
        environment = {"PATH": os.environ["PATH"], "PUBSUBGW_LIBRARY": "", "PYTHONPATH": "",
                       "LD_LIBRARY_PATH": ""}
        found = subprocess.run(
            [f"{home}/bin/python", "-c", "import pubsubgw; print(pubsubgw.load())"], check=True,
            capture_output=True, text=True, env=environment).stdout
        assert os.path.realpath(found.strip()).startswith(os.path.realpath(home)), found
        with Program(
                "--listen", "127.0.0.1:0", "--status", "127.0.0.1:0", "--route", "{0}/kafka.json",
                files={"kafka.json": route(NOWHERE)}, command=[f"{home}/bin/pubsubgw"],
                **environment) as program:
            raw_session(program.port()).close()
            assert program.ask("status", "GET", "/health") == (200, b"ok\n")


def test_it_says_why_a_library_does_not_fit():
    load = "import pubsubgw; pubsubgw.Gateway()"
    with tempfile.TemporaryDirectory() as work:
        def library(name, source):
            path = os.path.join(work, name)
            subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", path],
                           input=source, text=True, check=True)
            return path

        new = library("new.so", "unsigned pubsubgw_version(void) { return 0x000203; }")
        said = python(load, 1, PYTHONPATH=BINDING, PUBSUBGW_LIBRARY=new)
        assert f"{new} is libpubsubgw 0.2.3, and this binding was written for 0.1.x" in said, said
        other = library("other.so", "int f(void) { return 0; }")
        said = python(load, 1, PYTHONPATH=BINDING, PUBSUBGW_LIBRARY=other)
        assert f"{other} is not libpubsubgw" in said, said
        old = library("old.so", "unsigned pubsubgw_version(void) { return 0x000100; }")
        said = python(load, 1, PYTHONPATH=BINDING, PUBSUBGW_LIBRARY=old)
        assert "UnsupportedError" in said and "pubsubgw_new: it is older" in said, said
    said = python(load, 1, PYTHONPATH=BINDING, PUBSUBGW_LIBRARY="/no/such.so")
    assert "LoadError" in said and "/no/such.so: not there" in said, said
    # Importing asks for nothing yet: the program may say where the library is.
    assert python("import pubsubgw", PYTHONPATH=BINDING) == ""


def test_type_hints_hold():
    examples = os.path.join(ROOT, "examples/python")
    files = [os.path.join(examples, name) for name in sorted(os.listdir(examples))
             if name.endswith(".py")]
    # Each example is a program of its own; only the package is shared.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.path.join(WORK, "mypy"),
         os.path.join(BINDING, "pubsubgw"), *files],
        capture_output=True, text=True, env={**os.environ, "MYPYPATH": BINDING}, cwd=examples)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_easily_mistaken_is_told():
    with Gateway(route(NOWHERE)) as gateway:
        try:
            gateway.listen(8080)
        except TypeError as error:
            assert "127.0.0.1:9080" in str(error), error
        else:
            raise AssertionError("a number was listened on")
    upstream = {"scheme": "kafka", "nodes": NOWHERE}
    assert pubsubgw.upstream_check({**upstream, "type": "none"}) == []
    assert pubsubgw.upstream_check({**upstream, "type": "chash"}) == ["type: has no effect here"]


def test_each_status_has_a_class():
    with Gateway(route(NOWHERE), log_level=0) as gateway:
        for call, error in [
                (lambda: gateway.route_put("{"), pubsubgw.ConfigError),
                (lambda: gateway.route_put("{"), ValueError),
                (lambda: gateway.route_delete("x"), pubsubgw.NoRouteError),
                (lambda: gateway.listen("nowhere:1"), pubsubgw.InvalidError),
                (lambda: gateway.listen("unix:/no/such/dir/x"), pubsubgw.SystemCallError),
                (lambda: gateway.start(), pubsubgw.StateError),
                (lambda: gateway.adopt(0, route="r0"), pubsubgw.InvalidError)]:
            try:
                call()
            except error as raised:
                assert isinstance(raised, pubsubgw.Error) and raised.text and raised.name
            else:
                raise AssertionError(f"no {error}")
        queue = gateway.queue()
        queue.close()
        try:
            queue.poll()
        except pubsubgw.GoneError:
            pass
        else:
            raise AssertionError("a closed queue was polled")


def test_asyncio_gets_sessions_ends_and_log_lines():
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append((record.levelno, record.getMessage()))

    async def main():
        logging.getLogger("pubsubgw").addHandler(Lines())
        logging.getLogger("pubsubgw").setLevel(logging.DEBUG)
        pubsubgw.set_log_level(3)
        gateway = pubsubgw.Gateway()
        gateway.route_put(route(NOWHERE), id="k")
        async with gateway.running():
            closed = asyncio.Queue()
            failing = asyncio.Queue()

            def fail(_):
                failing.put_nowait(1)
                raise RuntimeError("this receiver is broken")

            for receiver in (fail, closed.put_nowait):
                ours, theirs = socket.socketpair()
                session = gateway.adopt(ours.detach(), route="k", closed=receiver)
                theirs.sendall(frame(8, b"\x03\xe8bye"))
            # A receiver that fails spoils nothing for the next one.
            end = await asyncio.wait_for(closed.get(), 60)
            assert (end.session, end.code, end.reason) == (session, 1000, "bye"), end
            assert failing.qsize() == 1
            ours, theirs = socket.socketpair()
            gateway.adopt(ours.detach(), route="k", closed=closed.put_nowait)
        # Leaving it drains: the session was told, and so were we.
        assert (await asyncio.wait_for(closed.get(), 60)).code in (1001, 1006)
        assert theirs.recv(100)[2:4] == b"\x03\xe9"
        await gateway.shutdown()
        gateway.close()
        await gateway.shutdown()

    asyncio.run(main())
    assert any(level == logging.INFO and "session" in text for level, text in lines), lines
    assert any(level == logging.ERROR and "receiver" in text for level, text in lines), lines


def test_a_receiver_cannot_take_more_events():
    with Gateway(route(NOWHERE)) as gateway:
        refused = []

        def poll(_):
            try:
                queue.poll()
            except pubsubgw.StateError as error:
                refused.append(error.text)

        with gateway.queue() as queue:
            ours, theirs = socket.socketpair()
            gateway.adopt(ours.detach(), route="r0", queue=queue, closed=poll)
            theirs.close()
            while not refused:
                assert queue.dispatch() or not refused
            assert "dispatched" in refused[0]
            assert queue.poll() == []
