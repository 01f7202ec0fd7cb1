"""Request logs of nginx by pubsubgw.kafka_logger, read back by clients that others wrote."""

import json
import os
import re
import socket
import threading

from devbroker import DevBroker, until
from openresty import Nginx, alive, unused_port
from test_c import read_all

CONF = """
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
worker_processes 2;
pid nginx.pid;
events {}
http {
    access_log off;
    client_body_buffer_size 1k;
    client_body_in_single_buffer on;
    lua_package_path "/usr/local/share/lua/5.1/?.lua;;";
    init_by_lua_block {
        require("pubsubgw.nginx").init { dir = ngx.config.prefix() .. "sockets" }  -- 127.0.0.1:9092
        local logger = require "pubsubgw.kafka_logger"
        LOGS = {}
        local function add(name, conf, options)
            local text
            LOGS[name], text = logger.new(conf, options)
            if not LOGS[name] then error(text, 0) end
            for _, note in ipairs(text) do ngx.log(ngx.WARN, "note: ", name, ": ", note) end
        end
        @loggers@
    }
    init_worker_by_lua_block { require("pubsubgw.nginx").init_worker() }
    exit_worker_by_lua_block { require("pubsubgw.nginx").exit_worker() }
    server {
        listen 127.0.0.1:9080;
        #listen 127.0.0.1:9443 ssl;
        #ssl_certificate     certificate.pem;
        #ssl_certificate_key certificate.key;
        location ~ ^/at/(?<log>\\w+) {
            access_by_lua_block { LOGS[ngx.var.log]:access_phase() }
            content_by_lua_block {
                ngx.header.x_answer = { "a", "b" }
                ngx.print("hello ") ngx.flush() ngx.print(ngx.var.log)
                if ngx.var.arg_sleep then ngx.sleep(tonumber(ngx.var.arg_sleep)) end
            }
            body_filter_by_lua_block { LOGS[ngx.var.log]:body_filter_phase() }
            log_by_lua_block { LOGS[ngx.var.log]:log_phase() }
        }
        location = /hello { content_by_lua_block { ngx.print("hello") } }
        location = /proxied/plain {
            set $log plain;
            proxy_pass http://127.0.0.1:9080/hello;
            log_by_lua_block { LOGS[ngx.var.log]:log_phase() }
        }
        location ~ ^/counters/(?<log>\\w+) {
            content_by_lua_block {
                ngx.print(require("pubsubgw.json").text(LOGS[ngx.var.log]:counters()))
            }
        }
        location ~ ^/close/(?<log>\\w+) {
            content_by_lua_block { LOGS[ngx.var.log]:close() }
        }
        location = /check {
            content_by_lua_block {
                ngx.req.read_body()
                local given = assert(loadstring("return " .. ngx.req.get_body_data()))()
                local notes, text = require("pubsubgw.kafka_logger").check(given)
                ngx.print(notes and "notes: " .. table.concat(notes, "; ") or text)
            }
        }
    }
}
"""


def logger(name, port, more="", options="nil"):
    return f"""add("{name}", {{ brokers = {{ {{ host = "127.0.0.1", port = {port} }} }},
        kafka_topic = "{name}", inactive_timeout = 1, {more} }}, {options})\n"""


class Logging(Nginx):
    """One worker, whose counters can be asked for, unless there are to be more."""

    def __init__(self, loggers, workers=1, **options):
        conf = os.path.join(os.environ["HOSTS_WORK"], f"logger-{os.getpid()}-{id(self)}.conf")
        with open(conf, "w") as out:
            out.write(CONF.replace("@loggers@", loggers))
        super().__init__(conf=conf, workers=workers, **options)
        os.unlink(conf)

    def ask(self, path, body=None, headers=(), method=None):
        """The body of the answer, and it has to be 200."""
        head = [f"{method or ('GET' if body is None else 'POST')} {path} HTTP/1.1",
                "Host: localhost", "Connection: close", *headers]
        if body is not None:
            head.append(f"Content-Length: {len(body)}")
        with self.connect() as sock:
            sock.sendall("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + (body or b""))
            received = b""
            while more := sock.recv(65536):
                received += more
        head, _, rest = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), received
        return rest

    def counters(self, name):
        return json.loads(re.search(rb"\{.*\}", self.ask(f"/counters/{name}"))[0])

    def until_delivered(self, name, count):
        until(20, f"{count} entries", lambda: self.counters(name)["delivered"] == count)
        found = self.counters(name)
        assert (found["pending"], found["bytes"], found["in_flight"]) == (0, 0, 0), found


