"""examples/browser in a real browser: the page shows what there is, and its module loses and
repeats nothing whatever happens to the gateway."""

import contextlib
import json
import os
import random
import signal
import tempfile
import threading
import urllib.parse

import confluent_kafka
from chromium import OFFSETS, STATE, Chromium, Files, numbers
from devbroker import DevBroker, until
from support import WORK, Client, Gateway, Host, route
from websockets.sync.server import serve

SECONDS = 60
# Follows a topic from its beginning, as a page would.
FOLLOW = """
    const {follow, text} = await import("/pubsub.js");
    Object.assign(window, {offsets: [], values: [], losses: [], failure: "", isHeld: false,
                           abort: new AbortController()});
    window.ended = (async () => {
        try {
            for await (const {records} of follow(url, {
                topic: "demo", start: {end: "EARLIEST"}, signal: abort.signal,
                onLost: error => losses.push(error.message), ...options})) {
                for (const {offset, value} of records) {
                    offsets.push(String(offset));
                    values.push(text(value));
                }
                while (isHeld) await new Promise(done => setTimeout(done, 10));
            }
        } catch (error) { failure = `${error.code} ${error.logStartOffset} ${error.message}`; }
    })();
    0;
"""


class Restartable:
    """examples/c/gateway.c, always on the same port."""

    def __init__(self, brokers, origin):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(route(brokers, pubsub={"origins": [origin]}), self.file)
        self.file.flush()
        self.host = None
        while self.host is None:
            # Below those that the kernel gives to others in the meantime.
            self.port = random.randrange(10_000, 30_000)
            with contextlib.suppress(AssertionError):
                self.start()

    def start(self):
        self.host = Host(os.path.join(WORK, "gateway"), f"127.0.0.1:{self.port}", self.file.name)
        return self.host

    def url(self):
        return self.host.url()

    def end(self, sign):
        self.host.process.send_signal(sign)
        self.host.process.wait(SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.host.__exit__()
        self.file.close()


def address(files, gateway, topic, partition=0):
    return f"{files.origin}/?" + urllib.parse.urlencode(
        {"gateway": gateway.url(), "topic": topic, "partition": partition})


def append(broker, first, count, topic="demo"):
    broker.do("append", topic=topic, values=[str(n) for n in range(first, first + count)])


def test_the_page_shows_records():
    with Files() as files, \
            DevBroker("--records", "demo:1000:100", "--topic", "empty:3") as broker, \
            Gateway(route(broker.bootstrap, pubsub={"origins": [files.origin]})) as gateway, \
            Chromium() as chromium:
        page = chromium.page(address(files, gateway, "demo"))
        page.call("Runtime.enable")
        page.until(STATE, lambda state: state == "live, next offset 1000")
        assert page.evaluate(OFFSETS) == list(range(999, 989, -1))
        # At most a hundred stay, the newest first.
        append(broker, 1000, 150)
        page.until(STATE, lambda state: state == "live, next offset 1150")
        assert page.evaluate(OFFSETS) == list(range(1149, 1049, -1))
        cells = page.evaluate("document.querySelector('#records tr').innerText").split("\t")
        assert (cells[0], cells[2], cells[3]) == ("1149", "null", "1149"), cells

        page.go(address(files, gateway, "empty", 2))
        page.until(STATE, lambda state: state == "live, next offset 0")
        broker.do("append", topic="empty", partition=2, values=["<b>first</b>"])
        page.until(STATE, lambda state: state == "live, next offset 1")
        assert page.evaluate("document.querySelector('#records tr').innerText").endswith(
            "<b>first</b>")

        page.go(address(files, gateway, "empty", 7))
        page.until(STATE, lambda state: state.startswith("error 5: "))
        page.go(f"{files.origin}/?topic=demo")      # no gateway at the page's own address
        page.until(STATE, lambda state: state.startswith("no connection: "))
        thrown = [e for e in chromium.events if e["method"] == "Runtime.exceptionThrown"]
        assert not thrown, thrown


def test_the_page_survives_restarts():
    with Files() as files, DevBroker("--topic", "demo") as broker, \
            Restartable(broker.bootstrap, files.origin) as gateway, Chromium() as chromium:
        page = chromium.page(address(files, gateway, "demo"))
        page.until(STATE, lambda state: state == "live, next offset 0")
        for round, (sign, code) in enumerate([(signal.SIGTERM, 1001), (signal.SIGKILL, 1006)]):
            append(broker, 40 * round, 20)
            page.until(STATE, lambda state: state == f"live, next offset {40 * round + 20}")
            gateway.end(sign)
            page.until(STATE, lambda state: f"({code}), again in" in state
                 or "(1006), again in" in state)
            append(broker, 40 * round + 20, 20)
            gateway.start()
            page.until(STATE, lambda state: state == f"live, next offset {40 * round + 40}")
        assert page.evaluate(OFFSETS) == list(range(79, -1, -1))


def test_holding_the_page_leaves_records_in_kafka():
    with Files() as files, DevBroker("--topic", "demo") as broker, \
            Gateway(route(broker.bootstrap, pubsub={"origins": [files.origin]})) as gateway, \
            Chromium() as chromium:
        page = chromium.page(address(files, gateway, "demo"))
        page.until(STATE, lambda state: state == "live, next offset 0")
        page.evaluate("document.querySelector('#hold').click()")
        append(broker, 0, 3000)
        until(SECONDS, "the credit is used up", lambda: numbers(gateway).records_out == 500)
        with Client(gateway.url()) as client:
            assert client.end("demo") == 3000
            client.fetch("demo", 2999)
        assert numbers(gateway).records_out == 501
        page.evaluate("document.querySelector('#hold').click()")
        page.until(STATE, lambda state: state == "live, next offset 3000")
        assert numbers(gateway).records_out == 3001
        assert page.evaluate(OFFSETS) == list(range(2999, 2899, -1))


def test_following_through_restarts():
    with Files() as files, DevBroker("--topic", "demo") as broker, \
            Restartable(broker.bootstrap, files.origin) as gateway, Chromium() as chromium:
        page = chromium.page(files.origin)
        append(broker, 0, 500)
        page.run(FOLLOW, url=gateway.url(), options={"credit": 100})
        written = 500
        for sign in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            page.until("offsets.length", lambda count: count > 0)
            append(broker, written, 5000)
            gateway.end(sign)
            page.until("losses.length", lambda count: count > 0)
            page.evaluate("losses.length = 0")
            append(broker, written + 5000, 500)
            written += 5500
            gateway.start()
        page.until("offsets.length", lambda count: count >= written)
        assert page.evaluate("offsets") == [str(n) for n in range(written)]
        assert page.evaluate("values") == [str(n) for n in range(written)]
        page.run("abort.abort(); await ended")
        assert page.evaluate("failure") == ""


def test_a_frozen_gateway_is_given_up():
    with Files() as files, DevBroker("--topic", "demo") as broker, \
            Restartable(broker.bootstrap, files.origin) as gateway, Chromium() as chromium:
        page = chromium.page(files.origin)
        page.run(FOLLOW, url=gateway.url(), options={"pingSeconds": 1})
        append(broker, 0, 10)
        page.until("offsets.length", lambda count: count == 10)
        gateway.host.process.send_signal(signal.SIGSTOP)
        page.until("losses", lambda losses: "no answer" in losses)
        append(broker, 10, 10)
        gateway.host.process.send_signal(signal.SIGCONT)
        page.until("offsets.length", lambda count: count >= 20)
        assert page.evaluate("offsets") == [str(n) for n in range(20)]


def test_following_tells_what_cannot_be_helped():
    with Files() as files, DevBroker("--records", "demo:100:50", "--no-auto-create") as broker, \
            Gateway(route(broker.bootstrap, pubsub={"origins": [files.origin]})) as gateway, \
            Chromium() as chromium:
        broker.do("delete-records", topic="demo", offset=30)
        page = chromium.page(files.origin)
        for options, error in (
                ({"topic": "none"}, "5 null failed"), ({"topic": ""}, "1 null cmd_subscribe"),
                ({"start": {"offset": "500"}}, "1001 30 failed to subscribe"),
                ({"start": {"offset": "10"}}, "1001 30 failed to subscribe")):
            page.run(FOLLOW, url=gateway.url(), options=options)
            page.run("await ended")
            assert page.evaluate("failure").startswith(error), page.evaluate("failure")
            assert page.evaluate("losses") == []


def test_commands_of_the_module():
    with Files() as files, DevBroker("--topic", "demo") as broker, \
            Gateway(route(broker.bootstrap, pubsub={"origins": [files.origin]})) as gateway, \
            Chromium() as chromium:
        producer = confluent_kafka.Producer({"bootstrap.servers": broker.bootstrap})
        for key, value, headers in ((None, None, []), (b"", b"", [("h", b"\xff"), ("n", None)]),
                                    ("é", "😀".encode(), [])):
            producer.produce("demo", partition=0, key=key, value=value, headers=headers,
                             timestamp=1234567890123)
        assert producer.flush(SECONDS) == 0
        page = chromium.page(files.origin)
        found = page.run(
            """const {Connection, text} = await import("/pubsub.js");
            const connection = await Connection.open(url);
            const [begin, end, {records, nextOffset}, metadata] = await Promise.all([
                connection.listOffset("demo", 0, -2), connection.listOffset("demo", 0, -1),
                connection.fetch("demo", 0, 0n, {maxBytes: 1000}),
                connection.ask("cmdMetadata", {})]);
            const refused = await connection.fetch("demo", 0, 9223372036854775807n)
                .catch(error => [error.code, error.retriable, String(error.logStartOffset)]);
            connection.close();
            const late = await connection.ask("cmdPing", {})
                .catch(error => [error.code, error.message]);
            return [String(begin), String(end), String(nextOffset), metadata.topics[0].topic,
                refused, late, records.map(({offset, timestamp, key, value, headers}) => [
                    String(offset), timestamp, text(key), text(value),
                    headers.map(({key, value}) => [key, value && Array.from(value)])])]""",
            url=gateway.url())
        when = 1234567890123
        assert found == [
            "0", "3", "3", "demo", [1001, False, "0"], [1000, "closed by the page"],
            [["0", when, None, None, []], ["1", when, "", "", [["h", [255]], ["n", None]]],
             ["2", when, "é", "😀", []]]], found


def test_offsets_beyond_the_numbers_of_javascript():
    """The development broker cannot hold that many records: a server that says it does."""
    first = 2**53 + 1
    asked = []

    def answer(socket):
        for text in socket:
            request = json.loads(text)
            asked.append(request)
            if "cmdSubscribe" not in request:
                continue
            start = int(request["cmdSubscribe"]["subscriptions"][0].get("offset", first))
            socket.send(json.dumps({"sequence": request["sequence"], "subscribeResp": {
                "starts": [{"topic": "demo", "nextOffset": str(start)}]}}))
            socket.send(json.dumps({"sequence": request["sequence"], "subscribeResp": {
                "topic": "demo", "nextOffset": str(start + 2), "messages": [
                    {"offset": str(start)}, {"offset": str(start + 1)}]}}))
            if start == first:
                socket.close(1012, "again")

    with Files() as files, Chromium() as chromium, \
            serve(answer, "127.0.0.1", 0, subprotocols=["pubsub.json"]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = chromium.page(files.origin)
        page.run(FOLLOW, url=f"ws://127.0.0.1:{server.socket.getsockname()[1]}", options={})
        page.until("offsets.length", lambda count: count >= 4)
        assert page.evaluate("offsets") == [str(first + n) for n in range(4)]
        assert page.evaluate("losses") == ["again"]
        starts = [request["cmdSubscribe"]["subscriptions"][0] for request in asked
                  if "cmdSubscribe" in request]
        assert [start.get("offset") for start in starts] == [None, str(first + 2)], starts
        page.run("abort.abort(); await ended")


def test_the_close_code_tells_whether_to_come_again():
    codes = [1001, 1012, 4430, 4450, 4499, 4408]
    left = iter(codes)

    def answer(socket):
        request = json.loads(socket.recv())
        socket.send(json.dumps({"sequence": request["sequence"], "subscribeResp": {
            "starts": [{"topic": "demo"}]}}))
        socket.close(next(left), "test")

    with Files() as files, Chromium() as chromium, \
            serve(answer, "127.0.0.1", 0, subprotocols=["pubsub.json"]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = chromium.page(files.origin)
        page.run(FOLLOW, url=f"ws://127.0.0.1:{server.socket.getsockname()[1]}", options={})
        page.until("failure", lambda failure: failure.startswith("4408 "))
        assert page.evaluate("losses.length") == len(codes) - 1
        assert next(left, None) is None
