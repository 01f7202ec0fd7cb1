import Compression
import GatewayCore
import KafkaProducing
import Testing

/// The settings of the host's own producers.
@Suite struct DirectProducerSettingsTests {
    private func parse(_ text: String) throws -> DirectProducerSettings {
        try text.withRawBytes { try DirectProducerSettings.parse($0) }
    }

    @Test("without settings they are Kafka's own")
    func defaults() throws {
        var expected = ProducerSettings()
        // The host's calls are what is bounded.
        expected.bufferBytes = .max / 2
        let settings = try parse("{}")
        #expect(settings.producer == expected)
        #expect(settings.bufferBytes == 32 << 20 && settings.reports == .all)
    }

    @Test(
        "names are Kafka's, with dots or underscores, or those of a route",
        arguments: [
            #"{"batch.size":5000,"buffer.memory":100000,"max.request.size":9000,"#
                + #""compression.type":"zstd","enable.idempotence":false,"linger.ms":7}"#,
            #"{"batch_size":5000,"buffer_memory":100000,"max_request_size":9000,"#
                + #""compression_type":"zstd","enable_idempotence":false,"linger_ms":7}"#,
            #"{"batch_bytes":5000,"buffer_bytes":100000,"max_message_bytes":9000,"#
                + #""compression":"zstd","idempotence":false,"linger_ms":7}"#,
        ])
    func names(_ text: String) throws {
        let settings = try parse(text)
        #expect(settings.producer.batchBytes == 5_000 && settings.bufferBytes == 100_000)
        #expect(settings.producer.recordBytesMax == 9_000)
        #expect(settings.producer.requestBytesMax == 9_000)
        #expect(settings.producer.compression == .zstd)
        #expect(!settings.producer.isIdempotent && settings.producer.acks == .all)
        #expect(settings.producer.lingerMilliseconds == 7)
    }

    @Test func acknowledgements() throws {
        let all = try parse(#"{"acks":"all"}"#).producer
        #expect(all.acks == .all && all.isIdempotent)
        #expect(try parse(#"{"acks":-1}"#).producer.acks == .all)
        let leader = try parse(#"{"acks":1}"#).producer
        #expect(leader.acks == .leader && !leader.isIdempotent)
        #expect(try parse(#"{"acks":"leader"}"#).producer == leader)
        #expect(try parse(#"{"acks":"none"}"#).producer.acks == .none)
        // The words of a route.
        #expect(try parse(#"{"acks":"LeaderOnly"}"#).producer == leader)
        #expect(try parse(#"{"acks":"All"}"#).producer == all)
        #expect(try parse(#"{"acks":"None"}"#).producer.acks == .none)
    }

    @Test func rest() throws {
        let settings = try parse(
            #"{"transactional.id":"x","transaction.timeout.ms":5000,"max.block.ms":7,"#
                + #""retries":3,"#
                + #""retry.backoff.ms":2000,"request.timeout.ms":1000,"delivery.timeout.ms":2000,"#
                + #""max.in.flight.requests.per.connection":2,"partitioner":"fnv1a","#
                + #""partitioner.adaptive.partitioning.enable":false,"#
                + #""partitioner.availability.timeout.ms":9,"#
                + #""topic.metadata.propagation.max.ms":8,"delivery_events":"failures","#
                + #""flush":{"messages":10,"max_messages":20},"compression.lz4.level":17,"#
                + #""compression.gzip.level":3,"compression.type":"gzip"}"#)
        let producer = settings.producer
        #expect(producer.transactionalID == "x")
        #expect(producer.transactionTimeoutMilliseconds == 5_000)
        #expect(producer.blockMillisecondsMax == 7)
        #expect(producer.retriesMax == 3 && producer.retryBackoffMaxMilliseconds == 2_000)
        #expect(producer.requestTimeoutMilliseconds == 1_000)
        #expect(producer.deliveryTimeoutMilliseconds == 2_000)
        #expect(producer.requestsInFlightMax == 2 && producer.partitioner == .fnv1a)
        #expect(!producer.isAdaptive && producer.availabilityTimeoutMilliseconds == 9)
        #expect(producer.propagationMilliseconds == 8 && settings.reports == .failures)
        #expect(producer.triggers.records == 10 && producer.triggers.recordsMax == 20)
        #expect(producer.compression == .gzip && producer.compressionLevel == 3)
    }

    @Test(
        "what is wrong is told with key and range",
        arguments: [
            (#"{"linger.ms":86400001}"#, "linger.ms", "0 to 86400000"),
            (#"{"batch_size":-1}"#, "batch_size", "0 to 1073741824"),
            (#"{"acks":2}"#, "acks", "leader (1)"),
            (#"{"acks":1,"idempotence":true}"#, "idempotence", "acks of all"),
            (#"{"acks":0,"transactional_id":"x"}"#, "transactional_id", "idempotence"),
            (#"{"transactional.id":""}"#, "transactional.id", "1 to 32767"),
            (#"{"linger.ms":1,"linger_ms":2}"#, "linger.ms", "linger_ms"),
            (#"{"compression":"rar"}"#, "compression", "none, gzip, snappy, lz4, zstd"),
            (#"{"compression.zstd.level":23}"#, "compression.zstd.level", "-131072 to 22"),
            (#"{"delivery.timeout.ms":30004}"#, "delivery.timeout.ms", "30005"),
            (#"{"delivery_events":"some"}"#, "delivery_events", "all, failures, none"),
            (#"{"max_block_ms":0}"#, "max_block_ms", "1 to 86400000"),
            (#"{"max_blocks_ms":5}"#, "max_blocks_ms", "unknown key"),
            (#"{"flush":{"often":5}}"#, "flush.often", "unknown key"),
        ])
    func wrong(_ text: String, _ key: String, _ reason: String) throws {
        do {
            _ = try parse(text)
            Issue.record("taken: \(text)")
        } catch let error as ConfigurationError {
            #expect(error.key == key)
            #expect(error.reason.contains(reason), "\(error)")
        }
    }
}
