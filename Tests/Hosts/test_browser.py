"""Sessions of a real browser: what WebSocket, CloseEvent and the rules of Origin are to a page."""

import base64
import contextlib
import json
import os
import re
import signal
import socket

import confluent_kafka
import pubsub_pb2 as pb
import pubsubgw
from chromium import Chromium, Files, numbers
from devbroker import DevBroker, until
from google.protobuf import json_format
from python_hosts import example, with_tls
from support import Client, Gateway, Host, ROOT, WORK, receive_head, route, unused_port

NOWHERE = f"127.0.0.1:{unused_port()}"
DEMO = ("--records", "demo:1000:100")
BIG = ("--records", "big:4000:1000")
TEXTS = ["", "plain", "é", "€uro", "𝒳😀", "a\nb\t\"quoted\"\\", "\u0000\u007f\u2028"] * 4000
DEFLATE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
SECONDS = 60


@contextlib.contextmanager
def browsing(*records, **pubsub):
    """A gateway with compression, and a page that may connect to it."""
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        files, broker = enter(Files()), enter(DevBroker(*records))
        gateway = enter(Gateway(
            route(broker.bootstrap, pubsub={
                "origins": [files.origin], "compression": True, **pubsub}),
            route(broker.bootstrap, uri="/plain", pubsub={"origins": [files.origin]})))
        chromium = enter(Chromium())
        yield broker, gateway, chromium.page(files.origin)


def produce(broker, topic, records):
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 50})
    for record in records:
        producer.produce(topic, partition=0, **record)
    assert producer.flush(SECONDS) == 0


def records_of(gateway, topic, count):
    """What a page has to be told, as read by another client."""
    with Client(gateway.url("/plain"), compression=None) as client:
        return client.read_all(topic, 0, count, 1 << 20)


def from_json(text):
    """Judged by protobuf's own reader of JSON."""
    return json_format.Parse(text, pb.PubSubResp())


ODD = [
    {"key": None, "value": None}, {"key": b"", "value": b""}, {"key": b"k", "value": b"\xff\xfe"},
    {"value": "\ud7ff\ue000😀".encode(), "timestamp": 2**53 + 1},
    {"value": b"v", "headers": [("h", b"1"), ("h", None), ("é", b""), ("raw", b"\x80")]}]

READ_ALL = """
    const socket = await open(url, protocol), replies = [];
    for (let offset = "0", sequence = 1; Number(offset) < count; sequence++) {
        const reply = await socket.ask({sequence: String(sequence), cmdKafkaFetch: {
            topic, offset, maxBytes: 20000}});
        replies.push(reply);
        offset = JSON.parse(reply).kafkaFetchResp.nextOffset;
    }
    return [replies, socket.socket.protocol, await socket.close()];
"""


def test_reads_records_in_pubsub_json():
    with browsing(*DEMO, "--topic", "odd") as (broker, gateway, page):
        produce(broker, "odd", ODD)
        for topic, count in (("demo", 1000), ("odd", len(ODD))):
            replies, protocol, closed = page.run(
                READ_ALL, url=gateway.url(), protocol="pubsub.json", topic=topic, count=count)
            assert protocol == "pubsub.json" and closed["wasClean"], (protocol, closed)
            replies = [from_json(reply) for reply in replies]
            assert [reply.sequence for reply in replies] == list(range(1, len(replies) + 1))
            found = [m for reply in replies for m in reply.kafka_fetch_resp.messages]
            assert found == records_of(gateway, topic, count)
        # 64 bits in both directions, which a page has to leave as strings.
        reply = from_json(page.run(
            """const socket = await open(url, "pubsub.json");
            return socket.ask({sequence: "-9223372036854775808", cmdKafkaListOffset: {
                topic: "odd", timestamp: "9007199254740993"}})""", url=gateway.url()))
        assert reply.sequence == -2**63, reply
        assert reply.kafka_list_offset_resp == pb.KafkaListOffsetResp(
            offset=3, timestamp=2**53 + 1), reply


