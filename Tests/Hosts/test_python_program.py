"""`python -m pubsubgw`: a whole gateway without code; and its admin interface, APISIX's."""

import json
import os
import re
import signal
import socket
import subprocess

from devbroker import DevBroker
from program import KEY, Program
from support import (ROOT, Client, check_records, close_code_of, raw_session, receive_all,
                     receive_head, route, unused_port, upgrade_head)

NOWHERE = f"127.0.0.1:{unused_port()}"
CLIENTS = ("--listen", "127.0.0.1:0", "--status", "127.0.0.1:0")
ROUTE = ("--route", "{0}/kafka.json")
ADMIN = ("--admin", "127.0.0.1:0", "--admin-key-file", "{0}/key", "--admin-dir", "{0}/objects")
# As APISIX's documents have them.
PLAIN = {"uri": "/kafka", "upstream": {
    "nodes": {"kafka-server1:9092": 1, "kafka-server2:9092": 1, "kafka-server3:9092": 1},
    "type": "none", "scheme": "kafka"}}
LOGIN = {**PLAIN, "plugins": {"kafka-proxy": {
    "enable_tls": True, "ssl_verify": True, "enable_sasl": True, "sasl_username": "user",
    "sasl_password": "pwd"}}}


def failed(*arguments, files=None):
    """What a start that fails says."""
    with Program(*arguments, files=files, lines=0) as program:
        status, _, errors = program.end()
        assert status in (1, 2), (status, errors)
        return errors


def test_a_file_is_a_gateway_with_health_and_metrics():
    with DevBroker("--records", "demo:100:10") as broker, \
            Program(*CLIENTS, *ROUTE, files={"kafka.json": route(broker.bootstrap)}) as program:
        with Client(program.url()) as client:
            check_records(client.fetch("demo").messages, "demo", 0)
            assert program.ask("status", "GET", "/health") == (200, b"ok\n")
            status, text = program.ask("status", "GET", "/metrics")
            assert status == 200 and b"pubsubgw_connections 1\n" in text, text
            assert program.ask("status", "HEAD", "/metrics") == (200, b"")
            assert program.ask("status", "POST", "/metrics")[0] == 405
            status, text = program.ask("status", "GET", "/")
            assert status == 404 and b"/health, /metrics" in text, text
            program.signal(signal.SIGTERM)
            assert client.close_code() == 1001
        assert program.end() == (0, "", "")


def test_a_hangup_reads_the_files_again_and_refuses_nobody():
    with Program(*CLIENTS, *ROUTE, files={"kafka.json": route(NOWHERE)}) as program:
        waiting = socket.create_connection(("127.0.0.1", program.port()))
        with Client(program.url()) as client:
            program.write("kafka.json", route(NOWHERE, uri="/new"))
            program.signal(signal.SIGHUP)
            assert client.close_code() == 1012
        assert program.process.stdout.readline() == "the files were read again\n"
        with Client(program.url("/new")) as client:
            client.ping()
            # By the former gateway, which lets it in to say so, or by the next one, whose route is
            # another by now.
            waiting.sendall(upgrade_head())
            head, rest = receive_head(waiting)
            assert head.startswith(("HTTP/1.1 101 ", "HTTP/1.1 404 ")), head
            # A file that is wrong changes nothing.
            program.write("kafka.json", '{"uri": "/newer",\n "upstream": {}}')
            program.signal(signal.SIGHUP)
            line = program.process.stderr.readline()
            assert "nothing was changed: " in line and "kafka.json: line 2" in line, line
            client.ping()
        program.signal(signal.SIGTERM)
        assert program.end()[0] == 0


