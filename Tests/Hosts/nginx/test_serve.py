"""What a client meets: plain, TLS, keep-alive, refusals, policies, the access log."""

import json
import socket
import subprocess
import time

from devbroker import DevBroker, until
from nginx import LOCATIONS, Nginx, check_pong, close_code, kafka_route, ping
from support import check_records, frame, receive_all, receive_head, upgrade_head
from websockets.exceptions import InvalidStatus

RECORDS = ("--records", "demo:500:100", "--records", "other:10:100")
WAYS = (False, True)        # plain and TLS


def refused(nginx, path="/kafka", tls=False, **options):
    try:
        nginx.client(tls, path, **options)
    except InvalidStatus as refusal:
        return refusal.response.status_code
    raise AssertionError("was not refused")


def exact_head(sock):
    """Up to the empty line, and not a byte more."""
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += sock.recv(1)
    return received


def test_reads_records():
    with DevBroker(*RECORDS) as broker, Nginx(broker.bootstrap) as nginx:
        for tls in WAYS:
            with nginx.client(tls) as client:
                client.ping()
                assert client.end("demo") == 500
                check_records(client.read_all("demo", 0, 500), "demo", 0)


def test_large_messages_both_ways():
    with DevBroker("--records", "big:20:900000") as broker, Nginx(broker.bootstrap) as nginx:
        for tls in WAYS:
            with nginx.client(tls) as client:
                for size in (0, 1, 125, 126, 16384, 65535, 65536, 1 << 20):
                    client.ping(bytes(index & 255 for index in range(size)))
                messages = client.fetch("big", 0, max_bytes=8 << 20).messages
                assert len(messages) >= 8
                assert {len(message.value) for message in messages} == {900000}


def test_sub_protocols_and_deflate_are_agreed():
    routes = {"kafka": kafka_route("127.0.0.1:9", pubsub={"compression": True})}
    with Nginx(routes=routes) as nginx:
        for tls in WAYS:
            with nginx.client(tls, subprotocols=["pubsub.text"]) as client:
                assert client.ws.subprotocol == "pubsub.text"
                client.ws.send('{"sequence": 3, "cmdPing": {"state": "x"}}')
                assert json.loads(client.ws.recv(timeout=60))["sequence"] == 3
            with nginx.client(tls) as client:
                agreed = client.ws.response.headers["Sec-WebSocket-Extensions"]
                assert "permessage-deflate" in agreed
                client.ping(b"a" * 5000)


def test_keep_alive_before_the_upgrade():
    with Nginx() as nginx:
        for tls in WAYS:
            with nginx.connect(tls) as sock:
                for _ in range(3):
                    sock.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                    head, rest = receive_head(sock)
                    assert "200 OK" in head
                    while len(rest) < 6:
                        rest += sock.recv(100)
                sock.sendall(upgrade_head())
                assert receive_head(sock)[0].startswith("HTTP/1.1 101 ")
                sock.sendall(ping())
                check_pong(sock)


def test_request_and_upgrade_and_frames_in_one_segment():
    with Nginx() as nginx:
        for tls in WAYS:
            with nginx.connect(tls) as sock:
                sock.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n" + upgrade_head()
                             + ping(1, b"first") + ping(2, b"s" * 9000) + ping(3)[:7])
                assert b"200 OK" in exact_head(sock)
                assert exact_head(sock).startswith(b"hello\nHTTP/1.1 101 ")
                check_pong(sock, 1, b"first")
                check_pong(sock, 2, b"s" * 9000)
                sock.sendall(ping(3)[7:])
                check_pong(sock, 3)


def test_request_head_in_pieces_and_of_many_buffers():
    with Nginx() as nginx:
        for tls in WAYS:
            with nginx.connect(tls) as sock:
                long = {f"X-Filler-{index}": "f" * 3000 for index in range(4)}
                head = upgrade_head(Cookie="c" * 5000, **long)
                for at in range(0, len(head), 1777):
                    sock.sendall(head[at:at + 1777])
                    time.sleep(0.005)
                assert receive_head(sock)[0].startswith("HTTP/1.1 101 ")
                sock.sendall(ping())
                check_pong(sock)


