"""The metrics, read by Prometheus' own parser."""

import pubsub_pb2 as pb
from devbroker import DevBroker, until
from prometheus_client.parser import text_string_to_metric_families
from support import Client, Gateway, route

# Name without "pubsubgw_", type, labels that its samples have after the traffic below (None: no
# sample is needed).
FAMILIES = [
    ("build_info", "gauge", {"version"}), ("threads", "gauge", set()),
    ("connections", "gauge", set()), ("subscriptions", "gauge", set()),
    ("held_bytes", "gauge", set()), ("turn_work", "gauge", set()),
    ("connections_accepted", "counter", {"route"}),
    ("handshakes_rejected", "counter", {"route", "reason"}),
    ("closes", "counter", {"route", "code"}), ("messages", "counter", {"direction"}),
    ("bytes", "counter", {"direction"}), ("records", "counter", {"direction"}),
    ("commands", "counter", {"command", "result"}),
    ("command_duration_seconds", "histogram", {"command"}), ("unsent_bytes", "gauge", set()),
    ("delivery_lag_seconds", "histogram", set()), ("paused", "counter", set()),
    ("limit_hits", "counter", {"limit"}), ("kafka_requests", "counter", {"api", "error"}),
    ("topics_refused", "counter", set()),
    ("kafka_errors", "counter", {"error"}),
    ("kafka_request_duration_seconds", "histogram", {"api"}),
    ("kafka_connections", "gauge", set()), ("kafka_reconnects", "counter", set()),
    ("kafka_retries", "counter", {"kind"}), ("kafka_throttled", "counter", set()),
    ("kafka_throttle_seconds", "counter", set()),
    ("kafka_bytes", "counter", {"direction"}),
    ("produced_records", "counter", set()), ("produced_bytes", "counter", set()),
    ("produce_errors", "counter", {"reason"}), ("produce_repeated", "counter", set()),
    ("producing_records", "gauge", set()), ("producing_bytes", "gauge", set()),
    ("cache_bytes", "gauge", set()), ("cache_lent_bytes", "gauge", set()),
    ("cache_hits", "counter", set()), ("cache_misses", "counter", set()),
    ("produced_records", "counter", set()), ("produced_bytes", "counter", set()),
    ("produce_errors", "counter", {"reason"}), ("produce_repeated", "counter", set()),
    ("producing_records", "gauge", set()), ("producing_bytes", "gauge", set()),
    ("queued_events", "gauge", set()),
]


def scrape(gateway):
    found = {}
    for family in text_string_to_metric_families(gateway.metrics()):
        assert family.name.startswith("pubsubgw_"), family.name
        assert family.documentation, family.name
        name = family.name.removeprefix("pubsubgw_")
        assert name not in found, f"{name} comes twice"
        found[name] = family
    return found


def value(families, name, **labels):
    for family in families.values():
        for sample in family.samples:
            if sample.name == f"pubsubgw_{name}" and sample.labels == labels:
                return sample.value
    return None


def traffic(gateway, broker):
    """Something of everything that is counted."""
    with Client(gateway.url()) as client:
        client.ping()
        client.fetch("t", 0)
        # Cut by max_bytes: the cache answers, and nobody has to be asked what comes behind.
        client.fetch("t", 0, max_bytes=200)
        client.error(cmd_kafka_fetch=pb.CmdKafkaFetch(topic="t", offset=999))
        client.error(cmd_kafka_fetch=pb.CmdKafkaFetch(topic="__hidden"))
        sequence = client.send(cmd_subscribe=pb.CmdSubscribe(
            subscriptions=[pb.Subscription(topic="t", partitions=[0])]))
        assert client.receive().sequence == sequence
        broker.do("append", topic="t", values=["live"])
        assert client.receive().subscribe_resp.messages[0].value == b"live"
        refused = client.ask(cmd_produce=pb.CmdProduce(records=[pb.ProduceRecord(topic="t")]))
        assert refused.produce_resp.results[0].error.code == 5
        for _ in range(25):
            client.send(cmd_ping=pb.CmdPing())
        for _ in range(25):
            client.receive()
        yield
    try:
        Client(gateway.url("/nothing-here"))
        raise AssertionError("a path without a route was upgraded")
    except Exception as error:
        assert "404" in str(error), error


def test_every_name_with_its_type_and_labels():
    with DevBroker("--topic", "t", "--records", "t:100:50") as broker, Gateway(route(
            broker.bootstrap, pubsub={
                "commands": ["ping", "fetch", "subscribe", "produce"],
                "topics": {"produce": {"allow": ["p"]}},
                "limits": {"commands_per_second": 20}})) as gateway:
        for _ in traffic(gateway, broker):
            live = scrape(gateway)
            assert value(live, "connections") == 1
            assert value(live, "subscriptions") == 1
        until(5, "the session's end", lambda: gateway.stats().sessions == 0)
        families = scrape(gateway)
        assert set(families) == {name for name, _, _ in FAMILIES}, \
            set(families) ^ {name for name, _, _ in FAMILIES}
        for name, kind, labels in FAMILIES:
            family = families[name]
            assert family.type == kind, (name, family.type)
            assert family.samples, f"{name} has no sample"
            for sample in family.samples:
                found = set(sample.labels) - ({"le"} if sample.name.endswith("_bucket") else set())
                assert found == labels, (name, sample.labels)
        assert value(families, "commands_total", command="ping", result="limit") > 0
        assert value(families, "limit_hits_total", limit="commands_per_second") > 0
        assert value(families, "kafka_errors_total", error="OFFSET_OUT_OF_RANGE") == 1
        assert value(families, "kafka_requests_total", api="Fetch",
                     error="OFFSET_OUT_OF_RANGE") == 1
        assert value(families, "kafka_requests_total", api="ApiVersions", error="NONE") > 0
        assert value(families, "topics_refused_total") == 2
        assert value(families, "produce_errors_total", reason="not_allowed") == 1
        assert value(families, "handshakes_rejected_total", route="", reason="route") == 1
        assert value(families, "closes_total", route="r0", code="1000") == 1
        assert value(families, "cache_hits_total") > 0
        for histogram in ("command_duration_seconds", "kafka_request_duration_seconds",
                          "delivery_lag_seconds"):
            check_histogram(families[histogram])
        assert value(families, "delivery_lag_seconds_count") == 1
        # The broker's clock is this machine's.
        assert value(families, "delivery_lag_seconds_sum") < 60
        fetches = value(families, "kafka_request_duration_seconds_count", api="Fetch")
        answered = [sample.value for sample in families["kafka_requests"].samples
                    if sample.labels["api"] == "Fetch" and sample.labels["error"].isupper()]
        assert 0 < fetches == sum(answered), answered


def check_histogram(family):
    """Buckets grow, end at +Inf, and +Inf is the count."""
    series = {}
    for sample in family.samples:
        key = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
        series.setdefault(key, {"buckets": []})
        if sample.name.endswith("_bucket"):
            series[key]["buckets"].append((float(sample.labels["le"]), sample.value))
        else:
            series[key][sample.name.rsplit("_", 1)[1]] = sample.value
    for key, one in series.items():
        bounds, counts = zip(*one["buckets"])
        assert list(bounds) == sorted(bounds) and bounds[-1] == float("inf"), key
        assert list(counts) == sorted(counts) and counts[-1] == one["count"], key
        assert one["sum"] >= 0 and (one["count"] > 0 or one["sum"] == 0), key