def test_a_start_that_fails_says_what_where_and_what_to_do():
    good = {"kafka.json": route(NOWHERE)}
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        for arguments, files, text in [
                ((), {}, "give --route FILE"),
                (("--nonsense",), {}, "unrecognized arguments: --nonsense"),
                (("--route", "{0}/none.json"), {}, "/none.json: No such file"),
                (ROUTE, {"kafka.json": "{"}, "kafka.json: line 1, column 2"),
                (ROUTE, {"kafka.json": '{"uri": "/kafka",\n"uris": 5}'},
                 "kafka.json: line 2, column 9: uris"),
                (("--upstream", "{0}/u.json", *ROUTE), {**good, "u.json": '{"nodes": 5}'},
                 "u.json: line 1"),
                (("--settings", "{0}/s.json", *ROUTE), {**good, "s.json": '{"thread": 5}'},
                 "s.json: line 1, column 2: thread: unknown key (known: threads"),
                ((*ROUTE, *ROUTE), good, "route kafka is in"),
                ((*ROUTE, "--listen", "9080"), good, '--listen 9080: expected an address such as'),
                ((*ROUTE, "--listen", taken), good, f"--listen {taken}: Address already in use"),
                ((*ROUTE, "--listen", "127.0.0.1:0", "--status", taken), good,
                 f"--status {taken}: Address already in use"),
                ((*ROUTE, "--admin", "9180"), good, "needs --admin-key-file"),
                ((*ADMIN, "--admin-key-file", "{0}/short"), {"short": "secret"},
                 "short: expected a key of 16 or more"),
                ((*ADMIN, "--admin-dir", "/dev/null/x"), {}, "/dev/null/x"),
                ((*ROUTE, "--library", "/no/such.so"), good, "/no/such.so: not there"),
                ((*ROUTE, "--drain", "-1"), good, "0 to 86400 seconds")]:
            said = failed(*arguments, files=files)
            assert text in said and "Traceback" not in said, (arguments, said)


def test_check_tells_notes_and_serves_nobody():
    noted = route(NOWHERE, upstream_retries=2)
    with Program("--check", *ROUTE, files={"kafka.json": noted}, lines=0) as program:
        status, out, errors = program.end()
        assert status == 0 and "kafka.json: upstream.retries: has no effect" in out, (out, errors)
        assert out.endswith("the files are right\n"), out


def test_help_names_every_argument():
    with Program("--help", lines=0) as program:
        status, out, _ = program.end()
    assert status == 0, out
    for argument in ("--listen ADDRESS", "--route FILE", "--admin-key-file FILE", "--check"):
        assert argument in out, out


def test_apisix_lines_make_routes_that_last():
    with DevBroker("--records", "demo:10:10") as broker:
        real = {**PLAIN, "upstream": {**PLAIN["upstream"], "nodes": {broker.bootstrap: 1}}}
        with Program(*CLIENTS, *ADMIN, lines=3) as program:
            assert program.admin("GET", "routes") == (200, {"total": 0, "list": []})
            status, answer = program.admin("PUT", "routes/kafka", LOGIN)
            assert status == 201 and answer["key"] == "/apisix/routes/kafka", answer
            assert answer["value"]["id"] == "kafka" and answer["value"]["create_time"] > 0, answer
            assert "pwd" not in json.dumps(answer)
            status, answer = program.admin("PUT", "routes/kafka", real)
            assert status == 200 and answer["value"]["uri"] == "/kafka", answer
            with Client(program.url()) as client:
                check_records(client.fetch("demo").messages, "demo", 0)
            # With an upstream of its own, that another one takes the place of.
            assert program.admin("PUT", "upstreams/7", PLAIN["upstream"])[0] == 201
            assert program.admin("PUT", "routes/8", {"uri": "/8", "upstream_id": "7"})[0] == 201
            status, answer = program.admin("DELETE", "upstreams/7")
            assert status == 400 and "route 8 is still using it" in answer["error_msg"], answer
            status, answer = program.admin("PATCH", "routes/8", {"status": 0, "uri": "/nine"})
            assert (status, answer["value"]["uri"]) == (200, "/nine"), answer
            status, answer = program.admin("POST", "routes", {"uri": "/10", "upstream_id": "7"})
            made = answer["value"]["id"]
            assert status == 201 and program.admin("DELETE", f"routes/{made}")[0] == 200, answer
            status, listed = program.admin("GET", "routes")
            assert [node["value"]["id"] for node in listed["list"]] == ["kafka", "8"], listed
            assert listed["list"][0]["modifiedIndex"] > listed["list"][0]["createdIndex"] > 0
            assert os.stat(program.path("objects/routes/8.json")).st_mode & 0o077 == 0
            # Another gateway keeps away from the folder.
            folder = program.path("objects")
            assert f"{folder}: another gateway works in this folder" in failed(*ADMIN[:-1], folder)
            # Killed, not ended: what was answered is there.
            program.process.kill()
            program.process.wait()
            with Program(
                    *CLIENTS, *ADMIN[:-1], folder, lines=3) as program:
                with Client(program.url()) as client:
                    check_records(client.fetch("demo").messages, "demo", 0)
                    # Who removes a route wants its use to end.
                    status, answer = program.admin("DELETE", "routes/kafka")
                    assert (status, answer) == (
                        200, {"deleted": "1", "key": "/apisix/routes/kafka"}), answer
                    assert client.close_code() == 1001
                assert program.admin("GET", "routes/kafka") == (404, {"message": "Key not found"})
                assert program.admin("DELETE", "routes/kafka")[0] == 404
                assert program.admin("GET", "upstreams/7")[1]["value"]["type"] == "none"
                assert not os.path.exists(os.path.join(folder, "routes/kafka.json"))
                program.signal(signal.SIGTERM)
                assert program.end()[0] == 0


