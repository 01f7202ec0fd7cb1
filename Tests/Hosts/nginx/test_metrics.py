"""What `pubsubgw_metrics on` answers."""

import subprocess

from devbroker import DevBroker, until
from nginx import LOCATIONS, Nginx
from prometheus_client.parser import text_string_to_metric_families

METRICS = LOCATIONS + """
        location = /metrics { pubsubgw_metrics on; }
        location = /metrics/off { pubsubgw_metrics off; return 404; }
"""


def curl(nginx, *arguments):
    """(status, headers, body) of /metrics."""
    done = subprocess.run(
        ["curl", "-s", "-i", *arguments, f"http://127.0.0.1:{nginx.port}/metrics"],
        capture_output=True, text=True, timeout=60, check=True)
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    lines = head.splitlines()
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


def samples(text):
    return {(sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples}


def test_the_text_of_a_worker():
    with DevBroker("--records", "demo:50:100") as broker:
        with Nginx(broker.bootstrap, locations=METRICS) as nginx, nginx.client() as client:
            client.fetch("demo")
            status, headers, body = curl(nginx)
            assert status == 200 and headers["content-type"] == "text/plain; version=0.0.4"
            assert int(headers["content-length"]) == len(body.encode())
            found = samples(body)
            # Names without labels of their own, and names with some.
            worker = ("worker", "0")
            assert found["pubsubgw_connections", worker] == 1
            assert found["pubsubgw_connections_accepted_total", ("route", "kafka"), worker] == 1
            assert found["pubsubgw_commands_total", ("command", "fetch"), ("result", "ok"),
                         worker] == 1
            assert found["pubsubgw_kafka_requests_total", ("api", "Fetch"), ("error", "NONE"),
                         worker] == 1
            assert all(worker in key for key in found)
            families = list(text_string_to_metric_families(body))
            assert all(family.documentation and family.type != "unknown" for family in families)


def test_methods():
    with Nginx(locations=METRICS, routes={"kafka": {
            "uri": "/kafka", "upstream": {"scheme": "kafka", "nodes": "127.0.0.1:9"}}}) as nginx:
        status, headers, body = curl(nginx, "--head")
        assert status == 200 and body == "" and int(headers["content-length"]) > 1000, headers
        assert headers["content-type"] == "text/plain; version=0.0.4"
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert curl(nginx, "-X", method, "-d", "x")[0] == 405, method
        # A body that comes with a GET is read and dropped: the next request is understood.
        assert curl(nginx, "-X", "GET", "-d", "x" * 9000)[0] == 200


def test_every_worker_has_its_own():
    with Nginx(locations=METRICS, workers=3) as nginx:
        seen = {}

        def all_answered():
            for (name, *labels), value in samples(nginx.get("/metrics")).items():
                if name == "pubsubgw_connections":
                    seen[dict(labels)["worker"]] = value
            return sum(seen.values()) == 6

        socks = [nginx.session() for _ in range(6)]
        until(30, "every worker's sessions", all_answered)
        assert set(seen) <= {"0", "1", "2"}
        for sock in socks:
            sock.close()


def test_without_routes_there_is_nothing_to_tell():
    with Nginx(routes={}, locations=METRICS) as nginx:
        assert curl(nginx)[0] == 503