def messages(broker, topic):
    """The pairs (key, value) of a topic of one partition."""
    return [record[3:5] for record in read_all(broker.bootstrap, topic, 1, "read_uncommitted")]


def entries(broker, topic):
    return [entry for _, value in messages(broker, topic) for entry in json.loads(value)]


def test_default_fields():
    with DevBroker("--topic", "plain:1") as broker:
        port = broker.ports[0]
        text = logger("plain", port, 'key = "k", log_format_extra = { mine = "$arg_a", status = 7 }',
                      '{ route_id = "r1", version = "9", consumer = function() return "ann" end }')
        with Logging(text) as nginx:
            nginx.ask("/at/plain?a=b&flag&a=c", headers=["X-Twice: 1", "X-Twice: 2", "1: one"])
            nginx.ask("/proxied/plain")
            nginx.ask("/at/plain?x=\xff\xc3\xbc", body=b"not logged")
            nginx.until_delivered("plain", 3)
            assert nginx.counters("plain")["messages"] == 1
        (key, value), = messages(broker, "plain")
        first, proxied, odd = json.loads(value)
        assert key == b"k"
        request, response = first["request"], first["response"]
        assert request["url"] == f"http://localhost:{nginx.port}/at/plain?a=b&flag&a=c", request
        assert request["uri"] == "/at/plain?a=b&flag&a=c" and request["method"] == "GET"
        assert request["querystring"] == {"a": ["b", "c"], "flag": True}, request
        assert request["headers"] == {"host": "localhost", "connection": "close", "1": "one",
                                      "x-twice": ["1", "2"]}, request
        assert 50 < request["size"] < 200 and "body" not in request, request
        assert response["status"] == 200 and response["size"] > 100, response
        assert response["headers"]["x-answer"] == ["a", "b"] and "body" not in response, response
        assert first["server"] == {"hostname": socket.gethostname(), "version": "9"}, first
        assert first["client_ip"] == "127.0.0.1" and first["consumer"] == {"username": "ann"}
        assert (first["route_id"], first["service_id"]) == ("r1", ""), first
        assert 0 <= first["latency"] < 60_000 and first["apisix_latency"] == first["latency"]
        assert first["start_time"] > 1.6e12 and "upstream" not in first, first
        assert (first["mine"], first["status"]) == ("b", 7), first
        assert proxied["upstream"] == f"127.0.0.1:{nginx.port}", proxied
        assert proxied["upstream_latency"] >= 0 and proxied["apisix_latency"] >= 0, proxied
        # What is not UTF-8 does not spoil the batch.
        assert odd["request"]["uri"] == "/at/plain?x=\ufffd\xfc", odd


def test_log_format_and_origin():
    with DevBroker("--topic", "form:1", "--topic", "origin:1", "--topic", "one:1") as broker:
        port = broker.ports[0]
        text = logger("form", port, """batch_max_size = 2, max_req_body_bytes = 5,
            include_req_body = true, log_format = { host = "$host", me = "me", none = "$arg_none",
            body = "$request_body", deep = { number = 5, flag = true, status = "$status" } }""",
                      '{ service_id = "s" }')
        text += logger("origin", port, 'meta_format = "origin", include_req_body = true')
        text += logger("one", port, 'meta_format = "origin", batch_max_size = 1')
        with Logging(text) as nginx:
            for _ in range(3):
                nginx.ask("/at/form", body=b"0123456789")
            nginx.ask("/at/origin?x", body=b"a\"b\n", headers=["X-Two: 1", "x-two: 2"])
            nginx.ask("/at/one", body=b"hidden", method="PUT")
            for name, count in (("form", 3), ("origin", 1), ("one", 1)):
                nginx.until_delivered(name, count)
            assert nginx.counters("form")["messages"] == 2
        entry = {"host": "localhost", "me": "me", "body": "01234", "service_id": "s",
                 "deep": {"number": 5, "flag": True, "status": "200"}}
        assert [json.loads(value) for _, value in messages(broker, "form")] == [[entry] * 2, [entry]]
        (key, value), = messages(broker, "origin")
        assert key is None
        assert json.loads(value) == [
            "POST /at/origin?x HTTP/1.1\r\nconnection: close\r\ncontent-length: 4\r\n"
            "host: localhost\r\nx-two: 1\r\nx-two: 2\r\n\r\na\"b\n"], value
        assert messages(broker, "one") == [(
            None, b"PUT /at/one HTTP/1.1\r\nconnection: close\r\ncontent-length: 6\r\n"
                  b"host: localhost\r\n\r\n")]


