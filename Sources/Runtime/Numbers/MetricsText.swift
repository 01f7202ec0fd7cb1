import GatewayCore
import KafkaCore
import Timing

/// The metrics of a gateway as Prometheus reads them. Lines are sorted, so that two scrapes of the
/// same numbers are the same text.
enum MetricsText {
    static func render(_ metrics: GatewayMetrics, threads: Int, queuedEvents: Int) -> String {
        var writer = PrometheusWriter()
        build(&writer, threads: threads)
        connections(&writer, metrics)
        traffic(&writer, metrics)
        commands(&writer, metrics)
        kafka(&writer, metrics)
        producing(&writer, metrics)
        cache(&writer, metrics)
        writer.family("queued_events", .gauge, "Events that wait in the host's queues.")
        writer.sample("queued_events", Int64(queuedEvents))
        return writer.text
    }

    private static func build(_ writer: inout PrometheusWriter, threads: Int) {
        writer.family("build_info", .gauge, "Always 1; the label says which library this is.")
        writer.sample("build_info", UInt64(1), [("version", Library.versionText)])
        writer.family("threads", .gauge, "Loops that run.")
        writer.sample("threads", Int64(threads))
    }

    private static func connections(_ writer: inout PrometheusWriter, _ metrics: GatewayMetrics) {
        writer.family("connections", .gauge, "WebSocket sessions that are open.")
        writer.sample("connections", metrics.sessions)
        writer.family("held_bytes", .gauge, "What sessions hold in memory of their own.")
        writer.sample("held_bytes", metrics.heldBytes)
        writer.family(
            "turn_work", .gauge,
            "The most work of one turn of a loop for its sessions, in about nanoseconds.")
        writer.sample("turn_work", metrics.turnWorkMax)
        writer.family("subscriptions", .gauge, "Partitions that sessions follow.")
        writer.sample("subscriptions", metrics.subscriptions)
        writer.family("connections_accepted_total", .counter, "Upgrades answered with 101.")
        for (route, count) in metrics.accepted.sorted(by: { $0.key < $1.key }) {
            writer.sample("connections_accepted_total", count, [("route", route)])
        }
        writer.family("handshakes_rejected_total", .counter, "Upgrades refused, by reason.")
        for (key, count) in metrics.rejected.sorted(by: {
            ($0.key.route, $0.key.reason) < ($1.key.route, $1.key.reason)
        }) {
            writer.sample(
                "handshakes_rejected_total", count, [("route", key.route), ("reason", key.reason)])
        }
        writer.family("closes_total", .counter, "Sessions ended, by WebSocket close code.")
        for (key, count) in metrics.closes.sorted(by: {
            ($0.key.route, $0.key.code) < ($1.key.route, $1.key.code)
        }) {
            writer.sample(
                "closes_total", count,
                [("route", key.route), ("code", key.code == 0 ? "other" : String(key.code))])
        }
    }

    private static func traffic(_ writer: inout PrometheusWriter, _ metrics: GatewayMetrics) {
        writer.family("messages_total", .counter, "WebSocket messages.")
        writer.sample("messages_total", metrics.messagesIn, [("direction", "in")])
        writer.sample("messages_total", metrics.messagesOut, [("direction", "out")])
        writer.family("bytes_total", .counter, "Bytes on client sockets.")
        writer.sample("bytes_total", metrics.bytesIn, [("direction", "in")])
        writer.sample("bytes_total", metrics.bytesOut, [("direction", "out")])
        writer.family("records_total", .counter, "Records decoded from brokers, sent to clients.")
        writer.sample("records_total", metrics.recordsDecoded, [("direction", "in")])
        writer.sample("records_total", metrics.recordsOut, [("direction", "out")])
        writer.family(
            "delivery_lag_seconds", .histogram,
            "From the timestamp of a push's first record to the push, once the subscription had"
                + " caught up with its partition; clocks that differ show here.")
        histogram(&writer, "delivery_lag_seconds", metrics.deliveryLag, [])
        writer.family("unsent_bytes", .gauge, "Bytes that wait for slow clients.")
        writer.sample("unsent_bytes", metrics.unsentBytes)
        writer.family("paused_total", .counter, "Times that a client was not read from.")
        writer.sample("paused_total", metrics.paused)
        writer.family("limit_hits_total", .counter, "Refusals by a limit, by its key in the route.")
        for (limit, count) in metrics.limitHits.sorted(by: { $0.key < $1.key }) {
            writer.sample("limit_hits_total", count, [("limit", limit)])
        }
    }

    private static func commands(_ writer: inout PrometheusWriter, _ metrics: GatewayMetrics) {
        writer.family("commands_total", .counter, "Commands, by their result.")
        for (key, count) in metrics.commands.sorted(by: {
            ($0.key.command, $0.key.result) < ($1.key.command, $1.key.result)
        }) {
            writer.sample(
                "commands_total", count, [("command", key.command), ("result", key.result)])
        }
        writer.family(
            "topics_refused_total", .counter,
            "Topics that a command named and its route or session does not allow; to the client"
                + " they are not found.")
        writer.sample("topics_refused_total", metrics.refusedTopics)
        writer.family("command_duration_seconds", .histogram, "From a command to its reply.")
        for (command, times) in metrics.commandDurations.sorted(by: { $0.key < $1.key }) {
            histogram(&writer, "command_duration_seconds", times, [("command", command)])
        }
    }