def test_a_hangup_takes_a_new_key_and_what_the_folder_holds():
    with Program(*CLIENTS, *ADMIN, lines=3) as program:
        assert program.admin("PUT", "routes/kafka", PLAIN)[0] == 201
        file = program.path("objects/routes/kafka.json")
        with open(file) as kept:
            text = kept.read()
        for broken, said in [("{", "kafka.json: Expecting"),
                             ('{"value": {}}', "kafka.json: expected"),
                             (text.replace('"uri"', '"urn"'), 'kafka.json: line 1, column')]:
            program.write("objects/routes/kafka.json", broken)
            program.signal(signal.SIGHUP)
            line = program.process.stderr.readline()
            assert "nothing was changed: " in line and said in line, line
            assert program.admin("GET", "routes/kafka")[1]["value"]["uri"] == "/kafka"
        os.rename(file, program.path("objects/routes/other.json"))
        program.write("objects/routes/other.json", text.replace('"id": "kafka"', '"id": "other"'))
        program.write("key", "another-key-0123456789")
        program.signal(signal.SIGHUP)
        assert program.process.stdout.readline() == "the files were read again\n"
        assert program.admin("GET", "routes")[0] == 401
        status, listed = program.admin("GET", "routes", key="another-key-0123456789")
        assert [node["value"]["id"] for node in listed["list"]] == ["other"], listed


def test_curl_says_what_the_documents_say():
    """At one address for clients and admin, as with APISIX before its version 3."""
    address = f"127.0.0.1:{unused_port()}"
    with Program("--listen", address, "--status", "127.0.0.1:0", "--admin", address,
                 *ADMIN[2:], lines=3) as program:
        done = subprocess.run(
            ["curl", "-sS", "-i", "-X", "PUT", f"http://{address}/apisix/admin/routes/kafka",
             "-H", f"X-API-KEY: {KEY}", "-H", "Content-Type: application/json",
             "-d", json.dumps(PLAIN, indent=4)], capture_output=True, text=True)
        assert done.stdout.startswith("HTTP/1.1 201 "), done
        with Client(program.url()) as client:
            client.ping()
            client.send(cmd_ping={"state": b"first"})
            program.signal(signal.SIGHUP)
            assert client.close_code() == 1012
        # A body of some size: curl asks for leave first.
        large = {**PLAIN, "desc": "x" * 1_200_000}
        done = subprocess.run(
            ["curl", "-sS", "-i", "-X", "PUT", f"http://{address}/apisix/admin/routes/kafka",
             "-H", f"X-API-KEY: {KEY}", "-H", "Expect: 100-continue", "--data-binary", "@-"],
            input=json.dumps(large), capture_output=True, text=True)
        assert "HTTP/1.1 100 " in done.stdout and "HTTP/1.1 200 " in done.stdout, done.stdout[:300]
        sock = raw_session(program.port())
        program.signal(signal.SIGTERM)
        assert close_code_of(receive_all(sock))[0] == 1001
        assert program.end()[0] == 0


