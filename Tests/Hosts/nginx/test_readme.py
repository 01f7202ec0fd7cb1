"""The configurations that are shown, from their own text."""

import os
import re

from devbroker import DevBroker, until
from nginx import CERTIFICATE, MODULE, Nginx
from support import ROOT, check_records
from websockets.exceptions import InvalidStatus

# What every test needs, to run apart from the machine's own nginx.
APART = [
    ("http {", "http { client_body_temp_path body; proxy_temp_path proxy;"
               " fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;"),
    ("load_module", "daemon off; pid nginx.pid; load_module"),
    ("/usr/lib/nginx/modules/ngx_http_pubsubgw_module.so", MODULE),
]


def replaced(text, *pairs):
    for shown, real in (*pairs, *APART):
        assert shown in text, shown
        text = text.replace(shown, real, 1)
    return text


def test_the_readmes_configuration_serves():
    with open(os.path.join(ROOT, "README.md")) as file:
        text = re.search(r"^```nginx\n(.*?)^```$", file.read(), re.S | re.M)[1]
    assert len(text.splitlines()) <= 10
    with DevBroker("--records", "demo:500:100") as broker:
        nginx = Nginx(start=False)
        nginx.configure(replaced(
            text, ("127.0.0.1:9092", broker.bootstrap),
            ("listen 127.0.0.1:9080", f"listen 127.0.0.1:{nginx.port}"),
            ("events {}", "events {} error_log error.log;"),
            ("location /kafka", "access_log access.log; location /hello { return 200 hello; }"
                                " location /kafka")))
        nginx.start()
        with nginx, nginx.client() as client:
            assert client.end("demo") == 500
            check_records(client.read_all("demo", 0, 500), "demo", 0)


def test_the_example_serves():
    with open(os.path.join(ROOT, "examples/nginx-module/nginx.conf")) as file:
        text = file.read()
    with DevBroker("--records", "demo:500:100", "--records", "secret:5:10") as broker:
        nginx = Nginx(start=False, workers=2)
        nginx.configure(replaced(
            text, ("127.0.0.1:9092", broker.bootstrap),
            ("listen 127.0.0.1:9080", f"listen 127.0.0.1:{nginx.port}"),
            ("#listen 127.0.0.1:9443", f"listen 127.0.0.1:{nginx.tls_port}"),
            ("#ssl_certificate     certificate.pem", f"ssl_certificate {CERTIFICATE}.pem"),
            ("#ssl_certificate_key certificate.key", f"ssl_certificate_key {CERTIFICATE}.key"),
            ("/var/log/nginx/error.log", "error.log"), ("/var/log/nginx/access.log", "access.log"),
            ("location = /status", "location /hello { return 200 hello; } location = /status")))
        nginx.start()
        with nginx:
            for tls in (False, True):
                with nginx.client(tls, "/kafka?token=reader") as client:
                    check_records(client.read_all("demo", 0, 500), "demo", 0)
                    reply = client.fetch_reply("secret")
                    assert reply.WhichOneof("resp") == "error_resp", reply
                with nginx.client(tls, "/operators/x") as client:
                    check_records(client.fetch("secret").messages, "secret", 0)
            try:
                nginx.client(path="/kafka?token=nobody")
            except InvalidStatus as refusal:
                assert refusal.response.status_code == 403
            assert 'pubsubgw_build_info{worker="' in nginx.get("/metrics")
            until(10, "the log", lambda: logged(nginx).count("closed with 1000") == 4)
            assert re.search(r"^127.0.0.1 101 [0-9.]+ s \d{4,} out \d{3,} in closed with 1000",
                             logged(nginx), re.M), logged(nginx)


def logged(nginx):
    with open(nginx.path("access.log")) as file:
        return file.read()