def test_a_unix_listener():
    with Nginx(server="listen unix:PREFIX/web.sock;\n") as nginx:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(nginx.path("web.sock"))
            sock.settimeout(20)
            sock.sendall(upgrade_head() + ping())
            assert exact_head(sock).startswith(b"HTTP/1.1 101 ")
            check_pong(sock)


def test_several_workers_share_the_clients():
    with DevBroker(*RECORDS) as broker, Nginx(broker.bootstrap, workers=3) as nginx:
        clients = [nginx.client(tls) for _ in range(15) for tls in WAYS]
        for client in clients:
            check_records(client.fetch("demo").messages, "demo", 0)
        assert nginx.active() == 30
        for client in clients:
            client.ws.close()
        until(10, "all are gone", lambda: nginx.active() == 0)


def test_refusals():
    locations = LOCATIONS + """
        location /kafka/off { pubsubgw off; return 404; }
        location /kafka/none { pubsubgw on; }
        location /kafka/body { pubsubgw route=kafka; }
"""
    with Nginx(locations=locations) as nginx:
        for tls in WAYS:
            for change, status in [
                    ({"Upgrade": None}, 400), ({"Connection": "close"}, 400),
                    ({"Sec-WebSocket-Version": "8"}, 426), ({"Sec-WebSocket-Key": "x"}, 400),
                    ({"Sec-WebSocket-Key": None}, 400), ({"Content-Length": "5"}, 400),
                    ({"Origin": "https://elsewhere.example"}, 403)]:
                with nginx.connect(tls) as sock:
                    sock.sendall(upgrade_head(**change))
                    received = receive_all(sock)
                    assert received.startswith(f"HTTP/1.1 {status} ".encode()), (change, received)
            with nginx.connect(tls) as sock:
                sock.sendall(b"POST" + upgrade_head()[3:])
                assert receive_all(sock).startswith(b"HTTP/1.1 405 ")
            assert refused(nginx, "/kafka/none", tls) == 404
            assert refused(nginx, "/kafka/off", tls) == 404
            with nginx.client(tls, "/kafka/body") as client:
                client.ping()
        # Each refusal that the library gave is in the log, with its own status.
        until(10, "the log", lambda: [end[3] for end in nginx.ends()].count("0") == 16)
        seen = sorted(end[0] for end in nginx.ends() if end[3] == "0")
        assert seen == sorted([400] * 10 + [403, 405, 426] * 2), seen


def test_http2_is_told_to_upgrade():
    with Nginx() as nginx:
        done = subprocess.run(
            ["curl", "-sk", "--http2", "-o", "/dev/null", "-w", "%{http_version} %{http_code}",
             f"https://127.0.0.1:{nginx.tls_port}/kafka"], capture_output=True, text=True)
        assert done.stdout == "2 426", done


def test_the_route_follows_nginxs_own_uri():
    """What nginx resolves, the library must not see another way."""
    routes = {"open": kafka_route("127.0.0.1:9", "/kafka/open/x*"),
              "closed": kafka_route("127.0.0.1:9", "/kafka/closed/*")}
    locations = LOCATIONS + """
        location /kafka/open/ { pubsubgw on; }
        location /kafka/closed/ { deny all; pubsubgw on; }
"""
    with Nginx(routes=routes, locations=locations) as nginx:
        with nginx.client(path="/kafka/open/x%20%C3%BC") as client:
            client.ping()
        # What is decoded to "?" or "%" is part of the name, here as in nginx.
        for path in ("/kafka/open/x%3Fy", "/kafka/open/x%2561"):
            with nginx.client(path=path) as client:
                client.ping()
        assert refused(nginx, "/kafka/open/%3Fx") == 404
        assert refused(nginx, "/kafka/closed/x") == 403
        # What nginx resolves to a location that is open, a proxy in front may have read otherwise.
        for path in ("/kafka/closed/../open/x", "/kafka//open/x", "/kafka/open%2fx",
                     "/kafka/closed/%2e%2e/open/x", "/kafka/open/x\\y", "/kafka/open/x%5cy"):
            with nginx.connect() as sock:
                sock.sendall(upgrade_head(path))
                assert receive_head(sock)[0].startswith("HTTP/1.1 400 "), path
        for path in ("/kafka/open/../closed/x", "/kafka//closed/x", "/kafka/%63losed/x",
                     "/kafka/closed%2fx"):
            with nginx.connect() as sock:
                sock.sendall(upgrade_head(path))
                assert receive_head(sock)[0].startswith("HTTP/1.1 403 "), path


