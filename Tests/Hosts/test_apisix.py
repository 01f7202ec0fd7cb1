"""Plug-ins in the shape of APISIX's core.pubsub, and clients that speak the original protocol. The
cases are those of APISIX's own tests of its pub/sub module, and what surrounds them."""

import importlib
import os
import re
import socket
import subprocess

from devbroker import DevBroker, until
from openresty import Nginx
from support import Client, ROOT, WORK, receive_head, upgrade_head
from test_hosts import RECORDS
from test_lua_proto import EDGES

HANDLERS = ("location = /metrics {", """location = /pubsub {
            content_by_lua_block {
                local pubsub = require "pubsubgw.apisix"
                local ps, err = pubsub.new()
                if not ps then
                    ngx.log(ngx.ERR, "failed to initialize pubsub module, err: ", err)
                    return ngx.exit(400)
                end
                ps:on("cmd_ping", function (params)
                    if params.state ~= "test" then return nil, "error" end
                    return { pong_resp = params }
                end)
                -- What a handler sees of a 64-bit integer, and what it gives back.
                ps:on("cmd_kafka_list_offset", function (params)
                    local kind = type(params.timestamp)
                    if kind ~= params.topic then return nil, kind end
                    if params.partition == 1 then
                        return { kafka_list_offset_resp = { offset = require("ffi").new("int64_t", -5) } }
                    end
                    return { kafka_list_offset_resp = { offset = params.timestamp } }
                end)
                ps:on("cmd_kafka_fetch", function (params)
                    if params.topic == "raise" then error "deliberately" end
                    if params.topic == "slow" then ngx.sleep(0.2) end
                    local messages = {}
                    for index = 1, params.partition do
                        messages[index] = { offset = index, timestamp = "1700000000000",
                            key = "", value = ("v"):rep(params.offset) }
                    end
                    return { kafka_fetch_resp = { messages = messages } }
                end)
                ps:wait()
            }
        }
        location = /moved {
            content_by_lua_block {
                require("kafka_plugin").access { matched_upstream = { nodes = "@brokers@" } }
            }
        }
        location = /with-kafka {
            content_by_lua_block {
                local ps = assert(require("pubsubgw.apisix").new { route = "kafka" })
                ps:on("cmd_kafka_list_offset", function() return nil, "mine" end)
                ps:wait()
            }
        }
        location = /metrics {""")


def original():
    source = os.path.join(ROOT, "Tests/Hosts/lua")
    subprocess.run(["protoc", f"-I{source}", f"--python_out={WORK}", f"{source}/original.proto"],
                   check=True)
    return importlib.import_module("original_pb2")


class Original(Client):
    """A client of the original protocol."""

    pb = original()

    def __init__(self, nginx, path="/pubsub"):
        super().__init__(nginx.url(path))

    def say(self, sequence=0, **command):
        self.ws.send(self.pb.PubSubReq(sequence=sequence, **command).SerializeToString())

    def hear(self):
        return self.pb.PubSubResp.FromString(self.ws.recv(timeout=60))

    def exchange(self, sequence=0, **command):
        self.say(sequence, **command)
        reply = self.hear()
        assert reply.sequence == sequence, reply
        return reply


def plugin(brokers="127.0.0.1:9"):
    return Nginx(brokers, replace=[
        (HANDLERS[0], HANDLERS[1].replace("@brokers@", brokers)), ("error_log logs/error.log;", "error_log logs/error.log warn;")])


def logged(nginx, text):
    until(10, text, lambda: text in nginx.log())


def test_handlers_answer():
    with plugin() as nginx, Original(nginx) as client:
        pb = client.pb
        assert client.exchange(cmd_ping=pb.CmdPing(state=b"test")).pong_resp.state == b"test"
        reply = client.exchange(5, cmd_ping=pb.CmdPing(state=b"non-test"))
        assert (reply.error_resp.code, reply.error_resp.message) == (0, "error"), reply
        reply = client.exchange(6, cmd_kafka_fetch=pb.CmdKafkaFetch(partition=3, offset=2))
        assert [(m.offset, m.timestamp, m.key, m.value) for m in reply.kafka_fetch_resp.messages] \
            == [(n, 1700000000000, b"", b"vv") for n in (1, 2, 3)]
        reply = client.exchange(7, cmd_kafka_fetch=pb.CmdKafkaFetch(partition=0))
        assert reply.WhichOneof("resp") == "kafka_fetch_resp"
        # The original drops the connection when a reply is larger than 65,535 bytes.
        reply = client.exchange(8, cmd_kafka_fetch=pb.CmdKafkaFetch(partition=40, offset=30_000))
        assert reply.ByteSize() > 1_200_000


def agreed(nginx, path="/pubsub", **headers):
    with socket.create_connection(("127.0.0.1", nginx.port)) as sock:
        sock.sendall(upgrade_head(path, **headers))
        head = receive_head(sock)[0]
    names = re.findall(r"(?im)^sec-websocket-protocol: (.*?)\r?$", head)
    return int(head.split()[1]), names


def test_pages_of_strangers_are_refused():
    with plugin() as nginx:
        assert agreed(nginx)[0] == 101
        assert agreed(nginx, Origin="http://localhost")[0] == 101
        for origin in ("https://evil.example", "null"):
            assert agreed(nginx, Origin=origin)[0] == 400
        logged(nginx, "failed to initialize pubsub module, err: this origin is not allowed here")
        # This route lets everybody in.
        assert agreed(nginx, "/with-kafka", Origin="https://evil.example")[0] == 101
    with Nginx(replace=[(HANDLERS[0], HANDLERS[1].replace("@brokers@", "127.0.0.1:9")),
                        ("dir =", 'origins = { "https://a.example" }, dir =')]) as nginx:
        assert agreed(nginx, Origin="https://a.example")[0] == 101
        assert agreed(nginx, Origin="http://localhost")[0] == 400


