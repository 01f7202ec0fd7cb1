import KafkaProducing

/// What became of records that sessions have produced.
public struct ProduceCounts: Sendable {
    /// Acknowledged by Kafka.
    public var records: UInt64 = 0
    /// As they count in a producer's buffer.
    public var bytes: UInt64 = 0
    /// Records that were not sent, or of which nobody knows, by the reason.
    public var failed: [String: UInt64] = ["unknown": 0]
    /// Commands that were answered from the memory of their ids.
    public var repeated: UInt64 = 0

    mutating func add(_ report: DeliveryReport) {
        switch report.result {
        case .delivered:
            records &+= UInt64(report.tokens.count)
            bytes &+= UInt64(max(0, report.bufferBytes))
        case .failed(let failure):
            failed[ProduceTrouble.failed(failure).word, default: 0] += UInt64(report.tokens.count)
        }
    }

    mutating func add(_ other: ProduceCounts) {
        records &+= other.records
        bytes &+= other.bytes
        failed.merge(other.failed, uniquingKeysWith: +)
        repeated &+= other.repeated
    }
}

extension ProduceTrouble {
    /// As metrics name it.
    var word: String {
        switch self {
        case .hidden: "not_allowed"
        case .partitionChosen: "partition_not_allowed"
        case .timestampBrought: "timestamp_not_allowed"
        case .headerForged: "header_not_allowed"
        case .tooLarge, .tooManyTopics: "limit"
        case .failed(let failure): failure.mayBeStored ? "unknown" : failure.reason.word
        }
    }
}

extension ProduceFailure.Reason {
    fileprivate var word: String {
        switch self {
        case .tooLarge: "limit"
        case .invalid: "invalid"
        case .notFound: "not_found"
        case .notAuthorized: "not_authorized"
        case .timedOut: "timed_out"
        case .unavailable, .closed: "unavailable"
        case .fenced, .aborted, .kafka: "kafka"
        case .codecMissing: "codec_missing"
        }
    }
}
