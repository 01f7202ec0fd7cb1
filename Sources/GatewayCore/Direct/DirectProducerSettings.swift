import Compression
import JSON
import KafkaProducing

/// How a host's producer sends.
public struct DirectProducerSettings: Equatable, Sendable {
    /// Which reports are events.
    public enum Reports: String, CaseIterable, Sendable {
        case all, failures, none
    }

    public var producer = ProducerSettings()
    public var reports = Reports.all
    /// Bytes of records whose reports the host has not taken; what Kafka calls `buffer.memory`.
    public var bufferBytes = 32 << 20

    public init() {}

    /// Bytes of key, value and headers that one record may have.
    public var recordBytesMax: Int {
        min(producer.recordBytesMax, bufferBytes) - Self.batchHeaderBytes
    }

    /// What Kafka counts beside a record.
    private static let batchHeaderBytes = 61
}

extension DirectProducerSettings {
    /// The names are Kafka's, as they stand ("linger.ms") or with "_" for "."; those of a route's
    /// `producer` are understood beside them.
    public static func parse(
        _ json: UnsafeRawBufferPointer
    ) throws(ConfigurationError) -> DirectProducerSettings {
        var (reader, _) = try ConfigurationReader.document(json)
        var settings = DirectProducerSettings()
        try settings.readSafety(&reader)
        try settings.readSizes(&reader)
        try settings.readTimes(&reader)
        try settings.readRetries(&reader)
        try settings.readCompression(&reader)
        try settings.readChoices(&reader)
        try reader.end()
        return settings
    }

    // MARK: Parts

    private static let milliseconds: ClosedRange<Int64> = 0...86_400_000
    private static let bytes = 0...(1 << 30)

    private mutating func readSafety(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        if let (key, value) = try reader.first("acks") {
            guard let acks = Acknowledgement(configured: value) else {
                throw reader.fault(key, "expected all (-1), leader (1) or none (0)")
            }
            producer.acks = acks
        }
        producer.isIdempotent = producer.acks == .all
        let key = try reader.spelling("enable.idempotence", "idempotence")
        if let wanted = try reader.bool(key) {
            guard !wanted || producer.acks == .all else {
                throw reader.fault(key, "needs acks of all (KIP-98)")
            }
            producer.isIdempotent = wanted
        }
        try readTransactions(&reader)
    }

    private mutating func readTransactions(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        let key = try reader.spelling("transactional.id")
        if let id = try reader.string(key) {
            guard !id.isEmpty, id.utf8.count <= Int(Int16.max) else {
                throw reader.fault(key, "expected 1 to \(Int16.max) bytes")
            }
            guard producer.isIdempotent else {
                throw reader.fault(key, "needs acks of all and enable.idempotence (KIP-98)")
            }
            producer.transactionalID = id
        }
        let timeout = try reader.spelling("transaction.timeout.ms")
        if let time = try reader.integer(timeout, 1...Int64(Int32.max)) {
            producer.transactionTimeoutMilliseconds = Int32(time)
        }
        let block = try reader.spelling("max.block.ms")
        if let time = try reader.integer(block, 1...Self.milliseconds.upperBound) {
            producer.blockMillisecondsMax = time
        }
    }

    private mutating func readSizes(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        let batch = try reader.spelling("batch.size", "batch_bytes")
        producer.batchBytes = try reader.count(batch, Self.bytes) ?? producer.batchBytes
        let request = try reader.spelling("max.request.size", "max_message_bytes")
        let requestBytes = 1_000...Self.bytes.upperBound
        if let bytes = try reader.count(request, requestBytes) {
            producer.recordBytesMax = bytes
            producer.requestBytesMax = bytes
        }
        producer.requestBytesMax = max(producer.requestBytesMax, producer.batchBytes)
        let buffer = try reader.spelling("buffer.memory", "buffer_bytes")
        bufferBytes = try reader.count(buffer, 1_000...(1 << 40)) ?? bufferBytes
        // Ours is counted where the host calls.
        producer.bufferBytes = .max / 2
    }

    private mutating func readTimes(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        let linger = try reader.spelling("linger.ms")
        producer.lingerMilliseconds =
            try reader.integer(linger, Self.milliseconds) ?? producer.lingerMilliseconds
        try readFlush(&reader)
        let positive = 1...Self.milliseconds.upperBound
        let request = try reader.spelling("request.timeout.ms")
        if let time = try reader.integer(request, positive) {
            producer.requestTimeoutMilliseconds = Int32(time)
        }
        let delivery = try reader.spelling("delivery.timeout.ms")
        let least = producer.wait + Int64(producer.requestTimeoutMilliseconds)
        if let time = try reader.integer(delivery, positive) {
            guard time >= least else {
                throw reader.fault(
                    delivery, "less than linger.ms and request.timeout.ms together (\(least))")
            }
            producer.deliveryTimeoutMilliseconds = time
        } else {
            producer.deliveryTimeoutMilliseconds = max(
                producer.deliveryTimeoutMilliseconds, least)
        }
        let unknown = try reader.spelling("topic.metadata.propagation.max.ms")
        producer.propagationMilliseconds =
            try reader.integer(unknown, Self.milliseconds) ?? producer.propagationMilliseconds
    }