def test_bodies():
    with DevBroker("--topic", "body:1", "--topic", "expr:1") as broker:
        port = broker.ports[0]
        text = logger("body", port, """include_req_body = true, max_req_body_bytes = 3000,
            include_resp_body = true, max_resp_body_bytes = 8""")
        text += logger("expr", port, """include_req_body = true, include_resp_body = true,
            include_req_body_expr = { { "arg_n", ">", 10 }, { "arg_n", "!", "in", { "12", 13 } },
                { { "OR", { "request_method", "POST" }, { "http_x_log", "~*", "^YES$" } } } },
            include_resp_body_expr = { { "status", "==", 200 }, { "arg_r", "~=", "off" } }""")
        with Logging(text) as nginx:
            # In memory, and in a file: nginx's buffer has 1,024 bytes.
            for size in (10, 5000):
                assert nginx.ask("/at/body", body=b"x" * size).find(b"hello ") >= 0
            nginx.ask("/at/body")
            for query, method, headers in [
                    ("n=11", "POST", []), ("n=9", "POST", []), ("n=12", "POST", []),
                    ("n=13", "POST", []), ("n=11&r=off", "PUT", ["X-Log: yes"]),
                    ("n=11", "PUT", ["X-Log: yes, no"]), ("", "POST", [])]:
                nginx.ask("/at/expr?" + query, b"body", headers, method)
            nginx.until_delivered("body", 3)
            nginx.until_delivered("expr", 7)
        found = entries(broker, "body")
        assert [e["request"].get("body") for e in found] == ["x" * 10, "x" * 3000, None], found
        assert [e["response"].get("body") for e in found] == ["hello bo"] * 3, found
        found = entries(broker, "expr")
        assert [e["request"].get("body") for e in found] == [
            "body", None, None, None, "body", None, None], found
        assert [e["response"].get("body") for e in found] == [
            *["hello expr"] * 4, None, *["hello expr"] * 2], found


