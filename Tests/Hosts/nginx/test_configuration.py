"""What `nginx -t` says."""

import json
import os
import re
import shutil
import subprocess

import pubsub_pb2 as pb
from nginx import CERTIFICATE, LOCATIONS, Nginx, certificate, kafka_route

GOOD = json.dumps(kafka_route("127.0.0.1:9"))


def told(http, locations=LOCATIONS, main="", environment=None):
    """The output of `nginx -t`, which must fail, and the configuration's lines."""
    nginx = Nginx(routes={}, http=http, locations=locations, main=main, start=False)
    done = nginx.command("-t", env={**os.environ, **(environment or {})})
    shutil.rmtree(nginx.directory)
    assert done.returncode != 0, done
    return done.stderr.replace(nginx.directory, ""), nginx.text.splitlines()


def line_with(lines, text):
    return 1 + next(index for index, line in enumerate(lines) if text in line)


def test_a_block_is_checked_with_the_files_line_and_column():
    error, lines = told("""
    pubsubgw_route kafka { "uri": "/kafka",
        "upstream": {
            "scheme": "kafka", "typ": "none", "nodes": {"a:1": 1}} }
""")
    line = line_with(lines, '"typ"')
    column = 1 + lines[line - 1].index('"typ"')
    assert (f'pubsubgw_route "kafka": line {line}, column {column}: upstream.typ: unknown key'
            in error), error
    assert f"in /nginx.conf:{line}" in error, error


def test_the_first_line_of_a_block_has_its_column_too():
    error, lines = told('    pubsubgw_route kafka {"uri": 7}\n')
    line = line_with(lines, "pubsubgw_route kafka")
    assert f"line {line}, column {1 + lines[line - 1].index('7')}: uri: wrong type" in error, error


def test_certificates_are_read():
    certificate()
    with open(CERTIFICATE + ".pem") as cert, open(CERTIFICATE + ".key") as key:
        pair = {"client_cert": cert.read(), "client_key": key.read().replace("M", "*", 1)}
    route = kafka_route("127.0.0.1:9")
    route["upstream"]["tls"] = pair
    error, lines = told(f"    pubsubgw_route kafka {json.dumps(route)}\n")
    line = line_with(lines, "pubsubgw_route kafka")
    column = 1 + lines[line - 1].index(json.dumps(pair["client_key"]))
    assert (f"line {line}, column {column}: upstream.tls.client_key: the private key cannot be"
            in error), error
    upstream = dict(route["upstream"], tls={"ca": pair["client_cert"][:200]})
    error, _ = told(f"    pubsubgw_upstream kafka {json.dumps(upstream)}\n")
    assert "tls.ca: is cut short: a block has no -----END line" in error, error


def test_nginx_goes_on_behind_a_block():
    # Blocks that end in nginx's buffer and blocks that end far behind it (it reads 4096 bytes).
    for filler in (10, 3000, 4000, 5000, 20000):
        route = json.dumps(kafka_route("127.0.0.1:9", desc='} " \\ {' + "x" * filler), indent=1)
        http = f"    pubsubgw_route one {route} pubsubgw_route two {GOOD}\n    # }}\n"
        nginx = Nginx(routes={}, http=http, locations=LOCATIONS + "pubsubgw route=two;",
                      start=False)
        done = nginx.command("-t")
        assert done.returncode == 0, done.stderr
        # "nginx -T" shows the whole file.
        done = nginx.command("-T")
        assert nginx.text.strip() in done.stdout, filler
        nginx.configure(nginx.text.replace("pubsubgw route=two;", "nonsense 1;"))
        line = line_with(nginx.text.splitlines(), "nonsense 1;")
        done = nginx.command("-t")
        assert f'unknown directive "nonsense" in {nginx.path("nginx.conf")}:{line}' in done.stderr
        shutil.rmtree(nginx.directory)


def test_strings_and_files():
    bad = GOOD.replace('"type"', '"typ"')
    error, lines = told(f"    pubsubgw_route_json kafka '{bad}';\n")
    line = line_with(lines, "pubsubgw_route_json")
    column = 1 + bad.index('"typ"')
    assert f"line 1, column {column}: upstream.typ: unknown key" in error, error
    assert f"in /nginx.conf:{line}" in error, error

    nginx = Nginx(routes={}, http="    pubsubgw_route_file kafka route.json;\n", start=False)
    done = nginx.command("-t")
    assert done.returncode != 0 and "No such file" in done.stderr, done.stderr
    with open(nginx.path("route.json"), "w") as file:
        file.write('{"uri": "/kafka",\n "uris": 5}')
    done = nginx.command("-t")
    assert 'line 2, column 10: uris' in done.stderr, done.stderr
    assert f'in {nginx.path("route.json")}:2' in done.stderr, done.stderr
    with open(nginx.path("route.json"), "w") as file:
        file.write(GOOD.replace('"none"', '"roundrobin"'))
    done = nginx.command("-t")
    assert done.returncode == 0, done.stderr
    # Keys without effect are told, and are no errors.
    assert "[warn]" in done.stderr and "upstream.type: has no effect" in done.stderr, done.stderr
    shutil.rmtree(nginx.directory)