def test_reads_records_in_pubsub_text():
    with browsing("--topic", "texts", "--topic", "odd") as (broker, gateway, page):
        produce(broker, "odd", ODD)
        produce(broker, "texts", [{"value": text.encode()} for text in TEXTS])
        # Fragments end anywhere within characters of several bytes.
        found = page.run(
            """const socket = await open(url, "pubsub.text"), values = [];
            for (let offset = 0; offset < count;) {
                const {kafkaFetchResp} = JSON.parse(await socket.ask(
                    {sequence: 1, cmdKafkaFetch: {topic: "texts", offset}}));
                values.push(...kafkaFetchResp.messages.map(message => message.value));
                offset = kafkaFetchResp.nextOffset;
            }
            return values""", url=gateway.url(), count=len(TEXTS))
        assert found == TEXTS
        odd = page.run(
            """const socket = await open(url, "pubsub.text");
            return JSON.parse(await socket.ask({cmdKafkaFetch: {topic: "odd"}}))""",
            url=gateway.url())["kafkaFetchResp"]["messages"]
        assert [m["offset"] for m in odd] == [0, 1, 2, 3, 4], odd
        assert (odd[0]["key"], odd[0]["value"]) == (None, None), odd[0]
        assert (odd[1]["key"], odd[1]["value"]) == ("", ""), odd[1]
        assert (odd[2]["key"], odd[2]["valueBase64"]) == ("k", "//4="), odd[2]
        assert (odd[3]["value"], odd[3]["timestamp"]) == (
            "\ud7ff\ue000😀", "9007199254740993"), odd[3]
        assert odd[4]["headers"] == [
            {"key": "h", "value": "1"}, {"key": "h", "value": None}, {"key": "é", "value": ""},
            {"key": "raw", "valueBase64": "gA=="}], odd[4]


def test_reads_records_in_protobuf():
    with browsing(*DEMO) as (broker, gateway, page):
        wanted = records_of(gateway, "demo", 1000)
        for protocol, agreed in (([], ""), ("pubsub.proto", "pubsub.proto")):
            asked = pb.PubSubReq(sequence=-1, cmd_kafka_fetch=pb.CmdKafkaFetch(
                topic="demo", offset=3))
            reply, protocol = page.run(
                """const socket = await open(url, protocol);
                const reply = await socket.ask(fromBase64(asked));
                return [toBase64(reply), socket.socket.protocol]""",
                url=gateway.url(), protocol=protocol,
                asked=base64.b64encode(asked.SerializeToString()).decode())
            reply = pb.PubSubResp.FromString(base64.b64decode(reply))
            assert (protocol, reply.sequence) == (agreed, -1), (protocol, reply.sequence)
            assert list(reply.kafka_fetch_resp.messages) == wanted[3:]


def test_large_replies_arrive_whole():
    with browsing(*BIG, "--topic", "noise") as (broker, gateway, page):
        produce(broker, "noise", [{"value": os.urandom(10_000)} for _ in range(100)])
        for path, extension, topic, count in (
                ("/kafka", DEFLATE, "big", 4000), ("/kafka", DEFLATE, "noise", 100),
                ("/plain", "", "big", 4000)):
            asked = pb.PubSubReq(cmd_kafka_fetch=pb.CmdKafkaFetch(
                topic=topic, max_bytes=8 << 20)).SerializeToString()
            replies = page.run(
                """const binary = await open(url), json = await open(url, "pubsub.json");
                const text = await open(url, "pubsub.text");
                const fetch = {cmdKafkaFetch: {topic, maxBytes: 8 << 20}};
                return [binary.socket.extensions, toBase64(await binary.ask(fromBase64(asked))),
                    await json.ask(fetch), await text.ask(fetch)]""",
                url=gateway.url(path), topic=topic,
                asked=base64.b64encode(asked).decode())
            assert replies[0] == extension, replies[0]
            wanted = records_of(gateway, topic, count)
            for reply in (pb.PubSubResp.FromString(base64.b64decode(replies[1])),
                          from_json(replies[2])):
                found = list(reply.kafka_fetch_resp.messages)
                assert len(found) > count / 2 and found == wanted[:len(found)], (path, topic)
            text = json.loads(replies[3])["kafkaFetchResp"]
            assert text["nextOffset"] == len(text["messages"]) > count / 2
            if path == "/kafka" and topic == "big":         # the first
                sent = numbers(gateway).bytes_out - sum(m.ByteSize() for m in wanted)
                assert sent < 2_000_000, sent