GOOD = 'brokers = { { host = "a", port = 1 } }, kafka_topic = "t"'
WRONG = [
    ('kafka_topic = "t"', "brokers: is missing"),
    ('brokers = { { host = "a", port = 1 } }', "kafka_topic: is missing"),
    (GOOD + ", broker_list = { a = 1 }", "broker_list: is there beside brokers"),
    ('kafka_topic = "t", brokers = {}', "brokers: expected a list of at least one broker"),
    ('kafka_topic = "t", broker_list = { a = 0 }', "broker_list.a: expected an integer from 1 to 65535"),
    ('kafka_topic = "t", brokers = { { host = "a", port = 1 }, { host = "b", port = 70000 } }',
     "brokers[2].port: expected an integer from 1 to 65535, got 70000"),
    ('kafka_topic = "t", brokers = { { host = "a" } }', "brokers[1].port: is missing"),
    ('kafka_topic = "t", brokers = { { host = 5, port = 1 } }', "brokers[1].host: expected a string, got 5"),
    ('kafka_topic = "t", brokers = { { host = "a", port = 1 }, { host = "a", port = 1 } }',
     "brokers[2]: is there twice: a:1"),
    ('kafka_topic = "t", brokers = { { host = "a b", port = 1 } }', "brokers: "),
    ('kafka_topic = "t", brokers = { { host = "a", port = 1, sasl_config = { user = "u" } } }',
     "brokers[1].sasl_config.password: is missing"),
    ('kafka_topic = "t", brokers = { { host = "a", port = 1, sasl_config = { user = "u", '
     'password = 5 } } }', "brokers[1].sasl_config.password: expected a string"),
    ('kafka_topic = "t", brokers = { { host = "a", port = 1, sasl_config = { mechanism = "GSSAPI", '
     'user = "u", password = "p" } } }', "brokers[1].sasl_config.mechanism: expected PLAIN or"),
    ('kafka_topic = "t", brokers = { { host = "a", port = 1, sasl_config = { user = "u", '
     'password = "p" } }, { host = "b", port = 1 } }', "brokers[2].sasl_config: differs"),
    (GOOD + ", required_acks = 0", "required_acks: expected 1 or -1, got 0"),
    (GOOD + ', producer_type = "both"', 'producer_type: expected async or sync, got "both"'),
    (GOOD + ", producer_batch_num = 0", "producer_batch_num: expected an integer of at least 1, got 0"),
    (GOOD + ", producer_time_linger = 1.5", "producer_time_linger: expected an integer"),
    (GOOD + ", timeout = 1e9", "timeout: expected an integer from 1 to 86400"),
    (GOOD + ", max_req_body_bytes = ngx.null", "max_req_body_bytes: expected an integer of at least 1, got null"),
    (GOOD + ', include_req_body = "true"', 'include_req_body: expected true or false, got "true"'),
    (GOOD + ", key = 5", "key: expected a string, got 5"),
    (GOOD + ', kafka_topic = "a/b"', "kafka_topic: not a topic's name"),
    (GOOD + ', log_format = "x"', "log_format: expected an object"),
    (GOOD + ', log_format = { "x" }', "log_format: expected an object, got a list"),
    (GOOD + ', log_format = { a = { b = "$" } }', "log_format.a.b: expected a variable's name"),
    (GOOD + ", tls = { verify = 1 }", "tls.verify: expected true or false, got 1"),
    (GOOD + ", linger = 5", "linger: there is no such key"),
    (GOOD + ", _meta = { filter = {} }", "_meta.filter: is not supported"),
    (GOOD + ", include_req_body_expr = {}", "include_req_body_expr: expected a list"),
    (GOOD + ', include_req_body_expr = { "OR" }', "include_req_body_expr[1]: expected a condition"),
    (GOOD + ', include_req_body_expr = { { "uri", "~~", "(" } }',
     "include_req_body_expr[1][3]: not a regular expression"),
    (GOOD + ', include_resp_body_expr = { { "OR", { "a", "b" }, { "a", "<", "x" } } }',
     "include_resp_body_expr[1][3][3]: expected a number"),
    (GOOD + ', include_resp_body_expr = { { "remote_addr", "ipmatch", { "::1" } } }',
     'include_resp_body_expr[1][2]: the operator "ipmatch" is not supported'),
]


def test_wrong_confs():
    with Logging("") as nginx:
        def check(conf):
            text = nginx.ask("/check", f"{{ {conf} }}".encode()).decode()
            return re.sub(r"(?m)^\w+\r?\n|\r", "", text)
        for conf, wanted in WRONG:
            said = check(conf)
            assert f"kafka-logger: {wanted}" in said, (conf, said)
        assert "notes: \n" in check(GOOD) + "\n"
        for conf, notes in [
                ("cluster_name = 1", ["cluster_name"]),
                ("api_version = 2, retry_delay = 3", ["api_version", "retry_delay"]),
                ('meta_format = "origin", log_format = {}', ["log_format"]),
                ('producer_type = "sync", producer_time_linger = 1', ["producer_time_linger"])]:
            said = check(GOOD + ", " + conf)
            assert said.count("has no effect") == len(notes), said
            assert all(note + ": has no effect" in said for note in notes), said
        # In init it keeps nginx from starting.
        nginx.write(nginx.text.replace("LOGS = {}", "LOGS = {} assert(logger.new { nodes = 1 })"))
        nginx.signal("SIGHUP")
        until(10, "a refusal", lambda: "kafka-logger: nodes: there is no such key" in nginx.log())


