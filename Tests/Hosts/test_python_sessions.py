"""Sessions from Python without a framework: bytes fed by hand, closing, forgetting."""

import pubsub_pb2 as pb
import pubsubgw
from devbroker import DevBroker, until
from support import Gateway, close_code_of, frame, ping_frame, raw_session, receive_all
from support import readable, route, unused_port, upgrade_head

NOWHERE = f"127.0.0.1:{unused_port()}"
OUTPUT, RESUME, CLOSED = (
    pubsubgw.EventType.OUTPUT, pubsubgw.EventType.RESUME, pubsubgw.EventType.CLOSED)


def pong_of(state):
    reply = pb.PubSubResp(sequence=1, pong_resp=pb.PongResp(state=state)).SerializeToString()
    return bytes([0x82, len(reply)]) + reply


def refused(call, error):
    try:
        call()
    except error:
        return
    raise AssertionError(f"no {error}")


class Peer:
    """A bytes session, and what its client has received."""

    def __init__(self, gateway, **options):
        self.queue = gateway.queue()
        self.events = []
        self.received = b""
        self.session = gateway.open_bytes(queue=self.queue, user_data=5, route="r0", **options)

    def take(self, wanted, limit=1 << 20):
        """Takes events until one of that type; sends all output on the way, `limit` bytes at
        once."""
        while not any(event.type == wanted for event in self.events):
            for event in self.queue.wait(10):
                assert (event.session, event.user_data) == (self.session, 5), event
                self.events.append(event)
                if event.type == OUTPUT:
                    self.send(limit)
        return next(event for event in self.events if event.type == wanted)

    def send(self, limit=1 << 20):
        while data := self.session.output()[:limit]:
            self.received += data
            if not self.session.consume(len(data)):
                break

    def receive(self, count, limit=1 << 20):
        while len(self.received) < count:
            self.events.clear()
            self.take(OUTPUT, limit)
        data, self.received = self.received[:count], self.received[count:]
        return data


def test_bytes_by_hand():
    with Gateway(route(NOWHERE)) as gateway:
        for piece in (1, 7, 1 << 20):
            peer = Peer(gateway, request_head=upgrade_head(), preread=ping_frame(state=b"early"))
            head = peer.receive(129, piece)
            assert head.startswith(b"HTTP/1.1 101 ") and head.endswith(b"\r\n\r\n"), head
            assert peer.receive(len(pong_of(b"early")), piece) == pong_of(b"early")
            sent = ping_frame(state=b"one") + ping_frame(state=b"two")
            for at in range(0, len(sent), piece):
                assert peer.session.feed(sent[at:at + piece])
            wanted = pong_of(b"one") + pong_of(b"two")
            assert peer.receive(len(wanted), piece) == wanted
            refused(lambda: peer.session.consume(1), pubsubgw.InvalidError)
            assert peer.session.output() == b""
            peer.session.feed(frame(8, b"\x03\xe8bye"))
            closed = peer.take(CLOSED, piece)
            assert (closed.code, closed.text) == (1000, "bye")
            assert peer.received == b"\x88\x05\x03\xe8bye"
            refused(lambda: peer.session.feed(b"x"), pubsubgw.GoneError)
            peer.queue.close()


def test_bytes_press_back_and_resume():
    with Gateway(route(NOWHERE)) as gateway:
        peer = Peer(gateway)
        # The host has sent the 101. Nobody takes the output: at last feeding has to pause.
        message = ping_frame(state=b"x" * 10000)
        fed = 1
        while peer.session.feed(message):
            fed += 1
            assert fed * len(message) < 64 << 20, "it never paused"
        try:
            for _ in range(1000):
                peer.session.feed(message)
                fed += 1
            raise AssertionError("more than 1 MiB was taken after the pause")
        except pubsubgw.FullError:
            pass
        peer.take(RESUME)
        reply = 4 + len(pb.PubSubResp(
            sequence=1, pong_resp=pb.PongResp(state=b"x" * 10000)).SerializeToString())
        assert len(peer.receive(fed * reply)) == fed * reply
        assert not peer.received
        # The client is gone in the middle of a frame.
        peer.session.feed(message[:5000])
        peer.session.feed(b"")
        assert peer.take(CLOSED).code == 1006
        peer.queue.close()


def test_the_close_frame_of_a_client_that_was_not_read_from_is_looked_at():
    with DevBroker("--topic", "quiet") as broker:
        one = {"limits": {"commands_in_flight": 1}}
        with Gateway(route(broker.bootstrap, pubsub=one)) as gateway:
            peer = Peer(gateway)
            fetch = pb.CmdKafkaFetch(topic="quiet", max_wait_ms=30000)
            peer.session.feed(frame(2, pb.PubSubReq(
                sequence=1, cmd_kafka_fetch=fetch).SerializeToString()))
            until(10, "the limit", lambda: "pubsubgw_paused_total 1" in gateway.metrics())
            peer.session.feed(frame(8, b"\x03\xe9"))
            peer.session.feed(b"")
            assert peer.take(CLOSED).code == 1001
            peer.queue.close()


def test_a_forgotten_session_is_silent():
    with Gateway(route(NOWHERE)) as gateway:
        peer = Peer(gateway, request_head=upgrade_head())
        with peer.session:
            assert peer.receive(129).startswith(b"HTTP/1.1 101 ")
            peer.session.feed(ping_frame())
        assert not peer.queue.poll() and not peer.queue.wait(0.2)
        refused(lambda: peer.session.feed(b"x"), pubsubgw.GoneError)
        refused(lambda: peer.session.output(), pubsubgw.GoneError)
        peer.session.forget()
        peer.queue.close()


def test_bytes_want_a_queue_and_no_descriptor():
    with Gateway(route(NOWHERE)) as gateway:
        refused(lambda: gateway.open_bytes(route="r0"), pubsubgw.InvalidError)
        with gateway.queue() as queue:
            refused(lambda: gateway.open_bytes(queue=queue, route="x"), pubsubgw.NoRouteError)


def test_any_session_can_be_closed():
    import socket
    with Gateway(route(NOWHERE)) as gateway:
        ours, theirs = socket.socketpair()
        session = gateway.adopt(ours.detach(), route="r0", queue=gateway.events)
        refused(lambda: session.close(1005), pubsubgw.InvalidError)
        refused(lambda: session.close(1000, "x" * 124), pubsubgw.InvalidError)
        session.close(4321, "enough")
        assert readable(theirs, 10)
        theirs.sendall(frame(8, b""))
        assert close_code_of(receive_all(theirs)) == (4321, "enough")
        assert gateway.event(CLOSED).session == session
        refused(lambda: session.close(), pubsubgw.GoneError)
        session.forget()
        # A session of the library's own listener is told by its number only in the host's hands.
        with raw_session(gateway.port) as other:
            assert gateway.stats().sessions == 1
            other.sendall(frame(8, b""))
            receive_all(other)