def test_large_compressed_requests():
    with browsing() as (_, gateway, page):
        ask = """
            const socket = await open(url, protocol), answers = [];
            for (let i = 1; i <= 2; i++) {
                const answer = await socket.ask(binary ? fromBase64(request) : request);
                answers.push(typeof answer === "string" ? answer : toBase64(answer));
            }
            return answers"""
        before = 0
        for state in (b"a" * 1_000_000, os.urandom(1_000_000)):
            request = pb.PubSubReq(sequence=7, cmd_ping=pb.CmdPing(state=state))
            wanted = pb.PubSubResp(sequence=7, pong_resp=pb.PongResp(state=state))
            for answer in page.run(ask, url=gateway.url(), protocol=[], binary=True, request=base64
                                   .b64encode(request.SerializeToString()).decode()):
                assert base64.b64decode(answer) == wanted.SerializeToString()
            taken = numbers(gateway).bytes_in - before
            assert (taken < 100_000) == (state[:9] == b"a" * 9), taken
            state = state[:800_000]
            request = pb.PubSubReq(sequence=7, cmd_ping=pb.CmdPing(state=state))
            wanted = pb.PubSubResp(sequence=7, pong_resp=pb.PongResp(state=state))
            for answer in page.run(ask, url=gateway.url(), protocol="pubsub.json", binary=False,
                                   request=json_format.MessageToJson(request)):
                assert from_json(answer) == wanted
            before = numbers(gateway).bytes_in


def test_messages_that_are_too_large():
    with browsing() as (_, gateway, page):
        for path in ("/kafka", "/plain"):
            closed = page.run(
                """const socket = await open(url, "pubsub.json");
                socket.send("x".repeat(20e6));
                return socket.closed""", url=gateway.url(path))
            # No more than that: what Chromium had not sent yet makes it unclean.
            assert (closed["code"], closed["reason"]) == (
                1009, "the message has more than 1114112 bytes"), closed


def test_bad_messages_are_answered():
    with browsing(*DEMO) as (_, gateway, page):
        text, binary, brace, unknown, half, pong = page.run(
            r"""const binary = await open(url), json = await open(url, "pubsub.json");
            return [
                toBase64(await binary.ask("text")), await json.ask(new Uint8Array([8, 1])),
                await json.ask("{"), await json.ask({sequence: 4, cmdNothing: {}}),
                await json.ask({sequence: 5, cmdKafkaFetch: {topic: "\ud800"}}),
                await json.ask({sequence: 6, cmdPing: {}})]""", url=gateway.url())
        error = pb.PubSubResp.FromString(base64.b64decode(text)).error_resp
        assert error.code == 1 and "pubsub.json" in error.message, error
        for reply, sequence, code in ((binary, 0, 1), (brace, 0, 1), (unknown, 4, 1), (half, 5, 1)):
            reply = from_json(reply)
            assert (reply.sequence, reply.error_resp.code) == (sequence, code), reply
        assert from_json(pong).sequence == 6
        # JSON.stringify writes half of a pair as an escape; as it is, the browser replaces it.
        pong = page.run(
            r"""const text = await open(url, "pubsub.text");
            return JSON.parse(await text.ask('{"cmdPing": {"state": "<\ud800>"}}'))""",
            url=gateway.url())
        assert pong["pongResp"]["state"] == "<\ufffd>", pong