def test_absent_broker():
    """Requests are answered, what waits is bounded, drops are told of once, and it goes on later."""
    with DevBroker("--topic", "away:1") as broker:
        text = logger("away", broker.ports[0], "batch_max_size = 1",
                      "{ max_pending_bytes = 100000, route_id = ('r'):rep(1000) }")
        with Logging(text) as nginx:
            nginx.ask("/at/away")
            nginx.until_delivered("away", 1)
            for cycle in (1, 2):
                before = nginx.counters("away")
                broker.do("take-down", broker=1)
                for _ in range(200):
                    assert b"hello" in nginx.ask("/at/away")
                found = nginx.counters("away")
                assert 50_000 < found["bytes"] <= 100_000, found
                dropped = found["dropped"] - before["dropped"]
                assert dropped > 100 and found["pending"] + dropped == 200, found
                assert nginx.log().count("entries are dropped: ") == cycle
                assert nginx.log().count("there is room again: ") == cycle - 1
                broker.do("bring-up", broker=1)
                nginx.until_delivered("away", found["accepted"])
                until(10, "the line", lambda: nginx.log().count("there is room again: ") == cycle)
                assert f"room again: {dropped} entries were dropped" in nginx.log()
            found = nginx.counters("away")
            assert found["accepted"] + found["dropped"] == 401 and found["failed"] == 0, found
        assert len(messages(broker, "away")) == found["delivered"]


def test_failures_are_tried_again_and_told_of_once():
    with DevBroker("--topic", "fail:1", "--topic", "again:1") as broker:
        port = broker.ports[0]
        text = logger("fail", port, "batch_max_size = 1", "{ max_message_bytes = 2000 }")
        text += logger("again", port, "batch_max_size = 1, max_retry_count = 5, retry_delay = 1")
        with Logging(text) as nginx:
            # TOPIC_AUTHORIZATION_FAILED, which no producer tries again.
            broker.do("inject", action="error", code=29, api=0, times=3)
            for _ in range(2):
                nginx.ask("/at/fail")
                until(10, "an end", lambda: nginx.counters("fail")["pending"] == 0)
            assert nginx.counters("fail")["failed"] == 2
            nginx.ask("/at/fail", headers=["X-Long: " + "x" * 3000])
            assert nginx.counters("fail")["failed"] == 3
            assert nginx.log().count("entries are not delivered: ") == 1
            nginx.ask("/at/again")
            nginx.until_delivered("again", 1)
            assert nginx.counters("again")["retried"] == 1
            nginx.ask("/at/fail")
            nginx.until_delivered("fail", 1)
            assert "entries are delivered again; 3 were not" in nginx.log()
        assert len(messages(broker, "again")) == 1


def leave_nothing_behind(name):
    with DevBroker("--topic", "all:1") as broker:
        # Left alone, a batch would wait for a minute, and then as long in the producer.
        text = logger("all", broker.ports[0], 'log_format = { n = "$arg_n" }, producer_time_linger = 60')
        text = text.replace("inactive_timeout = 1", "inactive_timeout = 60, batch_max_size = 7")
        with Logging(text, workers=2) as nginx:
            old, answered, stop = nginx.workers(), [], threading.Event()

            def ask(first):
                number = first
                while not stop.is_set():
                    try:
                        nginx.ask(f"/at/all?n={number}")
                    except OSError:
                        return
                    answered.append(str(number))
                    number += 4

            # In the middle of an answer when the workers are told to go.
            late = threading.Thread(target=nginx.ask, args=("/at/all?n=late&sleep=2",))
            late.start()
            threads = [threading.Thread(target=ask, args=(first,)) for first in range(4)]
            for thread in threads:
                thread.start()
            until(20, "requests", lambda: len(answered) > 200)
            if name == "SIGQUIT":
                stop.set()
                for thread in threads:
                    thread.join()
            nginx.signal(name)
            until(30, "the end of the old workers", lambda: not any(map(alive, old)))
            stop.set()
            for thread in (*threads, late):
                thread.join()
            if name == "SIGHUP":
                nginx.signal("SIGQUIT")
            until(30, "the end of nginx", nginx.gone)
            assert "are lost" not in nginx.log()
        found = sorted(entry["n"] for entry in entries(broker, "all"))
        assert found == sorted(answered + ["late"]), (len(found), len(answered))


def test_a_reload_loses_nothing():
    leave_nothing_behind("SIGHUP")


def test_a_quit_loses_nothing():
    leave_nothing_behind("SIGQUIT")


