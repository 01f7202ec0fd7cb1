"""A Python host that forks: the child of a started one is told, and spoils nothing."""

import asyncio
import multiprocessing
import os
import socket
import traceback

import pubsubgw
from devbroker import DevBroker
from support import Client, ping_frame, raw_session, route, unused_port

NOWHERE = f"127.0.0.1:{unused_port()}"
RECORDS = ("--records", "demo:50:100")


def in_child(work):
    """Runs `work` in a forked child; what it raises there is raised here."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            work()
        except BaseException:
            os.write(writer, traceback.format_exc().encode()[:60000])
        os._exit(0)
    os.close(writer)
    with open(reader) as said:
        text = said.read()
    assert os.waitpid(child, 0)[1] == 0 and not text, text


def is_told(call):
    try:
        call()
    except pubsubgw.ForkedError as error:
        assert "fork" in error.text, error
        return
    raise AssertionError("no ForkedError")


def test_every_handle_tells_a_forked_child():
    with pubsubgw.Gateway() as gateway:
        gateway.route_put(route(NOWHERE), id="k")
        gateway.start()
        port = gateway.listen("127.0.0.1:0")
        queue = gateway.queue()
        ours, theirs = socket.socketpair()
        session = gateway.adopt(ours.detach(), route="k", queue=queue)
        client = raw_session(port)

        def child():
            for call in (
                    gateway.stats, gateway.metrics, gateway.routes, gateway.start, gateway.drain,
                    gateway.queue, queue.poll, session.close,
                    lambda: gateway.route_put(route(NOWHERE), id="k"),
                    lambda: gateway.route_match("/kafka"), lambda: gateway.listen("127.0.0.1:0"),
                    lambda: gateway.adopt(theirs.fileno(), route="k"),
                    lambda: pubsubgw.Gateway.stop(gateway, 0)):
                is_told(call)
            # The process as a whole is told: a new gateway would not work either. What asks for no
            # gateway works, and what ends one does no harm.
            is_told(pubsubgw.Gateway)
            assert pubsubgw.version() and pubsubgw.has_feature("gzip")
            queue.close()
            gateway.close()

        in_child(child)
        # The parent goes on, with the same sessions.
        for sock in (theirs, client):
            sock.sendall(ping_frame())
            assert sock.recv(4096)[:1] == b"\x82"
        assert gateway.stats().sessions == 2


def test_children_of_one_that_has_not_started():
    with DevBroker(*RECORDS) as broker, pubsubgw.Gateway() as gateway:
        gateway.route_put(route(broker.bootstrap), id="k")

        def child():
            gateway.start()
            with Client(f"ws://127.0.0.1:{gateway.listen('127.0.0.1:0')}/kafka") as client:
                client.read_all("demo", 0, 50)
            gateway.shut_down(timeout=5)
            gateway.close()

        for _ in range(3):
            in_child(child)
        child()
        # Now this process has started one, and its children are told.
        in_child(lambda: is_told(pubsubgw.Gateway))


def test_asyncio_goes_on_beside_children():
    def child(gateway, results):
        try:
            gateway.stats()
        except pubsubgw.ForkedError:
            results.put("told")

    async def main():
        with pubsubgw.Gateway() as gateway:
            gateway.route_put(route(NOWHERE), id="k")
            async with gateway.running():
                context = multiprocessing.get_context("fork")
                results = context.Queue()
                for _ in range(3):
                    closed = asyncio.get_running_loop().create_future()
                    ours, theirs = socket.socketpair()
                    gateway.adopt(ours.detach(), route="k", closed=closed.set_result)
                    process = context.Process(target=child, args=(gateway, results))
                    process.start()
                    assert await asyncio.to_thread(results.get) == "told"
                    await asyncio.to_thread(process.join)
                    assert process.exitcode == 0
                    theirs.close()
                    assert (await asyncio.wait_for(closed, 60)).code == 1006

    asyncio.run(asyncio.wait_for(main(), 200))