class Door:
    """Takes a client as a host does, and hands it over."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}/kafka"

    def take(self):
        client, _ = self.listener.accept()
        head, rest = receive_head(client)
        client.setblocking(False)
        return self.gateway.adopt(
            client.detach(), request_head=head.encode() + b"\r\n\r\n", preread=rest,
            queue=self.gateway.events)

    def open(self, page, protocol="pubsub.json"):
        page.run("window.socket = new TestSocket(url, protocol)", url=self.url, protocol=protocol)
        session = self.take()
        page.run("await socket.opened")
        return session


def test_a_page_says_goodbye():
    with browsing() as (_, gateway, page):
        door = Door(gateway)
        for code, reason in ((1000, "bye"), (3000, ""), (4999, "€" * 41), (None, None)):
            door.open(page)
            closed = page.run(
                "return code ? socket.close(code, reason) : socket.close()",
                code=code, reason=reason)
            told = gateway.event(pubsubgw.EventType.CLOSED, SECONDS)
            assert told.code == (code or 1005), (code, told)
            assert closed == {"code": code or 1005, "reason": reason or "", "wasClean": True,
                              "errors": 0}, closed


def test_a_page_is_told_goodbye():
    codes = [1000, 1001, 1003, *range(1007, 1015), 3000, 4401, 4429, 4999]
    with browsing() as (_, gateway, page):
        door = Door(gateway)
        for code in codes:
            session = door.open(page)
            reason = f"code {code} " + "€" * 37
            session.close(code, reason)
            assert page.run("return socket.closed") == {
                "code": code, "reason": reason, "wasClean": True, "errors": 0}
            assert gateway.event(pubsubgw.EventType.CLOSED, SECONDS).code == code


def test_a_drain_closes_behind_whole_messages():
    for code in (1001, 1012):
        with browsing(*BIG) as (_, gateway, page):
            page.run(
                """window.sockets = await Promise.all(
                    Array.from({length: 10}, () => open(url, "pubsub.json")));
                for (const socket of sockets) socket.send({cmdKafkaFetch: {topic: "big"}});
                await sockets[0].next()""", url=gateway.url())
            gateway.drain(code, timeout=SECONDS)
            ends = page.run(
                """const ends = await Promise.all(sockets.map(socket => socket.closed));
                for (const socket of sockets) socket.received.forEach(JSON.parse);
                return ends""")
            for end in ends:
                assert end["reason"] and end == {
                    "code": code, "reason": end["reason"], "wasClean": True, "errors": 0}, end
            assert gateway.event(pubsubgw.EventType.DRAINED, SECONDS).status == 0


def test_a_gateway_that_dies():
    with Files() as files, Chromium() as chromium:
        path = os.path.join(chromium.profile, "route.json")
        with open(path, "w") as file:
            json.dump(route(NOWHERE, pubsub={"origins": [files.origin]}), file)
        with Host(os.path.join(WORK, "gateway"), "127.0.0.1:0", path) as host:
            page = chromium.page(files.origin)
            page.run("window.socket = await open(url)", url=host.url())
            host.process.send_signal(signal.SIGKILL)
            closed = page.run("return socket.closed")
            assert (closed["code"], closed["wasClean"]) == (1006, False), closed


def test_negotiation_of_sub_protocols():
    with browsing() as (_, gateway, page):
        def agreed(*offered):
            return page.run(
                """const socket = new TestSocket(url, offered);
                const closed = await Promise.race([socket.opened, socket.closed]);
                return closed === true ? socket.socket.protocol : closed""",
                url=gateway.url(), offered=offered)
        assert agreed() == ""
        assert agreed("mine", "pubsub.text", "pubsub.json") == "pubsub.text"
        # As the original does, for the sake of pages that rely on it.
        assert agreed("mine") == "mine"
        # None is agreed on, which the browser takes for a failure.
        assert agreed("mine", "yours") == {
            "code": 1006, "reason": "", "wasClean": False, "errors": 1}


def connects(page, url):
    """Whether a page is let in; a refusal's HTTP status is in its console only."""
    page.call("Log.enable")
    page.call("Log.clear")
    found = page.run(
        """const socket = new TestSocket(url);
        return Promise.race([socket.opened.then(() => socket.close()), socket.closed])""", url=url)
    if found["wasClean"]:
        return True
    assert found == {"code": 1006, "reason": "", "wasClean": False, "errors": 1}, found
    text = page.event("Log.entryAdded", lambda event: url in event["entry"]["text"])
    return int(re.search(r"Unexpected response code: (\d+)", text["entry"]["text"])[1])


def test_origins():
    with Files() as files, Files() as others, Chromium() as chromium:
        with Gateway(
                route(NOWHERE), route(NOWHERE, "/listed", pubsub={"origins": [files.origin]}),
                route(NOWHERE, "/any", pubsub={"origins": ["*"]}),
                route(NOWHERE, "/null", pubsub={"origins": ["null"]})) as gateway:
            listed, other = chromium.page(files.origin), chromium.page(others.origin)
            # The gateway's own answer to a page's address is a page of the same host.
            own = chromium.page(gateway.url().replace("ws:", "http:"))
            file = chromium.page("file://" + os.path.join(ROOT, "examples/browser/index.html"))
            for path, allowed in (("/kafka", [own]), ("/listed", [listed]), ("/null", [file]),
                                  ("/any", [listed, other, own, file])):
                for page in (listed, other, own, file):
                    wanted = True if page in allowed else 403
                    assert connects(page, gateway.url(path)) == wanted, path
            assert connects(listed, gateway.url("/none")) == 404