    private mutating func readFlush(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        guard var flush = try reader.reader("flush") else { return }
        let counts = 0...(1 << 30)
        producer.triggers.bytes = try flush.count("bytes", counts) ?? 0
        producer.triggers.records = try flush.count("messages", counts) ?? 0
        producer.triggers.milliseconds = try flush.integer("frequency_ms", Self.milliseconds) ?? 0
        producer.triggers.recordsMax = try flush.count("max_messages", counts) ?? 0
        try flush.end()
    }

    private mutating func readRetries(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        let retries = try reader.spelling("retries")
        producer.retriesMax = try reader.count(retries, 0...Int(Int32.max)) ?? producer.retriesMax
        let backoff = try reader.spelling("retry.backoff.ms")
        producer.retryBackoffMilliseconds =
            try reader.integer(backoff, Self.milliseconds) ?? producer.retryBackoffMilliseconds
        let longest = try reader.spelling("retry.backoff.max.ms")
        producer.retryBackoffMaxMilliseconds =
            try reader.integer(longest, Self.milliseconds) ?? producer.retryBackoffMaxMilliseconds
        // Kafka's client takes the first for the longest, too, if that is the longer.
        producer.retryBackoffMaxMilliseconds = max(
            producer.retryBackoffMaxMilliseconds, producer.retryBackoffMilliseconds)
        let inFlight = try reader.spelling("max.in.flight.requests.per.connection")
        producer.requestsInFlightMax =
            try reader.count(inFlight, 1...5) ?? producer.requestsInFlightMax
    }

    private mutating func readCompression(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        let key = try reader.spelling("compression.type", "compression")
        if let name = try reader.string(key) {
            guard let codec = Codec.allCases.first(where: { $0.name == name }) else {
                let names = Codec.allCases.map(\.name).joined(separator: ", ")
                throw reader.fault(key, "expected one of \(names), got \"\(name)\"")
            }
            producer.compression = codec
        }
        for codec in Codec.allCases {
            guard let levels = codec.levels else { continue }
            let key = try reader.spelling("compression.\(codec.name).level")
            let range = Int64(levels.lowerBound)...Int64(levels.upperBound)
            guard let level = try reader.integer(key, range) else { continue }
            if codec == producer.compression { producer.compressionLevel = Int32(level) }
        }
    }

    private mutating func readChoices(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        if let name = try reader.string("partitioner") {
            guard let partitioner = Partitioner(rawValue: name) else {
                let names = Partitioner.allCases.map(\.rawValue).joined(separator: ", ")
                throw reader.fault("partitioner", "expected one of \(names), got \"\(name)\"")
            }
            producer.partitioner = partitioner
        }
        let adaptive = try reader.spelling("partitioner.adaptive.partitioning.enable")
        producer.isAdaptive = try reader.bool(adaptive) ?? producer.isAdaptive
        let availability = try reader.spelling("partitioner.availability.timeout.ms")
        producer.availabilityTimeoutMilliseconds =
            try reader.integer(availability, Self.milliseconds)
            ?? producer.availabilityTimeoutMilliseconds
        if let name = try reader.string("delivery_events") {
            guard let reports = Reports(rawValue: name) else {
                let names = Reports.allCases.map(\.rawValue).joined(separator: ", ")
                throw reader.fault("delivery_events", "expected one of \(names), got \"\(name)\"")
            }
            self.reports = reports
        }
    }
}

extension ConfigurationReader {
    /// Which of a setting's names the object has: Kafka's, with "_" for ".", or another one. Two of
    /// them at once would be two answers.
    fileprivate mutating func spelling(
        _ name: String, _ others: String...
    ) throws(ConfigurationError) -> String {
        let plain = String(
            decoding: name.utf8.map { $0 == UInt8(ascii: ".") ? UInt8(ascii: "_") : $0 },
            as: UTF8.self)
        let names = name == plain ? [plain] + others : [plain, name] + others
        let present = names.filter(holds)
        if present.count > 1 {
            throw fault(present[1], "stands beside \"\(present[0])\", which is the same setting")
        }
        return present.first ?? plain
    }

    fileprivate mutating func first(
        _ name: String
    ) throws(ConfigurationError) -> (key: String, value: JSONValue)? {
        let key = try spelling(name)
        return value(key).map { (key, $0) }
    }
}
