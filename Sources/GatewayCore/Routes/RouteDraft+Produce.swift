import Compression
import JSON
import KafkaProducing

/// `producer`, `headers`, and what `commands` and `topics.produce` have to agree in.
extension RouteDraft {
    mutating func readProduce(_ reader: inout ConfigurationReader) throws(ConfigurationError) {
        let mayProduce = policy.commands.contains(.produce)
        if mayProduce, policy.produce.topics.allow.isEmpty {
            throw reader.fault(
                "commands",
                "produce needs topics.produce.allow: the topics that clients may write to")
        }
        policy.produce.headers = try AddedHeader.parse(&reader)
        try readProducer(&reader)
        guard !mayProduce else { return }
        for key in ["producer", "headers"] where reader.has(key) {
            notes.append("pubsub.\(key): has no effect without produce in commands")
        }
        if !policy.produce.topics.allow.isEmpty {
            notes.append("pubsub.topics.produce: has no effect without produce in commands")
        }
    }

    private mutating func readProducer(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        guard var producer = try reader.reader("producer") else { return }
        try readSafety(&producer)
        try readSizes(&producer)
        try readTimes(&producer)
        try readFlush(&producer)
        try readChoices(&producer)
        let produce = policy.produce
        policy.produce.clientAcks = try producer.bool("client_acks") ?? produce.clientAcks
        policy.produce.clientPartition =
            try producer.bool("client_partition") ?? produce.clientPartition
        policy.produce.clientTimestamp =
            try producer.bool("client_timestamp") ?? produce.clientTimestamp
        // A day, and as much as a gateway may remember.
        policy.produce.idWindowMilliseconds =
            try producer.integer("id_window_ms", Self.milliseconds) ?? produce.idWindowMilliseconds
        policy.produce.idWindowCount =
            try producer.count("id_window_count", 0...100_000) ?? produce.idWindowCount
        try producer.end()
        if policy.produce.settings.partitioner == .manual, !policy.produce.clientPartition {
            throw reader.fault(
                "producer",
                "the partitioner manual needs client_partition: somebody has to choose")
        }
    }

    /// `acks` and `idempotence`.
    private mutating func readSafety(
        _ producer: inout ConfigurationReader
    ) throws(ConfigurationError) {
        let acks = try readAcks(&producer)
        let idempotence = try producer.bool("idempotence") ?? false
        if idempotence, acks == .leader {
            throw producer.fault("idempotence", "needs acks of all (KIP-98)")
        }
        policy.produce.settings.isIdempotent = idempotence
        policy.produce.settings.acks = idempotence ? .all : acks ?? .leader
    }

    private func readAcks(
        _ producer: inout ConfigurationReader
    ) throws(ConfigurationError) -> Acknowledgement? {
        guard let value = producer.value("acks") else { return nil }
        guard let acks = Acknowledgement(configured: value) else {
            throw producer.fault("acks", "expected leader (1, LeaderOnly) or all (-1, All)")
        }
        guard acks != .none else {
            throw producer.fault(
                "acks", "expected leader or all: with none no client would learn of a loss")
        }
        return acks
    }

    private mutating func readSizes(
        _ producer: inout ConfigurationReader
    ) throws(ConfigurationError) {
        var settings = policy.produce.settings
        if let bytes = try producer.count("max_message_bytes", Self.bytes) {
            settings.recordBytesMax = bytes
        }
        if let bytes = try producer.count("batch_bytes", Self.bytes) { settings.batchBytes = bytes }
        if let bytes = try producer.count("buffer_bytes", Self.bytes) {
            settings.bufferBytes = bytes
        }
        guard settings.bufferBytes >= settings.recordBytesMax else {
            throw producer.fault(
                "buffer_bytes", "less than max_message_bytes (\(settings.recordBytesMax))")
        }
        // One request has room for the largest record.
        settings.requestBytesMax = max(
            settings.requestBytesMax, settings.recordBytesMax, settings.batchBytes)
        policy.produce.settings = settings
    }

    private mutating func readTimes(
        _ producer: inout ConfigurationReader
    ) throws(ConfigurationError) {
        var settings = policy.produce.settings
        let positive = 1...Self.milliseconds.upperBound
        if let time = try producer.integer("linger_ms", Self.milliseconds) {
            settings.lingerMilliseconds = time
        }
        if let time = try producer.integer("request_timeout_ms", positive) {
            settings.requestTimeoutMilliseconds = Int32(time)
        }
        if let time = try producer.integer("delivery_timeout_ms", positive) {
            settings.deliveryTimeoutMilliseconds = time
        }
        policy.produce.settings = settings
    }

    /// The connector document's four, which are Sarama's `Producer.Flush`. Kafka's rule for the
    /// three times comes behind them, as they are one of the waits.
    private mutating func readFlush(
        _ producer: inout ConfigurationReader
    ) throws(ConfigurationError) {
        var settings = policy.produce.settings
        if var flush = try producer.reader("flush") {
            settings.triggers.bytes = try flush.count("bytes", 0...(1 << 30)) ?? 0
            settings.triggers.records = try flush.count("messages", Self.counts) ?? 0
            settings.triggers.milliseconds =
                try flush.integer("frequency_ms", Self.milliseconds) ?? 0
            settings.triggers.recordsMax = try flush.count("max_messages", Self.counts) ?? 0
            try flush.end()
        }
        let least = settings.wait + Int64(settings.requestTimeoutMilliseconds)
        guard settings.deliveryTimeoutMilliseconds >= least else {
            throw producer.fault(
                "delivery_timeout_ms",
                "less than the wait for a batch (linger_ms, or flush's) and request_timeout_ms"
                    + " together (\(least))")
        }
        policy.produce.settings = settings
    }

    private mutating func readChoices(
        _ producer: inout ConfigurationReader
    ) throws(ConfigurationError) {
        if let name = try producer.string("compression") {
            guard let codec = Codec.allCases.first(where: { $0.name == name }) else {
                let names = Codec.allCases.map(\.name).joined(separator: ", ")
                throw producer.fault("compression", "expected one of \(names), got \"\(name)\"")
            }
            policy.produce.settings.compression = codec
        }
        if let name = try producer.string("partitioner") {
            guard let partitioner = Partitioner(rawValue: name) else {
                let names = Partitioner.allCases.map(\.rawValue).joined(separator: ", ")
                throw producer.fault("partitioner", "expected one of \(names), got \"\(name)\"")
            }
            policy.produce.settings.partitioner = partitioner
        }
    }
}

extension Acknowledgement {
    /// In the words of Kafka, of the connector document, and as numbers.
    init?(configured value: JSONValue) {
        switch value.string ?? value.int64.map(String.init) {
        case "all", "-1", "All": self = .all
        case "leader", "1", "LeaderOnly": self = .leader
        case "none", "0", "None": self = .none
        default: return nil
        }
    }
}
