"""The page of examples/browser and its gateway at one address, in a real browser."""

import os
import shutil

from chromium import OFFSETS, STATE, Chromium
from devbroker import DevBroker
from nginx import LOCATIONS, Nginx
from support import ROOT

PAGE = os.path.join(ROOT, "examples/browser")
LOSSES = """
    window.states = [];
    new MutationObserver(() => states.push(document.querySelector("#state").textContent))
        .observe(document.querySelector("#state"), {childList: true});
    0
"""


def test_a_page_beside_the_gateway():
    with DevBroker("--records", "demo:1000:100") as broker, \
            Nginx(broker.bootstrap, start=False, http="    include /etc/nginx/mime.types;\n",
                  locations=LOCATIONS + "        location / { root PREFIX/page; }\n") as nginx, \
            Chromium("--ignore-certificate-errors") as chromium:
        shutil.copytree(PAGE, nginx.path("page"))
        nginx.start()
        end = 1000
        # The second is of HTTP/2, and the browser's WebSocket all the same of HTTP/1.1.
        for tls in (False, True):
            page = chromium.page(nginx.url(tls, "/?topic=demo").replace("ws", "http", 1))
            page.until(STATE, lambda state: state == f"live, next offset {end}")
            page.evaluate(LOSSES)
            nginx.reload()
            page.until("states", lambda states: any("(1012), again in" in s for s in states))
            broker.do("append", topic="demo", values=[str(n) for n in range(50)])
            end += 50
            page.until(STATE, lambda state: state == f"live, next offset {end}")
            offsets = page.evaluate(OFFSETS)
            assert offsets == list(range(end - 1, end - 61, -1)), offsets
            for _ in range(3):
                closed = page.run(
                    """const socket = await open(url, "pubsub.json");
                    socket.send("x".repeat(20e6));
                    return socket.closed""", url=nginx.url(tls))
                assert closed["code"] == 1009, closed