def test_only_what_is_spoken_is_agreed_to():
    with plugin() as nginx:
        for offer, wanted in (("pubsub.text", []), ("pubsub.json, pubsub.text", []), ("x, y", []),
                              ("mine", ["mine"]), ("pubsub.proto", ["pubsub.proto"])):
            assert agreed(nginx, **{"Sec-WebSocket-Protocol": offer}) == (101, wanted), offer


def test_requests_that_are_no_upgrade_are_refused():
    with plugin() as nginx:
        assert nginx.get("/pubsub").startswith("HTTP/1.1 400 ")
        logged(nginx, 'failed to initialize pubsub module, err: bad http version')


def test_unknown_empty_and_undecodable_commands():
    with plugin() as nginx, Original(nginx) as client:
        pb = client.pb
        reply = client.exchange(1, cmd_empty=pb.CmdEmpty())
        assert reply.SerializeToString().hex() == "0801fa0111120f756e6b6e6f776e20636f6d6d616e64"
        logged(nginx, "pubsub callback handler not registered for the command, command: cmd_empty")
        # Nothing answers these, and the connection goes on.
        client.ws.send("test")
        client.ws.send(b"")
        client.say(9)
        reply = client.exchange(2, cmd_ping=pb.CmdPing(state=b"test"))
        assert reply.pong_resp.state == b"test"
        logged(nginx, "pubsub server receive non-binary data, type: text, data: test")
        logged(nginx, "pubsub server receives empty command")
        for data in (b"\x08", b"\x82\x02\x05\x0a", b"\x07", "!@#$%^&*中文".encode()):
            client.ws.send(data)
            assert client.ws.recv(timeout=60).hex() \
                == "fa010f120d77726f6e6720636f6d6d616e64", data
        logged(nginx, "pubsub server receives undecodable data, err: ")
        client.exchange(3, cmd_ping=pb.CmdPing(state=b"test"))


def test_64_bit_integers():
    with plugin() as nginx, Original(nginx) as client:
        pb = client.pb
        for value in EDGES:
            kind = "number" if -2**31 <= value < 2**32 else "string"
            reply = client.exchange(value, cmd_kafka_list_offset=pb.CmdKafkaListOffset(
                topic=kind, timestamp=value))
            assert reply.kafka_list_offset_resp.offset == value, (value, reply)
        reply = client.exchange(cmd_kafka_list_offset=pb.CmdKafkaListOffset(
            topic="number", partition=1))
        assert reply.kafka_list_offset_resp.offset == -5


def test_commands_are_answered_in_order():
    with plugin() as nginx, Original(nginx) as client:
        pb = client.pb
        for number in range(30):
            client.say(number, cmd_kafka_fetch=pb.CmdKafkaFetch(
                topic="slow" if number % 10 == 0 else "quick"))
        assert [client.hear().sequence for _ in range(30)] == list(range(30))


def test_a_handler_that_raises_ends_its_connection_only():
    with plugin() as nginx, Original(nginx) as other:
        with Original(nginx) as client:
            client.say(1, cmd_kafka_fetch=client.pb.CmdKafkaFetch(topic="raise"))
            assert client.close_code() == 1011
        logged(nginx, "deliberately")
        other.exchange(2, cmd_ping=other.pb.CmdPing(state=b"test"))


def test_the_library_serves_what_has_no_handler():
    with DevBroker(*RECORDS) as broker, plugin(broker.bootstrap) as nginx:
        with Original(nginx, "/with-kafka") as client:
            pb = client.pb
            client.exchange(1, cmd_ping=pb.CmdPing(state=b"any"))
            reply = client.exchange(2, cmd_kafka_fetch=pb.CmdKafkaFetch(topic="demo", offset=490))
            assert [m.offset for m in reply.kafka_fetch_resp.messages] == list(range(490, 500))
            reply = client.exchange(3, cmd_kafka_list_offset=pb.CmdKafkaListOffset(topic="demo"))
            assert reply.error_resp.message == "mine"
            assert client.exchange(4, cmd_empty=pb.CmdEmpty()).error_resp.message == "unknown command"


def test_a_reload_closes_with_1012():
    with plugin() as nginx:
        clients = [Original(nginx) for _ in range(10)]
        for client in clients:
            client.exchange(1, cmd_ping=client.pb.CmdPing(state=b"test"))
        nginx.signal("SIGHUP")
        assert [client.close_code() for client in clients] == [1012] * 10


def test_a_plugin_that_reads_kafka_by_itself():
    with DevBroker(*RECORDS, "--no-auto-create") as broker, plugin(broker.bootstrap) as nginx:
        with Original(nginx, "/moved") as client:
            pb = client.pb
            for timestamp, wanted in ((-1, 500), (-2, 0), (2**53 + 1, -1)):
                reply = client.exchange(1, cmd_kafka_list_offset=pb.CmdKafkaListOffset(
                    topic="demo", timestamp=timestamp))
                assert reply.kafka_list_offset_resp.offset == wanted, (timestamp, reply)
            offset = 0
            while offset < 500:
                reply = client.exchange(2, cmd_kafka_fetch=pb.CmdKafkaFetch(
                    topic="demo", offset=offset))
                for message in reply.kafka_fetch_resp.messages:
                    assert message.offset == offset and message.value and message.timestamp > 0
                    offset += 1
            reply = client.exchange(3, cmd_kafka_fetch=pb.CmdKafkaFetch(topic="missing"))
            assert reply.error_resp.message.startswith(
                "failed to fetch message, topic: missing, partition: 0, err: "), reply