def test_the_readmes_lines_work_in_a_console_of_the_gateways_own_page():
    with open(os.path.join(ROOT, "README.md")) as readme:
        lines = re.search(r"^```js\n(.*?)^```$", readme.read(), re.S | re.M)[1]
    with DevBroker(*DEMO, "--live", "demo:10") as broker, \
            Gateway(route(broker.bootstrap)) as gateway:
        assert "ws://127.0.0.1:9080/kafka" in lines
        lines = lines.replace("127.0.0.1:9080", f"127.0.0.1:{gateway.port}")
        with Chromium() as chromium:
            page = chromium.page(f"http://127.0.0.1:{gateway.port}/")
            told = page.run("""
                const told = [];
                console.log = text => told.push(JSON.parse(text));
                (0, eval)(lines);
                while (told.length < 5) await new Promise(done => setTimeout(done, 50));
                return told;""", lines=lines)
        by = {number: [reply for reply in told if int(reply["sequence"]) == number]
              for number in (1, 2, 3)}
        assert int(by[1][0]["kafkaListOffsetResp"]["offset"]) >= 1000, told
        assert by[2][0]["kafkaFetchResp"]["messages"], told
        assert any(reply["subscribeResp"].get("messages") for reply in by[3]), told


def test_many_tabs_and_sockets():
    with browsing(*DEMO, "--topic", "live") as (broker, gateway, page):
        follow = """
            window.sockets = await Promise.all(
                Array.from({length: 10}, () => open(url, "pubsub.json")));
            for (const socket of sockets) {
                await socket.ask({sequence: 1, cmdSubscribe: {subscriptions: [
                    {topic: "live", partitions: [0], end: "EARLIEST"}]}});
            }"""
        read = """
            return Promise.all(sockets.map(async (socket, index) => {
                const offsets = [], fetched = [];
                socket.send({sequence: 2, cmdKafkaFetch: {topic: "demo", offset: index * 50}});
                while (offsets.length < 500 || !fetched.length) {
                    const {subscribeResp, kafkaFetchResp} = JSON.parse(await socket.next());
                    const {messages} = subscribeResp ?? kafkaFetchResp;
                    (subscribeResp ? offsets : fetched).push(
                        ...messages.map(message => Number(message.offset ?? 0)));
                }
                return [offsets, fetched];
            }))"""
        origin = page.run("return location.origin")
        pages = [page] + [page.browser.page(origin) for _ in range(2)]
        for tab in pages:
            tab.run(follow, url=gateway.url())
        assert numbers(gateway).sessions == 30
        for start in range(0, 500, 100):
            broker.do("append", topic="live", values=[str(n) for n in range(start, start + 100)])
        for tab in pages:
            for index, (offsets, fetched) in enumerate(tab.run(read)):
                assert offsets == list(range(500)), offsets
                assert fetched == list(range(index * 50, 1000)), fetched
        pages.pop().close()
        until(SECONDS, "20 sessions", lambda: numbers(gateway).sessions == 20)
        pages.pop().go(origin)
        until(SECONDS, "10 sessions", lambda: numbers(gateway).sessions == 10)
        assert page.run("return from(await sockets[0].ask({sequence: 3, cmdPing: {}}));"
                        "function from(text) { return JSON.parse(text).sequence }") == "3"


# A WebSocketStream reads no more than is taken from it.
ASKS_AND_READS_NOTHING = """
    window.stream = new WebSocketStream(url, {protocols: [protocol]});
    const {writable} = await stream.opened, writer = writable.getWriter();
    for (let sequence = 1; sequence <= 5; sequence++)
        await writer.write(protocol === "pubsub.proto" ? fromBase64(request) : JSON.stringify(
            {sequence, cmdKafkaFetch: {topic: "noise", maxBytes: 8 << 20}}));
"""


