"""Thousands of readers on a handful of connections."""

import resource
import socket
import time

import pubsub_pb2 as pb
from devbroker import DevBroker
from support import Client, Gateway, frame, raw_session, route

READERS = 1000


def memory():
    with open("/proc/self/smaps_rollup") as file:
        for line in file:
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1]) * 1024
    return 0


def read_frame(file):
    head = file.read(2)
    assert len(head) == 2, "the stream ended"
    length = head[1]
    if length == 126:
        length = int.from_bytes(file.read(2), "big")
    elif length == 127:
        length = int.from_bytes(file.read(8), "big")
    return head[0], file.read(length)


def raise_descriptor_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))


def test_a_thousand_readers_at_a_thousand_offsets():
    raise_descriptor_limit()
    with DevBroker("--records", "demo:100000:100", brokers=3) as broker:
        with Gateway(route(broker.bootstrap), log_level=2) as gateway:
            sockets = [raw_session(gateway.port) for _ in range(READERS)]
            files = [sock.makefile("rb") for sock in sockets]
            offsets = [(index * 97) % 99000 for index in range(READERS)]
            start = time.monotonic()
            for sock, offset in zip(sockets, offsets):
                request = pb.PubSubReq(sequence=offset + 1, cmd_kafka_fetch=pb.CmdKafkaFetch(
                    topic="demo", offset=offset, max_bytes=10000))
                sock.sendall(frame(2, request.SerializeToString()))
            records = 0
            for file, offset in zip(files, offsets):
                opcode, payload = read_frame(file)
                reply = pb.PubSubResp.FromString(payload)
                assert reply.sequence == offset + 1
                found = [message.offset for message in reply.kafka_fetch_resp.messages]
                assert found and found == list(range(offset, offset + len(found))), reply
                assert reply.kafka_fetch_resp.next_offset == offset + len(found)
                records += len(found)
            seconds = time.monotonic() - start
            stats = broker.do("stats")
            for one in stats["brokers"]:
                assert one["connections_open_max"] <= 5, one
            fetches = sum(one["requests"].get("1", 0) for one in stats["brokers"])
            connections = sum(one["connections_opened"] for one in stats["brokers"])
            print(f"figure: {READERS} readers, {records} records, {fetches} fetch requests,"
                  f" {connections} broker connections, {seconds:.2f} s")
            # How many are joined depends on how many have asked by when: the fewer, the faster the
            # machine.
            assert fetches <= 350, fetches
            assert connections <= 15, connections
            # The second time nobody asks the broker.
            for sock, offset in zip(sockets, offsets):
                request = pb.PubSubReq(sequence=1, cmd_kafka_fetch=pb.CmdKafkaFetch(
                    topic="demo", offset=offset, max_bytes=10000))
                sock.sendall(frame(2, request.SerializeToString()))
            for file, offset in zip(files, offsets):
                reply = pb.PubSubResp.FromString(read_frame(file)[1])
                assert reply.kafka_fetch_resp.messages[0].offset == offset
            again = sum(one["requests"].get("1", 0) for one in broker.do("stats")["brokers"])
            print(f"figure: {again - fetches} more fetch requests for the same again")
            assert again - fetches <= fetches // 4 + 5


def test_a_thousand_stopped_readers_keep_the_bound():
    raise_descriptor_limit()
    budget = 16 << 20
    with DevBroker("--records", "demo:60000:1000") as broker:
        with Gateway(route(broker.bootstrap), log_level=2, cache_bytes=budget) as gateway:
            with Client(gateway.url()) as warm:
                warm.fetch("demo", 0, max_bytes=1 << 20)
            sockets = []
            for _ in range(READERS):
                sock = socket.socket()
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sock.connect(("127.0.0.1", gateway.port))
                sockets.append(sock)
            from support import receive_head, upgrade_head
            for sock in sockets:
                sock.sendall(upgrade_head())
            for sock in sockets:
                receive_head(sock)
            before = memory()
            for index, sock in enumerate(sockets):
                request = pb.PubSubReq(sequence=1, cmd_kafka_fetch=pb.CmdKafkaFetch(
                    topic="demo", offset=index * 50, max_bytes=1 << 20))
                sock.sendall(frame(2, request.SerializeToString()))
            time.sleep(8)
            grown = memory() - before
            print(f"figure: {grown / (1 << 20):.1f} MiB for {READERS} stopped readers,"
                  f" cache budget {budget >> 20} MiB")
            assert grown <= budget + (16 << 20) + READERS * 4096, grown
            # Each of them gets its records when it reads on; and others are served meanwhile.
            with Client(gateway.url()) as client:
                client.ping()
            for index in (0, 333, 999):
                file = sockets[index].makefile("rb")
                reply = pb.PubSubResp.FromString(read_frame(file)[1]).kafka_fetch_resp
                found = [message.offset for message in reply.messages]
                assert found == list(range(index * 50, index * 50 + len(found))), found[:5]
                assert found and reply.next_offset == found[-1] + 1


def test_idle_sessions_are_small():
    raise_descriptor_limit()
    with Gateway(route("127.0.0.1:1"), log_level=2) as gateway:
        warm = [raw_session(gateway.port) for _ in range(500)]
        before = memory()
        # Python's own sockets cost too: they are made before.
        clients = [socket.socket() for _ in range(2000)]
        bare = memory()
        from support import receive_head, upgrade_head
        head = upgrade_head()
        for sock in clients:
            sock.connect(("127.0.0.1", gateway.port))
            sock.sendall(head)
            receive_head(sock)
        grown = (memory() - bare) / len(clients)
        print(f"figure: {grown:.0f} bytes an idle session")
        assert grown <= 4096, grown
        assert gateway.stats().sessions == 2500
        del warm, before
