"""The same work in each host: a record read, an end in peace."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

import pubsubgw
from devbroker import DevBroker
from support import Client, Host, ROOT, WORK, check_records, raw_session, receive_all, readable

import json

RECORDS = ("--records", "demo:500:100")


def read_everything(host):
    with Client(host.url()) as client:
        client.ping()
        assert client.end("demo") == 500
        check_records(client.read_all("demo", 0, 500), "demo", 0)


def route_file(broker):
    path = os.path.join(WORK, f"route-{os.getpid()}.json")
    with open(path, "w") as out:
        json.dump({"uri": "/kafka", "upstream": {
            "scheme": "kafka", "type": "none", "nodes": broker.bootstrap}}, out)
    return path


def test_c_example_serves_and_ends_in_peace():
    with DevBroker(*RECORDS) as broker:
        with Host(os.path.join(WORK, "gateway"), "127.0.0.1:0", route_file(broker)) as host:
            read_everything(host)
            with Client(host.url()) as client:
                client.ping()
                host.process.send_signal(signal.SIGUSR1)
                line = host.process.stdout.readline()
                while not line.startswith("pubsubgw_connections "):
                    line = host.process.stdout.readline()
                assert line == "pubsubgw_connections 1\n", line
                host.process.send_signal(signal.SIGTERM)
                assert client.close_code() == 1001
            assert host.process.wait(60) == 0
            assert host.process.stderr.read() == ""


def test_c_example_tells_what_is_wrong():
    for argument, text in [("{", "line 1"), ('{"uri": "/x"}', "upstream")]:
        path = os.path.join(WORK, f"bad-{os.getpid()}.json")
        with open(path, "w") as out:
            out.write(argument)
        done = subprocess.run(
            [os.path.join(WORK, "gateway"), "127.0.0.1:0", path], capture_output=True, text=True)
        assert done.returncode == 1 and text in done.stderr, done


def test_python_server_hands_over():
    with DevBroker(*RECORDS) as broker:
        with Host(sys.executable, os.path.join(ROOT, "examples/python/server.py"), "--port", "0",
                  "--brokers", broker.bootstrap,
                  PYTHONPATH=os.path.join(ROOT, "bindings/python")) as host:
            read_everything(host)
            assert "closed: 1000" in host.process.stdout.readline()
            # Python goes on with its own part.
            with socket.create_connection(("127.0.0.1", host.port)) as plain:
                plain.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
                text = receive_all(plain).decode()
            assert text.startswith("HTTP/1.1 200 OK") and "pubsubgw_connections 0" in text
            # A refusal is the library's.
            with socket.create_connection(("127.0.0.1", host.port)) as plain:
                plain.sendall(b"GET /kafka HTTP/1.1\r\nHost: x\r\n\r\n")
                assert receive_all(plain).startswith(b"HTTP/1.1 400 ")
            read_everything(host)


def test_asyncio_queue_delivers():
    async def main():
        with DevBroker(*RECORDS) as broker, pubsubgw.Gateway() as gateway:
            gateway.route_put({"id": "k", "uri": "/kafka", "upstream": {
                "scheme": "kafka", "type": "none", "nodes": broker.bootstrap}})
            gateway.start()
            queue = gateway.queue()
            ours, theirs = socket.socketpair()
            session = gateway.adopt(ours.fileno(), route="k", queue=queue, user_data=77)
            ours.detach()
            seen = asyncio.Queue()
            detach = queue.attach(seen.put_nowait)
            theirs.close()
            event = await asyncio.wait_for(seen.get(), 60)
            detach()
            assert (event.type, event.session, event.user_data) == (4, session, 77), event
            assert event.code == 1006, event
            async def next_event():
                async for event in queue:
                    return event
            waiting = asyncio.create_task(next_event())
            await asyncio.sleep(0.05)
            gateway.drain(1012, timeout=5)
            event = await asyncio.wait_for(waiting, 60)
            assert (event.type, event.status) == (pubsubgw.EventType.DRAINED, 0), event
            queue.close()
    asyncio.run(main())


def test_python_exceptions_carry_the_text():
    for call, status, text in [
            (lambda g: g.route_put("{"), pubsubgw.Status.CONFIG, "line 1"),
            (lambda g: g.route_delete("x"), pubsubgw.Status.NO_ROUTE, '"x"'),
            (lambda g: g.listen("nowhere:1"), pubsubgw.Status.INVALID, "nowhere:1"),
            (lambda g: g.listen("unix:/no/such/dir/x"), pubsubgw.Status.SYSTEM, "No such file"),
            (lambda g: g.adopt(0, route="x"), pubsubgw.Status.INVALID, "socket"),
            (lambda g: g.start(), pubsubgw.Status.STATE, "started before")]:
        with pubsubgw.Gateway() as gateway:
            gateway.start()
            try:
                call(gateway)
            except pubsubgw.Error as error:
                assert error.code == status and text in error.text, error
            else:
                raise AssertionError("no exception")
    gateway = pubsubgw.Gateway()
    gateway.close()
    try:
        gateway.start()
    except pubsubgw.Error as error:
        assert error.code == pubsubgw.Status.GONE
    try:
        pubsubgw.Gateway(nonsense=1)
    except pubsubgw.Error as error:
        assert "nonsense" in error.text and "column" in error.text
    else:
        raise AssertionError("no exception")


def test_a_forked_child_is_told():
    with DevBroker(*RECORDS) as broker:
        gateway = pubsubgw.Gateway()
        gateway.route_put({"id": "k", "uri": "/kafka", "upstream": {
            "scheme": "kafka", "type": "none", "nodes": broker.bootstrap}})
        gateway.start()
        port = gateway.listen("127.0.0.1:0")
        client = raw_session(port)
        child = os.fork()
        if child == 0:
            try:
                gateway.stats()
            except pubsubgw.ForkedError as error:
                # Lives on while the parent ends: it must not hold the client's connection.
                os.read(0, 0) or signal.sigtimedwait([signal.SIGUSR1], 20)
                os._exit(0 if "forked" in error.text else 3)
            os._exit(4)
        gateway.stop(1)
        assert readable(client, 3), "the client saw no end"
        receive_all(client, 3)
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        gateway.close()
