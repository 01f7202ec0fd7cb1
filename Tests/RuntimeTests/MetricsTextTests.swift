import Testing
import Timing

@testable import GatewayCore
import KafkaCore
@testable import Runtime

struct MetricsTextTests {
    @Test func everyFamilyHasHelpAndTypeAndSortedSamples() {
        var metrics = GatewayMetrics()
        metrics.sessions = 3
        metrics.accepted = ["b": 2, "a": 1]
        metrics.rejected = [.init(route: "a\"\n\\", reason: "origin"): 4]
        metrics.commands = [.init(command: "ping", result: "ok"): 5]
        metrics.commandDurations["ping"] = Histogram()
        metrics.commandDurations["ping"]?.add(microseconds: 70)
        metrics.kafkaEndings = [
            .init(apiKey: 1, .answered(0)): 6, .init(apiKey: 1, .answered(6)): 2,
            .init(apiKey: 1, .timedOut): 3, .init(apiKey: 18, .lost): 4,
        ]
        metrics.kafkaReconnects = 9
        metrics.kafkaRetries = [.listOffsets: 10]
        metrics.refusedTopics = 12
        metrics.kafkaErrors = [3: 7]
        metrics.kafkaDurations[3] = Histogram()
        metrics.kafkaDurations[3]?.add(microseconds: 2_000)
        metrics.deliveryLag.add(microseconds: 11_000_000)
        let text = MetricsText.render(metrics, threads: 2, queuedEvents: 8)
        let lines = text.split(separator: "\n")
        var families: Set<Substring> = []
        for line in lines where line.hasPrefix("# TYPE ") {
            #expect(families.insert(line.split(separator: " ")[2]).inserted, "\(line)")
        }
        for line in lines where !line.hasPrefix("#") {
            var name = line.prefix { $0 != "{" && $0 != " " }
            for ending in ["_bucket", "_sum", "_count"]
            where name.hasSuffix(ending) && !families.contains(name) {
                name = name.dropLast(ending.count)
            }
            #expect(families.contains(name), "\(line)")
        }
        for expected in [
            "pubsubgw_connections 3",
            "pubsubgw_connections_accepted_total{route=\"a\"} 1\n"
                + "pubsubgw_connections_accepted_total{route=\"b\"} 2",
            "pubsubgw_handshakes_rejected_total{route=\"a\\\"\\n\\\\\",reason=\"origin\"} 4",
            "pubsubgw_commands_total{command=\"ping\",result=\"ok\"} 5",
            "pubsubgw_command_duration_seconds_bucket{command=\"ping\",le=\"0.00005\"} 0",
            "pubsubgw_command_duration_seconds_bucket{command=\"ping\",le=\"0.0001\"} 1",
            "pubsubgw_command_duration_seconds_bucket{command=\"ping\",le=\"+Inf\"} 1",
            "pubsubgw_command_duration_seconds_sum{command=\"ping\"} 0.00007",
            "pubsubgw_kafka_requests_total{api=\"Fetch\",error=\"NONE\"} 6\n"
                + "pubsubgw_kafka_requests_total{api=\"Fetch\",error=\"NOT_LEADER_OR_FOLLOWER\"}"
                + " 2\npubsubgw_kafka_requests_total{api=\"Fetch\",error=\"timed_out\"} 3\n"
                + "pubsubgw_kafka_requests_total{api=\"ApiVersions\",error=\"connection_lost\"} 4",
            "pubsubgw_kafka_reconnects_total 9",
            "pubsubgw_kafka_retries_total{kind=\"fetch\"} 0",
            "pubsubgw_kafka_retries_total{kind=\"list_offsets\"} 10",
            "pubsubgw_topics_refused_total 12",
            "pubsubgw_kafka_errors_total{error=\"UNKNOWN_TOPIC_OR_PARTITION\"} 7",
            "pubsubgw_kafka_request_duration_seconds_bucket{api=\"Metadata\",le=\"0.001\"} 0",
            "pubsubgw_kafka_request_duration_seconds_bucket{api=\"Metadata\",le=\"0.0025\"} 1",
            "pubsubgw_kafka_request_duration_seconds_sum{api=\"Metadata\"} 0.002",
            "pubsubgw_delivery_lag_seconds_bucket{le=\"10\"} 0",
            "pubsubgw_delivery_lag_seconds_bucket{le=\"+Inf\"} 1",
            "pubsubgw_delivery_lag_seconds_sum 11", "pubsubgw_delivery_lag_seconds_count 1",
            "pubsubgw_queued_events 8",
        ] { #expect(text.contains(expected + "\n"), "\(expected)") }
    }

    @Test(arguments: [(0, "0"), (1, "0.000001"), (1_000_000, "1"), (2_500_000, "2.5")])
    func secondsAreExact(microseconds: Int64, text: String) {
        #expect(PrometheusWriter.seconds(microseconds: microseconds) == text)
    }
}
