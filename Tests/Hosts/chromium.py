"""Debian's Chromium without a screen, driven by its DevTools protocol."""

import contextlib
import functools
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

from devbroker import until
from support import ROOT
from websockets.sync.client import connect

HERE = os.path.dirname(os.path.abspath(__file__))
# Itself: the script in /usr/bin has it as a child, which outlives the script.
BINARY = "/usr/lib/chromium/chromium-headless-shell"
SECONDS_MAX = 60
# What the page of examples/browser shows.
STATE = "document.querySelector('#state').textContent"
OFFSETS = ("Array.from(document.querySelectorAll('#records tr td:first-child'),"
           " cell => Number(cell.textContent))")


def numbers(gateway):
    """The numbers of a gateway that has had a session. A loop that is held up for a second, on a
    busy machine, is left out of its answer."""
    found = []
    until(SECONDS_MAX, "the loop's numbers",
          lambda: found.append(gateway.stats()) or found[-1].sessions_total > 0)
    return found[-1]


class Chromium:
    """A browser with a profile of its own. Its pages are made by `page`."""

    def __init__(self, *options):
        self.profile = tempfile.mkdtemp(prefix="pubsubgw-chromium-")
        self.log = open(os.path.join(self.profile, "log"), "w+", errors="replace")
        self.process = subprocess.Popen(
            [BINARY, "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--remote-debugging-port=0", f"--user-data-dir={self.profile}", *options,
             "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.answers, self.events, self.number = {}, [], 0
        try:
            self.socket = connect(self.address(), max_size=None, compression=None,
                                  open_timeout=SECONDS_MAX, ping_interval=None)
        except BaseException:
            self.end()
            raise

    def address(self):
        """Of the DevTools protocol, from the file that the browser writes when it listens."""
        path = os.path.join(self.profile, "DevToolsActivePort")
        end = time.monotonic() + SECONDS_MAX
        while time.monotonic() < end:
            assert self.process.poll() is None, self.output()
            with contextlib.suppress(FileNotFoundError), open(path) as file:
                lines = file.read().split("\n")
                if len(lines) == 2:
                    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            time.sleep(0.02)
        raise AssertionError(f"Chromium does not listen: {self.output()}")

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def call(self, method, session=None, **parameters):
        """One command of the protocol; answers its result."""
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self.socket.send(json.dumps(message))
        while number not in self.answers:
            self.take(SECONDS_MAX)
        answer = self.answers.pop(number)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def take(self, seconds):
        message = json.loads(self.socket.recv(timeout=seconds))
        if "id" in message:
            self.answers[message["id"]] = message
        else:
            self.events.append(message)

    def event(self, session, method, condition):
        """Waits for an event of a page and answers its parameters."""
        while True:
            for event in self.events:
                if event.get("sessionId") == session and event["method"] == method \
                        and condition(event["params"]):
                    self.events.remove(event)
                    return event["params"]
            self.take(SECONDS_MAX)

    def page(self, url):
        return Page(self, url)

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        # Children of the browser may still be writing.
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.output()[-2000:])
        self.end()
        self.socket.close()


class Page:
    """A tab that shows `url`, with page.js in it."""

    def __init__(self, browser, url):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call(
            "Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        self.go(url)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def event(self, method, condition=lambda parameters: True):
        return self.browser.event(self.session, method, condition)

    def go(self, url):
        found = self.call("Page.navigate", url=url)
        assert "errorText" not in found, (url, found)
        self.event("Page.lifecycleEvent", lambda event: event["name"] == "load"
                   and event["loaderId"] == found["loaderId"])
        with open(os.path.join(HERE, "page.js")) as script:
            self.evaluate(script.read())

    def run(self, body, **names):
        """Runs the body of an async function in the page and answers what it returns; `names` are
        its constants."""
        return self.evaluate(
            f"(async ({{{', '.join(names)}}}) => {{ {body} }})({json.dumps(names)})")

    def evaluate(self, expression):
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True,
                          returnByValue=True, userGesture=True)
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description", details))
        return found["result"].get("value")

    def until(self, expression, condition):
        """Waits until the value of the expression is as wanted, and answers it."""
        found = []
        try:
            until(SECONDS_MAX, expression,
                  lambda: found.append(self.evaluate(expression)) or condition(found[-1]))
        except AssertionError as error:
            raise AssertionError(f"{error}: {found[-1:]}") from None
        return found[-1]

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)


class Files:
    """A web server of one directory, like `python3 -m http.server`."""

    def __init__(self, directory=os.path.join(ROOT, "examples/browser")):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Handler, directory=directory))
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