def test_policies_from_variables():
    locations = LOCATIONS + """
        location /kafka/topics {
            pubsubgw route=kafka;
            pubsubgw_topics $arg_topics; pubsubgw_principal $arg_name; pubsubgw_trace $request_id;
        }
        location /kafka/policy { pubsubgw route=kafka; pubsubgw_policy $arg_policy; }
        location /kafka/route { pubsubgw route=$arg_id; }
"""
    with DevBroker(*RECORDS) as broker, Nginx(broker.bootstrap, locations=locations) as nginx:
        def allowed(path, topic):
            with nginx.client(path=path) as client:
                reply = client.fetch_reply(topic)
                return reply.WhichOneof("resp") == "kafka_fetch_resp"

        assert allowed("/kafka/topics?topics=demo&name=ann", "demo")
        assert not allowed("/kafka/topics?topics=demo", "other")
        assert allowed("/kafka/topics?topics=x,,dem*,y", "demo")
        # Nothing was set: nothing is allowed.
        assert refused(nginx, "/kafka/topics") == 403
        assert refused(nginx, "/kafka/topics?topics=,") == 403
        # A value cannot leave its string.
        # What can match no topic is no policy.
        assert refused(nginx, '/kafka/topics?topics=x"],"deny":[],"allow":["demo') == 403
        policy = json.dumps({"topics": {"allow": ["other"]}}, separators=(",", ":"))
        assert allowed("/kafka/policy?policy=" + policy, "other")
        assert not allowed("/kafka/policy?policy=" + policy, "demo")
        assert refused(nginx, "/kafka/policy") == 403
        assert refused(nginx, "/kafka/policy?policy={") == 403
        assert allowed("/kafka/route?id=kafka", "demo")
        assert refused(nginx, "/kafka/route?id=nobody") == 404
        assert refused(nginx, "/kafka/route") == 404
        assert "ann" in nginx.errors()


def test_access_log_is_true():
    with Nginx() as nginx:
        for tls in WAYS:
            sock = nginx.session(tls)
            sock.sendall(ping(1, b"x" * 1000))
            check_pong(sock, 1, b"x" * 1000)
            time.sleep(0.6)
            sock.sendall(frame(8, b"\x03\xe8bye"))
            assert close_code(sock) == 1000
            sock.close()
        until(10, "two lines", lambda: len(nginx.ends()) == 2)
        for end, https in zip(nginx.ends(), ("", "on")):
            status, seconds, sent, code, received, is_https, uri, reason = end
            assert (status, code, is_https, uri, reason) == (101, "1000", https, "/kafka", "bye")
            assert 0.6 <= seconds < 30, end
            # The 101, a pong of 1,000 bytes and a Close frame; a head, a ping, a Close frame.
            assert 1130 < sent < 1400, end
            assert 1150 < int(received) < 1500, end
        assert nginx.get("/status").count("Active connections") == 1


def test_stub_status_and_limit_conn_count_sessions():
    http = "limit_conn_zone $server_port zone=each:64k;"
    with Nginx(http=http, server="limit_conn each 3; limit_conn_status 503;\n") as nginx:
        for tls in WAYS:
            socks = [nginx.session(tls) for _ in range(3)]
            assert refused(nginx, tls=tls) == 503
            socks.pop().close()
            until(10, "a place is free", lambda: sessions_open(nginx) == 2)
            with nginx.client(tls) as client:
                client.ping()
            for sock in socks:
                sock.close()
            until(10, "all are free", lambda: sessions_open(nginx) == 0)


def sessions_open(nginx):
    """From outside, because stub_status would be limited itself."""
    with open("/proc/net/tcp") as file:
        established = [line.split() for line in file][1:]
    ports = {f":{nginx.port:04X}", f":{nginx.tls_port:04X}"}
    return sum(fields[1][-5:] in ports and fields[3] in ("01", "08") for fields in established)