def test_a_page_that_ends_in_the_middle_of_a_reply():
    request = pb.PubSubReq(cmd_kafka_fetch=pb.CmdKafkaFetch(topic="noise", max_bytes=8 << 20))
    with browsing("--topic", "noise") as (broker, gateway, page):
        produce(broker, "noise", [{"value": os.urandom(100_000)} for _ in range(150)])

        def is_in_the_middle():
            unsent = re.search(r"^pubsubgw_unsent_bytes (\S+)", gateway.metrics(), re.M)[1]
            return float(unsent) > 1_000_000

        def crash(tab):
            page.browser.socket.send(
                '{"id": 0, "method": "Page.crash", "sessionId": "%s"}' % tab.session)

        origin = page.run("return location.origin")
        for end in (lambda tab: tab.close(), lambda tab: tab.go(origin), crash):
            for protocol in ("pubsub.proto", "pubsub.json"):
                for path in ("/kafka", "/plain"):
                    tab = page.browser.page(origin)
                    tab.run(ASKS_AND_READS_NOTHING, url=gateway.url(path), protocol=protocol,
                            request=base64.b64encode(request.SerializeToString()).decode())
                    until(SECONDS, "a reply that waits", is_in_the_middle)
                    assert numbers(gateway).sessions == 1
                    end(tab)
                    until(SECONDS, "no sessions", lambda: numbers(gateway).sessions == 0)
        with Client(gateway.url()) as client:
            client.ping()


def test_a_slow_page_gets_everything():
    with browsing("--topic", "noise") as (broker, gateway, page):
        produce(broker, "noise", [{"value": os.urandom(100_000)} for _ in range(100)])
        page.run(ASKS_AND_READS_NOTHING, url=gateway.url(), protocol="pubsub.json", request="")
        until(SECONDS, "a session that waits", lambda: numbers(gateway).commands > 0)
        found = page.run(
            """const {readable} = await stream.opened, reader = readable.getReader(), found = [];
            for (let reply = 1; reply <= 5; reply++) {
                const {value} = await reader.read(), {sequence, kafkaFetchResp} = JSON.parse(value);
                const {messages} = kafkaFetchResp;
                found.push([sequence, messages.length, messages.every((message, index) =>
                    Number(message.offset ?? 0) === index && message.value.length === 133336)]);
            }
            stream.close({closeCode: 1000, reason: "enough"});
            return [found, await stream.closed]""")
        assert [sequence for sequence, _, _ in found[0]] == ["1", "2", "3", "4", "5"], found
        assert all(count > 50 and whole for _, count, whole in found[0]), found
        assert (found[1]["closeCode"], found[1]["reason"]) == (1000, "enough"), found


def reads_over_tls(start):
    def run():
        with DevBroker(*DEMO, *BIG) as broker, start(broker.bootstrap) as host, \
                Chromium("--ignore-certificate-errors") as chromium:
            # A page of the same host: the route's default lets it in.
            page = chromium.page(host.url("/metrics").replace("wss:", "https:"))
            replies, _, closed = page.run(
                READ_ALL, url=host.url(), protocol="pubsub.json", topic="demo", count=1000)
            found = [m for reply in replies for m in from_json(reply).kafka_fetch_resp.messages]
            assert [m.offset for m in found] == list(range(1000)) and closed["wasClean"], closed
            page.run("window.socket = await open(url, 'pubsub.json')", url=host.url())
            reply = from_json(page.run(
                "return socket.ask({cmdKafkaFetch: {topic: 'big', maxBytes: 8 << 20}})"))
            assert len(reply.kafka_fetch_resp.messages) > 2000
            for _ in range(3):
                closed = page.run(
                    """const socket = await open(url, "pubsub.json");
                    socket.send("x".repeat(20e6));
                    return socket.closed""", url=host.url())
                assert closed["code"] == 1009, closed
            host.process.send_signal(signal.SIGHUP)
            closed = page.run("return socket.closed")
            assert (closed["code"], closed["wasClean"]) == (1012, True), closed
    return run


test_tls_in_aiohttp = reads_over_tls(with_tls(example("aiohttp_server.py")))
test_tls_in_aiohttp_with_uvloop = reads_over_tls(with_tls(example("aiohttp_server.py", "--uvloop")))
test_tls_in_tornado = reads_over_tls(with_tls(example("tornado_server.py")))
test_tls_in_a_threaded_server = reads_over_tls(with_tls(example("http_server.py")))
