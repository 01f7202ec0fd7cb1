"""permessage-deflate, judged by zlib and by an independent client: records are compressed once and
shared by sessions, and each message has to be right for itself all the same."""

import socket
import zlib

import pubsub_pb2 as pb
from devbroker import DevBroker
from support import Client, Gateway, check_records, frame, receive_head, route, upgrade_head

OFFER = {"Sec-WebSocket-Extensions": "permessage-deflate"}


def session(gateway, extensions):
    sock = socket.create_connection(("127.0.0.1", gateway.port))
    sock.sendall(upgrade_head(**{"Sec-WebSocket-Extensions": extensions}))
    head, _ = receive_head(sock)
    assert head.startswith("HTTP/1.1 101 ") and "permessage-deflate" in head, head
    return sock, sock.makefile("rb")


def read_message(file):
    """One message, inflated by zlib from nothing, as RFC 7692 section 7.2.2 says."""
    payload, is_first = b"", True
    while True:
        head = file.read(2)
        length = head[1] & 127
        if length >= 126:
            length = int.from_bytes(file.read(2 if length == 126 else 8), "big")
        # RSV1 on the first frame only.
        assert head[0] >> 4 & 7 == (4 if is_first else 0), head
        assert head[0] & 15 == (2 if is_first else 0), head
        payload += file.read(length)
        is_first = False
        if head[0] >> 7:
            break
    inflater = zlib.decompressobj(wbits=-15)
    message = inflater.decompress(payload + b"\x00\x00\xff\xff") + inflater.flush()
    assert not inflater.unused_data and not inflater.unconsumed_tail
    return message, len(payload)


def test_every_cut_of_a_shared_run_is_a_message_for_itself():
    with DevBroker("--records", "demo:3000:100") as broker, Gateway(
            route(broker.bootstrap, pubsub={"compression": True})) as gateway:
        with Client(gateway.url(), compression=None) as plain:
            wanted = {m.offset: m for m in plain.read_all("demo", 0, 3000, 1 << 20)}
        for extensions in ("permessage-deflate", "permessage-deflate; server_max_window_bits=10"):
            for max_bytes in (1, 200, 5000, 40000, 1 << 20):
                for offset in (0, 1, 127, 128, 129, 1000, 2990, 2999):
                    sock, file = session(gateway, extensions)
                    sock.sendall(frame(2, pb.PubSubReq(
                        sequence=offset + 1, cmd_kafka_fetch=pb.CmdKafkaFetch(
                            topic="demo", offset=offset,
                            max_bytes=max_bytes)).SerializeToString()))
                    message, packed = read_message(file)
                    reply = pb.PubSubResp.FromString(message)
                    assert reply.sequence == offset + 1
                    found = reply.kafka_fetch_resp
                    assert found.messages, (max_bytes, offset)
                    for index, record in enumerate(found.messages):
                        assert record == wanted[offset + index], (max_bytes, offset, index)
                    assert found.next_offset == offset + len(found.messages)
                    sock.close()


def test_an_independent_client_follows_and_fetches():
    with DevBroker("--topic", "live", "--records", "demo:2000:100") as broker, Gateway(
            route(broker.bootstrap, pubsub={"compression": True})) as gateway:
        clients = [Client(gateway.url()) for _ in range(20)]
        for index, client in enumerate(clients):
            assert "permessage-deflate" in client.ws.response.headers["Sec-WebSocket-Extensions"]
            check_records(client.read_all("demo", index * 50, 2000, 30000), "demo", index * 50)
            client.ask(cmd_subscribe=pb.CmdSubscribe(
                subscriptions=[pb.Subscription(topic="live", partitions=[0])]))
        for start in range(0, 600, 100):
            broker.do("append", topic="live", values=[f"live {n} " * 9 for n in
                                                      range(start, start + 100)])
        for client in clients:
            got = []
            while len(got) < 600:
                got += client.receive().subscribe_resp.messages
            assert [m.offset for m in got] == list(range(600))
            assert [m.value for m in got] == [f"live {n} ".encode() * 9 for n in range(600)]
            client.ws.close()
