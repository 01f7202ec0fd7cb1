"""Three loops: clients are spread over them, numbers add up, nothing is left behind."""

import concurrent.futures
import contextlib
import os
import socket
import threading

import pubsub_pb2 as pb
import pubsubgw
from devbroker import DevBroker, until
from support import (Gateway, close_code_of, frame, raw_session, receive_all, receive_head, route,
                     upgrade_head)

THREADS = 3
GATEWAYS = 4
CLIENTS = 300


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def fetch_frame(offset):
    request = pb.PubSubReq(sequence=offset + 1, cmd_kafka_fetch=pb.CmdKafkaFetch(
        topic="demo", offset=offset, max_bytes=2000))
    return frame(2, request.SerializeToString())


def read_message(file):
    head = file.read(2)
    length = head[1] if head[1] < 126 else int.from_bytes(file.read(2 if head[1] == 126 else 8))
    return head[0], file.read(length)


def threads_of_loops():
    names = []
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/comm") as file:
            names.append(file.read().strip())
    return [name for name in names if name.startswith("pubsubgw")]


def test_clients_are_spread_and_numbers_add_up():
    with DevBroker("--records", "demo:10000:100") as broker:
        with Gateway(route(broker.bootstrap), threads=THREADS, log_level=2) as gateway:
            assert gateway.stats().threads == THREADS
            sockets = [raw_session(gateway.port) for _ in range(CLIENTS)]
            assert gateway.stats().sessions == CLIENTS
            files = [sock.makefile("rb") for sock in sockets]
            offsets = [index * 30 for index in range(CLIENTS)]
            for sock, offset in zip(sockets, offsets):
                sock.sendall(fetch_frame(offset))
            records = 0
            for file, offset in zip(files, offsets):
                opcode, payload = read_message(file)
                reply = pb.PubSubResp.FromString(payload)
                assert (opcode, reply.sequence) == (0x82, offset + 1)
                found = [message.offset for message in reply.kafka_fetch_resp.messages]
                assert found and found == list(range(offset, offset + len(found)))
                records += len(found)
            stats = gateway.stats()
            assert (stats.sessions_total, stats.messages_in, stats.messages_out) \
                == (CLIENTS, CLIENTS, CLIENTS), stats
            assert (stats.commands, stats.command_errors) == (CLIENTS, 0), stats
            assert stats.records_out == records, (stats, records)
            # Each loop has a client of the cluster of its own, and all of them were used.
            opened = broker.do("stats")["brokers"][0]["connections_opened"]
            assert stats.kafka_connections == opened, (stats, opened)
            assert THREADS <= opened <= 5 * THREADS, opened
            for sock in sockets:
                sock.sendall(frame(8, b"\x03\xe8"))
            for sock in sockets:
                assert close_code_of(receive_all(sock)) == (1000, "")
            until(10, "no session", lambda: gateway.stats().sessions == 0)
            assert gateway.stats().sessions_total == CLIENTS


def test_a_limit_counts_over_all_loops():
    with Gateway(route("127.0.0.1:1"), threads=THREADS, log_level=0,
                 limits={"sessions": 50}) as gateway:
        heads = []
        sockets = []
        for _ in range(80):
            sock = socket.create_connection(("127.0.0.1", gateway.port))
            sock.sendall(upgrade_head())
            heads.append(receive_head(sock)[0].split()[1])
            sockets.append(sock)
        assert (heads.count("101"), heads.count("503")) == (50, 30), heads


def test_drain_reaches_every_loop():
    with Gateway(route("127.0.0.1:1"), threads=THREADS, log_level=2) as gateway:
        sockets = [raw_session(gateway.port) for _ in range(CLIENTS)]
        gateway.drain(1012, timeout=20)
        for sock in sockets:
            sock.settimeout(10)
            head = sock.recv(2)
            assert head[0] == 0x88, head
            code = int.from_bytes(sock.recv(head[1])[:2], "big")
            assert code == 1012
            sock.sendall(frame(8, b"\x03\xf4"))
        event = gateway.event(pubsubgw.EventType.DRAINED, 20)
        assert gateway.stats().sessions == 0, event
        for sock in sockets:
            assert receive_all(sock) == b""


def life(drains, up):
    """Of a gateway that is stopped with clients open, others still in their handshake, and more
    that come meanwhile."""
    gateway = Gateway(route("127.0.0.1:1"), threads=THREADS, log_level=0)
    sockets = [raw_session(gateway.port) for _ in range(60)]
    half = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(20)]
    for sock in half:
        sock.sendall(b"GET /kafka HTTP/1.1\r\n")
    late, stopping = [], threading.Event()

    def knock():
        while not stopping.is_set():
            try:
                late.append(socket.create_connection(("127.0.0.1", gateway.port), timeout=5))
            except OSError:
                return

    up.wait(60)
    assert len(threads_of_loops()) >= GATEWAYS * THREADS, threads_of_loops()
    up.wait(60)
    knocker = threading.Thread(target=knock)
    knocker.start()
    if drains:
        gateway.drain(1001, timeout=1)
    # None of the clients answers our Close.
    gateway.stop(timeout=20)
    stopping.set()
    knocker.join()
    for sock in late:
        # The kernel forgets without a word a connection whose handshake ends while its listener
        # closes (TcpExtListenDrops): the client is told when it sends.
        with contextlib.suppress(OSError):
            sock.sendall(b"G")
    for sock in sockets + half + late:
        # Closed by the gateway, not only forgotten.
        receive_all(sock, 10)
        sock.close()
    gateway.close()
    gateway.events.close()


def test_stop_leaves_nothing_behind():
    # All at once: each waits five seconds for its clients' answers.
    before = descriptors()
    up = threading.Barrier(GATEWAYS)
    with concurrent.futures.ThreadPoolExecutor(GATEWAYS) as lives:
        list(lives.map(lambda number: life(number % 2 == 1, up), range(GATEWAYS)))
    assert not threads_of_loops(), threads_of_loops()
    assert descriptors() <= before, (before, descriptors())