def test_what_else_is_wrong():
    route = f"    pubsubgw_route kafka {GOOD}\n"
    for http, locations, text in [
            (route + route, LOCATIONS, 'pubsubgw_route "kafka" is duplicate'),
            ('    pubsubgw_route kafka { "', LOCATIONS, "JSON that does not end"),
            ("    pubsubgw_settings {\"thread\": 1}\n", LOCATIONS, "thread: unknown key"),
            ("    pubsubgw_settings {}\n    pubsubgw_settings {}\n", LOCATIONS, "is duplicate"),
            (f"    pubsubgw_upstream u {{\"nodes\": 1}}\n{route}", LOCATIONS,
             'pubsubgw_upstream "u": line'),
            ('    pubsubgw_route k {"uri": "/x", "upstream_id": "no"}\n', LOCATIONS, "upstream_id"),
            (route, "location / { pubsubgw route=nobody; }", 'no pubsubgw_route "nobody"'),
            (route, "location / { pubsubgw maybe; }", 'takes "on", "off" or "route=ID"'),
            (route, "location / { pubsubgw on; pubsubgw off; }", "is duplicate"),
            (route, "location / { pubsubgw on; pubsubgw_metrics on; }", "want a location each"),
            (route, "location / { pubsubgw_metrics maybe; }", 'it must be "on" or "off"'),
            (route, "location / { pubsubgw on; pubsubgw_topics a; pubsubgw_policy b; }",
             "says everything itself"),
            (route + "    pubsubgw_drain_timeout long;\n", LOCATIONS, "invalid value")]:
        error, _ = told(http, locations)
        assert text in error, (http, error)


def test_settings_upstreams_and_inheritance():
    http = f"""
    pubsubgw_settings {{"threads": 1, "cache_bytes": 1048576, "host_plugins": ["key-auth"]}}
    pubsubgw_upstream shared {json.dumps(kafka_route("127.0.0.1:9")["upstream"])}
    pubsubgw_upstream_json quoted '{json.dumps(kafka_route("127.0.0.1:9")["upstream"])}';
    pubsubgw_route kafka {{
        "uri": "/kafka", "upstream_id": "shared", "plugins": {{"key-auth": {{}}}}
    }}
    pubsubgw_route second {{"uri": "/second", "upstream_id": "quoted"}}
    pubsubgw_drain_timeout 5s;
    pubsubgw_topics "public-*";
"""
    locations = """
        pubsubgw on;
        location = /hello { return 200 "hello\\n"; }
        location = /status { stub_status; }
        location / { location /second { pubsubgw route=second; } }
        location /static { pubsubgw off; return 204; }
"""
    with Nginx(routes={}, http=http, locations=locations) as nginx:
        for path in ("/kafka", "/second"):
            with nginx.client(path=path) as client:
                client.ping()
                refused = client.error(cmd_kafka_fetch=pb.CmdKafkaFetch(topic="private"))
                assert "not found topic" in refused.message, refused


def test_keys_of_upstreams_without_effect_are_told():
    upstream = {**kafka_route("127.0.0.1:9")["upstream"], "type": "roundrobin"}
    nginx = Nginx(start=False, http=f"    pubsubgw_upstream shared {json.dumps(upstream)}\n")
    done = nginx.command("-t")
    assert done.returncode == 0, done.stderr
    assert re.search(r"\[warn\].*pubsubgw_upstream \"shared\": type: has no effect", done.stderr), \
        done.stderr
    shutil.rmtree(nginx.directory)


def test_another_version_of_the_library_is_refused():
    work = os.environ["HOSTS_WORK"]
    fake = os.path.join(work, "fake-version.so")
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", fake, "-x", "c", "-"], check=True, text=True,
        input="unsigned pubsubgw_version(void) { return 0x000203; }")
    error, _ = told(f"    pubsubgw_route kafka {GOOD}\n", environment={"LD_PRELOAD": fake})
    assert "built for libpubsubgw 0.1, but 0.2.3 is loaded" in error, error