def test_the_readmes_lines_serve():
    with open(os.path.join(ROOT, "README.md")) as readme:
        text = readme.read().split("## As a program")[1].split("\n## ")[0]
    shown = re.search(r"^```json\n(.*?)^```$", text, re.S | re.M)[1]
    by_file, by_admin = re.findall(r"^    pubsubgw (.*)$", text, re.M)
    curl = re.search(r"^    (curl .*)$", text, re.M)[1]
    with DevBroker("--records", "demo:100:10") as broker:
        files = {"route.json": shown.replace("127.0.0.1:9092", broker.bootstrap)}
        with Program(*ready(by_file), files=files) as program, Client(program.url()) as client:
            check_records(client.fetch("demo").messages, "demo", 0)
        with Program(*ready(by_admin), files=files, lines=3) as program:
            here = curl.replace("9180", str(program.port("admin")))
            done = subprocess.run(
                here.replace("-X", "-sS -i -X"), shell=True, cwd=program.folder.name,
                capture_output=True, text=True)
            assert done.stdout.startswith("HTTP/1.1 201 "), done
            with Client(program.url()) as client:
                check_records(client.fetch("demo").messages, "demo", 0)


def ready(line):
    """The arguments of a line that is shown, with ports and a folder of the test's own."""
    line = re.sub(r":\d+\b", ":0", line)
    line = re.sub(r"(route\.json|\bkey)$", r"{0}/\1", line)
    return [*line.split(), "--status", "127.0.0.1:0"]


def test_the_admin_door_answers_what_is_wrong():
    with Program(*CLIENTS, *ADMIN, *ROUTE, files={"kafka.json": route(NOWHERE)},
                 lines=3) as program:
        for key, text in [(None, "missing apikey"), ("", "wrong apikey"), (KEY[:-1], "wrong"),
                          (KEY + "x", "wrong apikey"), ("\xff", "wrong apikey")]:
            status, answer = program.ask(
                "admin", "GET", "/apisix/admin/routes", None, None,
                **({} if key is None else {"X-API-KEY": key}))
            assert status == 401 and text in answer["description"], answer
        for method, path, body, status, text in [
                ("PUT", "routes/x", "{", 400, "line 1, column 2"),
                ("PUT", "routes/x", "", 400, "line 1"),
                ("PUT", "routes/x", b"\xff", 400, "byte 0xff"),
                ("PUT", "routes/x", "[" * 100_000, 400, "line 1"),
                ("PUT", "routes/x", {**PLAIN, "id": "y"}, 400, "id"),
                ("PUT", "routes/x", {"uri": "/x", "upstream_id": "none"}, 400, "no upstream none"),
                ("PUT", "routes/x", {**PLAIN, "plugins": {"key-auth": {}}}, 400, "key-auth"),
                ("PUT", "routes/x", json.dumps(PLAIN)[:-1] + ', "desc": 1e999}', 400, "JSON"),
                ("PUT", "routes/x", {**PLAIN, "plugins": {"kafka-proxy": {"sasl": {
                    "username": "u", "password": "***"}}}}, 400,
                 "plugins.kafka-proxy.sasl.password"),
                ("PUT", "routes", PLAIN, 400, "missing route id"),
                ("PUT", "routes/a%2fb", PLAIN, 400, "an id has"),
                ("PUT", "routes/../upstreams", PLAIN, 400, "an id has"),
                ("PUT", "routes/" + "x" * 65, PLAIN, 400, "an id has"),
                ("PUT", "routes/kafka", PLAIN, 400, "kafka.json: change it there"),
                ("DELETE", "routes/kafka", None, 400, "kafka.json: change it there"),
                ("POST", "routes/x", PLAIN, 400, "do not need it"),
                ("DELETE", "routes", None, 400, "missing route id"),
                ("PATCH", "routes/none", {}, 404, "Key not found"),
                ("TRACE", "routes/x", None, 405, "expected GET"),
                ("GET", "services", None, 404, "Unsupported resource type: services (known:"),
                ("GET", "", None, 404, "Unsupported resource type")]:
            got, answer = program.admin(method, path, body)
            said = answer.get("error_msg", answer.get("message"))
            assert got == status and text in said, (method, path, got, answer)
        assert program.admin("GET", "routes")[1]["total"] == 1
        assert os.listdir(program.path("objects/routes")) == []
        # The status address has no admin interface.
        assert program.ask("status", "GET", "/apisix/admin/routes", None, KEY)[0] == 404