    private static func histogram(
        _ writer: inout PrometheusWriter, _ name: String, _ histogram: Histogram,
        _ labels: [(String, String)]
    ) {
        var sum: UInt64 = 0
        for (place, count) in histogram.counts.enumerated() {
            sum += count
            let bound =
                place < Histogram.bounds.count
                ? PrometheusWriter.seconds(microseconds: Histogram.bounds[place]) : "+Inf"
            writer.sample("\(name)_bucket", sum, labels + [("le", bound)])
        }
        writer.sample(
            "\(name)_sum", PrometheusWriter.seconds(microseconds: histogram.sumMicroseconds),
            labels)
        writer.sample("\(name)_count", sum, labels)
    }

    private static func kafka(_ writer: inout PrometheusWriter, _ metrics: GatewayMetrics) {
        writer.family(
            "kafka_requests_total", .counter,
            "Requests to brokers that have ended, by the first error in the response; NONE: all"
                + " went well.")
        let endings = metrics.kafkaEndings.map {
            (api: $0.key.apiKey, error: KafkaNames.result($0.key.result), count: $0.value)
        }
        for ending in endings.sorted(by: { ($0.api, $0.error) < ($1.api, $1.error) }) {
            writer.sample(
                "kafka_requests_total", ending.count,
                [("api", KafkaNames.api(ending.api)), ("error", ending.error)])
        }
        writer.family(
            "kafka_errors_total", .counter,
            "Errors that brokers told of partitions, each, and of records that cannot be read.")
        for (error, count) in metrics.kafkaErrors.sorted(by: { $0.key < $1.key }) {
            writer.sample("kafka_errors_total", count, [("error", KafkaNames.label(error))])
        }
        writer.family(
            "kafka_request_duration_seconds", .histogram,
            "From a request to its response, by API; Fetch has the waits of long polls in it.")
        for (api, times) in metrics.kafkaDurations.sorted(by: { $0.key < $1.key }) {
            histogram(
                &writer, "kafka_request_duration_seconds", times, [("api", KafkaNames.api(api))])
        }
        writer.family("kafka_connections", .gauge, "Connections to brokers.")
        writer.sample("kafka_connections", metrics.kafkaConnections)
        writer.family(
            "kafka_reconnects_total", .counter,
            "Connections to brokers opened in place of lost ones, every attempt.")
        writer.sample("kafka_reconnects_total", metrics.kafkaReconnects)
        writer.family(
            "kafka_retries_total", .counter,
            "Pauses before something was tried again at a broker, by what it was.")
        for kind in RetryKind.allCases {
            writer.sample(
                "kafka_retries_total", metrics.kafkaRetries[kind] ?? 0, [("kind", kind.rawValue)])
        }
        writer.family(
            "kafka_throttled_total", .counter,
            "Responses with which brokers asked for a pause: this client is over its quota.")
        writer.sample("kafka_throttled_total", metrics.kafkaThrottles)
        writer.family("kafka_throttle_seconds_total", .counter, "Those pauses together.")
        writer.sample(
            "kafka_throttle_seconds_total",
            PrometheusWriter.seconds(
                microseconds: Int64(clamping: metrics.kafkaThrottledMilliseconds) &* 1_000))
        writer.family("kafka_bytes_total", .counter, "Bytes received from brokers.")
        writer.sample("kafka_bytes_total", metrics.kafkaBytesIn, [("direction", "in")])
    }

    private static func producing(_ writer: inout PrometheusWriter, _ metrics: GatewayMetrics) {
        writer.family(
            "produced_records_total", .counter, "Records of clients that Kafka has acknowledged.")
        writer.sample("produced_records_total", metrics.produced.records)
        writer.family("produced_bytes_total", .counter, "The same in bytes, with their batches'.")
        writer.sample("produced_bytes_total", metrics.produced.bytes)
        writer.family(
            "produce_errors_total", .counter,
            "Records of clients that were not sent, by the reason; unknown: they may be stored.")
        for (reason, count) in metrics.produced.failed.sorted(by: { $0.key < $1.key }) {
            writer.sample("produce_errors_total", count, [("reason", reason)])
        }
        writer.family(
            "produce_repeated_total", .counter,
            "Commands with an id that was remembered, answered and not done again.")
        writer.sample("produce_repeated_total", metrics.produced.repeated)
        writer.family("producing_records", .gauge, "Records of clients that wait for Kafka.")
        writer.sample("producing_records", metrics.producingRecords)
        writer.family("producing_bytes", .gauge, "The same in bytes.")
        writer.sample("producing_bytes", metrics.producingBytes)
    }

    private static func cache(_ writer: inout PrometheusWriter, _ metrics: GatewayMetrics) {
        writer.family("cache_bytes", .gauge, "What the record caches take.")
        writer.sample("cache_bytes", metrics.cacheBytes)
        writer.family(
            "cache_lent_bytes", .gauge, "What was evicted and the host's Kafka clients still have.")
        writer.sample("cache_lent_bytes", metrics.cacheLentBytes)
        writer.family("cache_hits_total", .counter, "Reads answered from the cache.")
        writer.sample("cache_hits_total", metrics.cacheHits)
        writer.family("cache_misses_total", .counter, "Reads that asked a broker.")
        writer.sample("cache_misses_total", metrics.cacheMisses)
    }
}
