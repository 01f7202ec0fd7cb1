"""The example that adds Redis pub/sub to a gateway, against Debian's redis-server."""

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile

import pubsubgw
from python_hosts import until
from support import ROOT, WORK, Host, frame, raw_session, readable
from websockets.sync.client import connect

EXAMPLE = os.path.join(ROOT, "examples/python/redis_pubsub")


@contextlib.contextmanager
def redis_server():
    """Debian's, on a unix socket; nothing is kept on disk."""
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "redis.sock")
        with subprocess.Popen(
                [shutil.which("redis-server"), "--port", "0", "--unixsocket", path, "--save", "",
                 "--dir", work], stdout=subprocess.DEVNULL) as server:
            try:
                until(lambda: os.path.exists(path))
                yield path
            finally:
                server.terminate()


@contextlib.contextmanager
def example():
    subprocess.run(
        ["protoc", f"-I{EXAMPLE}", f"--python_out={WORK}",
         os.path.join(EXAMPLE, "redis_pubsub.proto")], check=True)
    with redis_server() as path, Host(
            sys.executable, os.path.join(EXAMPLE, "server.py"), "--port", "0", "--redis",
            f"unix://{path}", PYTHONPATH=os.pathsep.join(
                [os.path.join(ROOT, "bindings/python"), WORK])) as host:
        yield host, path


class Client:
    def __init__(self, host, **options):
        self.ws = connect(host.url("/redis"), open_timeout=60, **options)
        self.pushes = []

    def ask(self, **command):
        import redis_pubsub_pb2 as pb
        self.ws.send(pb.PubSubReq(sequence=7, **command).SerializeToString())
        while True:
            reply = pb.PubSubResp.FromString(self.ws.recv(timeout=60))
            if reply.sequence == 7:
                return reply
            self.pushes.append(reply)

    def pushed(self):
        """The next push: channel and payload."""
        import redis_pubsub_pb2 as pb
        push = self.pushes.pop(0) if self.pushes else \
            pb.PubSubResp.FromString(self.ws.recv(timeout=60))
        assert push.sequence == 0 and push.redis_subscribe_resp.HasField("payload"), push
        return push.redis_subscribe_resp.channel, push.redis_subscribe_resp.payload

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ws.close()


def redis_cli(path, *words):
    done = subprocess.run(["redis-cli", "-s", path, *words], capture_output=True, text=True)
    assert done.returncode == 0, done
    return done.stdout.strip()


def test_redis_publishes_and_pushes():
    with example() as (host, path):
        import redis_pubsub_pb2 as pb
        news, other = pb.CmdRedisSubscribe(channel="news"), pb.CmdRedisSubscribe(channel="other")
        with Client(host) as one, Client(host) as two, \
                Client(host, subprotocols=["pubsub.json"]) as people:
            reply = one.ask(cmd_redis_subscribe=news).redis_subscribe_resp
            assert reply.channel == "news" and not reply.HasField("payload")
            two.ask(cmd_redis_subscribe=news)
            two.ask(cmd_redis_subscribe=other)
            people.ws.send('{"sequence": "3", "cmdRedisSubscribe": {"channel": "news"}}')
            reply = json.loads(people.ws.recv(timeout=60))
            assert reply["redisSubscribeResp"] == {"channel": "news"}, reply
            # From another program, and from a client; one subscription at Redis serves them all.
            assert redis_cli(path, "publish", "news", "hello") == "1"
            payload = bytes(range(256))
            reply = two.ask(cmd_redis_publish=pb.CmdRedisPublish(channel="other", payload=payload))
            assert reply.redis_publish_resp.receivers == 1, reply
            assert one.pushed() == ("news", b"hello") and two.pushed() == ("news", b"hello")
            assert two.pushed() == ("other", payload)
            push = json.loads(people.ws.recv(timeout=60))
            assert base64.b64decode(push["redisSubscribeResp"]["payload"]) == b"hello", push
            # Who leaves hears no more; when the last one left, Redis is told.
            one.ask(cmd_redis_unsubscribe=pb.CmdRedisUnsubscribe(channel="news"))
            assert redis_cli(path, "publish", "news", "again") == "1"
            assert two.pushed() == ("news", b"again") and not one.pushes
            error = one.ask(cmd_redis_subscribe=pb.CmdRedisSubscribe()).error_resp
            assert (error.code, error.message) == (1, "a channel has a name")
        until(lambda: redis_cli(path, "publish", "news", "x") == "0")
        until(lambda: redis_cli(path, "publish", "other", "x") == "0")


def test_redis_does_not_wait_for_a_slow_client():
    with example() as (host, path):
        import redis_pubsub_pb2 as pb
        request = pb.PubSubReq(
            sequence=1, cmd_redis_subscribe=pb.CmdRedisSubscribe(channel="big"))
        with raw_session(host.port, "/redis") as slow, Client(host) as quick:
            slow.sendall(frame(2, request.SerializeToString()))
            assert readable(slow, 20)
            quick.ask(cmd_redis_subscribe=pb.CmdRedisSubscribe(channel="big"))
            # 20 MB for a client that never reads: it is closed, the other one gets them all.
            for number in range(200):
                payload = b"%d " % number + b"x" * 100_000
                reply = quick.ask(
                    cmd_redis_publish=pb.CmdRedisPublish(channel="big", payload=payload))
                assert reply.redis_publish_resp.receivers == 1, (number, reply)
                assert quick.pushed() == ("big", payload)
            assert redis_cli(path, "publish", "big", "last") == "1"
            # What was on its way still comes, then the end: with the Close frame, or, if that
            # could not be sent for five seconds, without.
            slow.settimeout(20)
            total, end = 0, b""
            while piece := slow.recv(1 << 20):
                total += len(piece)
                end = (end + piece)[-100:]
                if b"too slow for this channel" in end:
                    break
            assert 0 < total < 10_000_000, total


def test_a_redis_that_is_gone_ends_the_server():
    with example() as (host, path):
        import redis_pubsub_pb2 as pb
        with Client(host) as client:
            client.ask(cmd_redis_subscribe=pb.CmdRedisSubscribe(channel="news"))
            subprocess.run(["redis-cli", "-s", path, "shutdown", "nosave"], check=False)
            assert host.process.wait(60) == 1
        assert "no delivery from Redis any more" in host.process.stderr.read()


def test_clients_that_are_gone_do_not_end_delivery():
    class Dying:
        def push(self, field, message):
            raise pubsubgw.FullError(0, "PUBSUBGW_E_FULL", "full")

        def close(self, code, reason):
            raise pubsubgw.GoneError(0, "PUBSUBGW_E_GONE", "gone")

    class Living:
        pushes = 0

        def push(self, field, message):
            Living.pushes += 1

    class Redis:
        def pubsub(self, **_):
            return None

    with example():
        sys.path.insert(0, EXAMPLE)
        import server
        channels = server.Channels(Redis())
        channels.sessions["news"] = {1: (Dying(), False), 2: (Living(), True)}
        channels.push("news", b"payload")
        assert Living.pushes == 1
