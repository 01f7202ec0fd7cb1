"""What the READMEs show of Lua, from their own text."""

import json
import os
import re
import subprocess
import tempfile

import pubsub_pb2 as pb
from devbroker import DevBroker, until
from openresty import Nginx
from support import Client, ROOT, Host, unused_port
from test_c import read_all
from test_hosts import RECORDS
from test_lua import PATH, luajit
from test_openresty import own_command

LINES_MAX = 11
PATHS = ["/kafka/proxied", "/kafka/served", "/kafka/messages"]

CONF = """
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
worker_processes 2;
pid nginx.pid;
events {}
http {
    lua_package_path "/usr/local/share/lua/5.1/?.lua;;";
    @lua.conf@
    server {
        listen 127.0.0.1:9080;
        #listen 127.0.0.1:9443 ssl;
        #ssl_certificate     certificate.pem;
        #ssl_certificate_key certificate.key;
        @lua_locations.conf@
    }
}
"""


def blocks():
    """Their blocks of nginx and Lua by the name in the first line."""
    text = ""
    for path in ("README.md", "bindings/lua/README.md"):
        with open(os.path.join(ROOT, path)) as readme:
            text += readme.read()
    found = {}
    for block in re.findall(r"^```(?:nginx|lua)\n(.*?)^```$", text, re.S | re.M):
        title, rest = block.split("\n", 1)
        name = re.match(r"(?:#|--) (\w+\.(?:conf|lua))", title)
        if name:
            assert len([line for line in rest.split("\n") if line]) <= LINES_MAX, title
            found[name[1]] = rest
    return found


class Shown(Nginx):
    """nginx with the text that is shown, in the places where it says to put it."""

    def __init__(self, brokers, init="", location="", modules=""):
        shown = blocks()
        text = CONF.replace("@lua.conf@", shown["lua.conf"]) \
            .replace("@lua_locations.conf@", shown["lua_locations.conf"]
                     + shown["lua_proxied.conf"] + shown["lua_websocket.conf"] + location)
        assert 'dir = "/run/pubsubgw",' in text
        self.text = text
        conf = os.path.join(os.environ["HOSTS_WORK"], f"readme-{os.getpid()}.conf")
        with open(conf, "w") as out:
            out.write(text)
        super().__init__(brokers, conf=conf, replace=[
            ('dir = "/run/pubsubgw",', f'dir = ngx.config.prefix() .. "sockets", {init}'),
            ('lua_package_path "', f'lua_package_path "{modules}')])


def reads(url):
    with Client(url) as client:
        client.ping()
        assert len(client.read_all("demo", 0, 500)) == 500


def test_nginx_locations():
    with DevBroker(*RECORDS) as broker, Shown(broker.bootstrap) as nginx:
        for path in PATHS:
            reads(nginx.url(path))
        client = Client(nginx.url("/kafka/served"))
        client.ping()
        nginx.signal("SIGHUP")
        assert client.close_code() == 1012


def test_tokens():
    location = """location = /offset { content_by_lua_block {
        local kafka = assert(require("pubsubgw.nginx").kafka { nodes = "%s", plugins = {
            ["kafka-proxy"] = { sasl = { mechanism = "OAUTHBEARER", host_token = "%s" } } } })
        ngx.say(tostring(kafka:list_offset("demo", 0, -1)), " ",
                (select(2, kafka:list_offset("demo", 0, -1))))
    } }"""
    with DevBroker(*RECORDS, "--token", "access-token:ann") as broker:
        for name, answer in (("idp", "500 -1"), ("other", "nil ")):
            with Shown(broker.bootstrap, init=blocks()["tokens.lua"],
                       location=location % (broker.bootstrap, name)) as nginx:
                body = nginx.get("/offset").rsplit("\r\n\r\n", 1)[1].strip()
                assert body.startswith(answer), body
                if name == "other":
                    assert 'token "other": nobody brings it' in body, body


def test_own_commands():
    with Shown("127.0.0.1:9", init=blocks()["own_commands.lua"]) as nginx:
        for path in PATHS:
            with Client(nginx.url(path)) as client:
                client.ws.send(own_command(b"shout"))
                assert client.ws.recv(timeout=60) == own_command(b"SHOUT")


def test_apisix():
    location = "location = /apisix { content_by_lua_block { " + blocks()["apisix.lua"] + "} }"
    with Shown("127.0.0.1:9", location=location) as nginx, Client(nginx.url("/apisix")) as client:
        client.ping()
        error = client.error(cmd_kafka_list_offset=pb.CmdKafkaListOffset(topic="demo"))
        assert error.message == "not today", error


def test_request_logs():
    shown = blocks()
    with DevBroker("--topic", "logs:1") as broker, \
            tempfile.TemporaryDirectory(dir=os.environ["HOSTS_WORK"]) as modules:
        os.chmod(modules, 0o755)  # the workers are not root
        text = shown["logs.lua"].replace("9092", str(broker.ports[0]))
        with open(os.path.join(modules, "logs.lua"), "w") as out:
            out.write(text)
        with Shown(broker.bootstrap, location=shown["lua_logged.conf"],
                   modules=f"{modules}/?.lua;") as nginx:
            assert "hello" in nginx.get("/logged")
            nginx.signal("SIGQUIT")
            until(30, "the end of nginx", nginx.gone)
        (record,) = read_all(broker.bootstrap, "logs", 1, "read_uncommitted")
        (entry,) = json.loads(record[4])
        assert entry["request"]["uri"] == "/logged" and entry["response"]["body"] == "hello\n"


def test_plain_luajit():
    port = unused_port()
    with DevBroker(*RECORDS) as broker:
        text = blocks()["gateway.lua"].replace("9080", str(port)) \
            .replace("127.0.0.1:9092", broker.bootstrap)
        text = text.replace("io.read()", f'print("port {port}") io.stdout:flush() io.read()')
        with Host("luajit", "-e", text, stdin=subprocess.PIPE, LUA_PATH=PATH) as host:
            reads(host.url())
            host.process.stdin.close()
            assert host.process.wait(60) == 0, host.process.stderr.read()

def test_reading():
    shown = blocks()
    with DevBroker(*RECORDS) as broker:
        text = shown["gateway.lua"].split("assert(gateway:route_put")[0] \
            + "assert(gateway:start())\n" + shown["read.lua"] \
            + "for _, record in ipairs(more.records) do print(record.offset) end\n"
        text = text.replace("offset = 0 }", "offset = 0, max_bytes = 10000 }")
        done = luajit("-e", text.replace("127.0.0.1:9092", broker.bootstrap),
                      PUBSUBGW_LIBRARY=os.environ["PUBSUBGW_LIBRARY"])
        assert done.returncode == 0, done.stderr
        offsets = [int(line.split()[0]) for line in done.stdout.splitlines()]
        assert offsets == list(range(500)), offsets[:20]
