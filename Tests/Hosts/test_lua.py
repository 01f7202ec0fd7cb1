"""The Lua binding in plain LuaJIT."""

import os
import shutil
import subprocess

from devbroker import DevBroker
from support import Host, ROOT, WORK
from test_hosts import RECORDS, read_everything

BINDING = os.path.join(ROOT, "bindings/lua")
LIBRARY = os.environ["PUBSUBGW_LIBRARY"]
PATH = os.path.join(BINDING, "?.lua") + ";;"


def luajit(*command, **environment):
    environment = {"LUA_PATH": PATH, **environment}
    if environment.get("PUBSUBGW_LIBRARY") is None:
        environment.pop("PUBSUBGW_LIBRARY", None)
    kept = {key: value for key, value in os.environ.items() if key != "PUBSUBGW_LIBRARY"}
    return subprocess.run(
        ["luajit", *command], capture_output=True, text=True, timeout=100,
        env={**kept, **environment})


def test_declarations_are_the_headers():
    done = subprocess.run([os.path.join(BINDING, "generate"), "--check"], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr


def test_binding():
    done = luajit(os.path.join(ROOT, "Tests/Hosts/lua/binding.lua"), PUBSUBGW_LIBRARY=LIBRARY)
    assert done.returncode == 0, done.stderr


def test_example_serves():
    with DevBroker(*RECORDS) as broker:
        with Host("luajit", os.path.join(ROOT, "examples/lua/serve.lua"), "127.0.0.1:0",
                  broker.bootstrap, stdin=subprocess.PIPE, LUA_PATH=PATH) as host:
            read_everything(host)
            host.process.stdin.close()
            assert host.process.wait(60) == 0, host.process.stderr.read()


def imitation(name, source):
    """A shared library of that C text, under the name that the binding looks for."""
    directory = os.path.join(WORK, name)
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "libpubsubgw.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", path], input=source, text=True,
                   check=True)
    return path


def load(script='print(require("pubsubgw").path)', **environment):
    return luajit("-e", script, **environment)


def test_library_is_found_along_the_cpath():
    directory = os.path.join(WORK, "lua-cpath")
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    os.symlink(LIBRARY, os.path.join(directory, "libpubsubgw.so"))
    done = load(LUA_CPATH=f"/nowhere/?.so;{directory}/?.so")
    assert done.stdout == f"{directory}/libpubsubgw.so\n", done
    # By the system's loader, under the soname.
    os.symlink(LIBRARY, os.path.join(directory, "libpubsubgw.so.0"))
    done = load(LUA_CPATH="/nowhere/?.so", LD_LIBRARY_PATH=directory)
    assert done.stdout == "libpubsubgw.so.0\n", done


def test_a_missing_library_is_told():
    done = load(LUA_CPATH="/nowhere/?.so", LD_LIBRARY_PATH="/nowhere")
    assert done.returncode == 1 and "cannot load the library" in done.stderr, done
    assert "libpubsubgw.so.0: cannot open" in done.stderr, done
    done = load(PUBSUBGW_LIBRARY="/nowhere/x.so")
    assert "/nowhere/x.so" in done.stderr and "libpubsubgw.so.0" not in done.stderr, done


def test_another_version_is_refused():
    path = imitation("lua-newer", "unsigned pubsubgw_version(void) { return 0x000207; }")
    done = load(PUBSUBGW_LIBRARY=path)
    assert done.returncode == 1, done
    assert f"is for version 0.1.0, but {path} is version 0.2.7" in done.stderr, done
    # A patch release is fine.
    path = imitation("lua-patch", "unsigned pubsubgw_version(void) { return 0x000109; }")
    done = load('print(require("pubsubgw").version)', PUBSUBGW_LIBRARY=path)
    assert done.stdout == "0.1.9\n", done
    path = imitation("lua-stranger", "int x;")
    done = load(PUBSUBGW_LIBRARY=path)
    assert f"{path} is no libpubsubgw" in done.stderr, done