def test_a_worker_that_leaves_gives_up_in_time():
    text = logger("gone", unused_port(), "", "{ exit_seconds = 1 }")
    with Logging(text) as nginx:
        for _ in range(3):
            nginx.ask("/at/gone")
        nginx.signal("SIGQUIT")
        until(10, "the end of nginx", nginx.gone)
        assert "3 entries are lost: not delivered within 1 seconds" in nginx.log()


def test_an_entry_that_cannot_be_made():
    text = logger("odd", unused_port(), "", '{ consumer = function() error "nobody" end }')
    with Logging(text) as nginx:
        for _ in range(2):
            assert b"hello" in nginx.ask("/at/odd")
        found = nginx.counters("odd")
        assert (found["failed"], found["accepted"], found["pending"]) == (2, 0, 0), found
        assert nginx.log().count("nobody") == 1, nginx.log()


def test_a_disabled_logger_does_nothing():
    with Logging(logger("off", unused_port(), "_meta = { disable = true }")) as nginx:
        nginx.ask("/at/off")
        found = nginx.counters("off")
        assert (found["accepted"], found["dropped"], found["failed"]) == (0, 0, 0), found


def test_who_comes_late_has_as_long_again():
    with DevBroker("--topic", "late:1") as broker:
        with Logging(logger("late", broker.ports[0], "", "{ exit_seconds = 1 }")) as nginx:
            late = threading.Thread(target=nginx.ask, args=("/at/late?sleep=3",))
            late.start()
            nginx.ask("/at/late")
            nginx.signal("SIGQUIT")
            late.join()
            until(10, "the end of nginx", nginx.gone)
            assert "are lost" not in nginx.log()
        assert len(entries(broker, "late")) == 2


def test_limits_of_batches():
    with DevBroker("--topic", "size:1", "--topic", "time:1", "--topic", "one:1") as broker:
        port = broker.ports[0]
        text = logger("size", port, "", "{ max_message_bytes = 2000, route_id = ('r'):rep(500) }")
        text += logger("time", port, "buffer_duration = 1").replace("timeout = 1", "timeout = 60")
        text += logger("one", port, "batch_max_size = 1, producer_max_buffering = 1")
        with Logging(text) as nginx:
            for _ in range(5):
                nginx.ask("/at/size")
                nginx.ask("/at/one")
                nginx.ask("/at/time")
            assert nginx.counters("one")["in_flight"] <= 1
            for name in ("size", "one", "time"):
                nginx.until_delivered(name, 5)
            assert nginx.counters("one")["messages"] == 5
        sizes = [len(value) for _, value in messages(broker, "size")]
        assert len(sizes) > 1 and max(sizes) <= 2000, sizes
        assert len(entries(broker, "size")) == 5


def test_tls():
    with Logging("") as other, DevBroker(
            "--topic", "tls:1", "--tls-cert", other.path("certificate.pem"),
            "--tls-key", other.path("certificate.key")) as broker:
        with Logging(logger("tls", broker.ports[0], "tls = {}")) as nginx:
            nginx.ask("/at/tls")
            nginx.until_delivered("tls", 1)
        # Nobody vouches for it.
        text = logger("tls", broker.ports[0], "tls = { verify = true }", "{ exit_seconds = 1 }")
        with Logging(text) as nginx:
            nginx.ask("/at/tls")
            nginx.signal("SIGQUIT")
            until(10, "the end of nginx", nginx.gone)
            assert "1 entries are lost" in nginx.log()


def test_closing_sends_what_is_there():
    with DevBroker("--topic", "end:1") as broker:
        with Logging(logger("end", broker.ports[0]).replace(
                "inactive_timeout = 1", "inactive_timeout = 60")) as nginx:
            nginx.ask("/at/end")
            nginx.ask("/close/end")
            nginx.ask("/at/end")
            nginx.until_delivered("end", 1)
        assert len(entries(broker, "end")) == 1


def test_login_and_sync():
    with DevBroker("--topic", "in:1", "--sasl", "ann:secret:SCRAM-SHA-256") as broker:
        text = logger("in", broker.ports[0], 'producer_type = "sync", required_acks = -1').replace(
            " } }", ', sasl_config = { mechanism = "SCRAM-SHA-256", user = "ann", password = "secret" } } }', 1)
        with Logging(text) as nginx:
            nginx.ask("/at/in")
            nginx.until_delivered("in", 1)