def test_the_admin_door_bears_what_is_not_http():
    head = f"PUT /apisix/admin/routes/x HTTP/1.1\r\nHost: x\r\nX-API-KEY: {KEY}\r\n"
    with Program(*CLIENTS, *ADMIN, lines=3) as program:
        for sent, status in [
                ("\r\n\r\n", 400), ("GET / HTTP/2.0\r\n\r\n", 400), ("GET  / HTTP/1.1\r\n\r\n", 400),
                ("GET http://x/ HTTP/1.1\r\n\r\n", 400), ("GET /\x7f HTTP/1.1\r\n\r\n", 400),
                ("GET / HTTP/1.1\r\nA\r\n\r\n", 400), ("GET / HTTP/1.1\r\n A: b\r\n\r\n", 400),
                (head + f"X-API-KEY: {KEY}\r\n\r\n", 400),
                (head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
                (head + "Content-Length: -1\r\n\r\n", 400),
                (head + "Content-Length: 99999999999999999999\r\n\r\n", 400),
                (head + "Content-Length: 99999999\r\n\r\n" + "x" * 100_000, 413),
                (head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
                ("GET / HTTP/1.1\r\nA: " + "x" * 70_000, 431),
                # Without the key no body is wanted.
                ("PUT /apisix/admin/routes/x HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n", 401)]:
            answer = program.raw("admin", sent.encode("latin-1"))
            assert answer.startswith(b"HTTP/1.1 %d " % status), (sent[:80], answer)
        # Connections that say nothing keep nobody out: the oldest goes.
        silent = [socket.create_connection(("127.0.0.1", program.port("admin")))
                  for _ in range(300)]
        assert program.admin("GET", "routes")[0] == 200
        assert receive_all(silent[0]) == b""
        # Half a request, slowly, then all of it.
        last = silent[-1]
        body = json.dumps(PLAIN).encode()
        for part in (head[:20].encode(), head[20:].encode() + b"Content-Le",
                     b"ngth: %d\r\n\r" % len(body), b"\n" + body[:5], body[5:]):
            last.sendall(part)
        assert receive_all(last).startswith(b"HTTP/1.1 201 ")


def test_the_admin_door_does_not_wait_for_ever():
    head = f"PUT /apisix/admin/routes/x HTTP/1.1\r\nX-API-KEY: {KEY}\r\nContent-Length: 9\r\n\r\n{{"
    with Program(*CLIENTS, *ADMIN, lines=3) as program:
        socks = [socket.create_connection(("127.0.0.1", program.port("admin"))) for _ in range(3)]
        socks[1].sendall(head[:30].encode())
        socks[2].sendall(head.encode())
        for sock in socks:
            assert receive_all(sock) == b""


def test_unix_and_inherited_sockets_take_clients():
    files = {"kafka.json": route(NOWHERE)}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number, port = listener.fileno(), listener.getsockname()[1]
        with Program(
                "--listen", "unix:{0}/clients", "--listen", f"fd:{number}", "--status", "none",
                *ROUTE, files=files, pass_fds=[number]) as program:
            with raw_session(port), socket.socket(socket.AF_UNIX) as sock:
                sock.connect(program.path("clients"))
                sock.sendall(upgrade_head())
                assert receive_head(sock)[0].startswith("HTTP/1.1 101 ")
            program.signal(signal.SIGINT)
            assert program.end()[0] == 0
            assert not os.path.exists(program.path("clients"))
        said = failed("--listen", "fd:999", *ROUTE, files=files)
        assert "--listen fd:999: Bad file descriptor" in said, said
