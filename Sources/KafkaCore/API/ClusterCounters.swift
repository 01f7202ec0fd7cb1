import KafkaProtocol
import Timing

/// Totals since the cluster began; the driver turns them into metrics.
public struct ClusterCounters: Sendable {
    /// Requests sent, by API key.
    public var requests: [Int16: UInt64] = [:]
    /// Requests that have ended: once each, or not yet while they are in flight.
    public var endings: [RequestEnding: UInt64] = [:]
    /// From a request to its response, by API key.
    public var requestTimes: [Int16: Histogram] = [:]
    /// Errors by Kafka error code: those that responses told of their partitions, each, and those
    /// of records that could not be read.
    public var errors: [Int16: UInt64] = [:]
    public var connectionsOpened: UInt64 = 0
    /// Pauses before something was tried again.
    public var retries: [RetryKind: UInt64] = [:]
    /// Connections that ended without our closing them.
    public var connectionsLost: UInt64 = 0
    /// Connections opened in place of lost ones, every attempt.
    public var reconnects: UInt64 = 0
    /// Responses with which brokers asked for a pause, and the pauses, as far as they are kept to.
    public var throttles: UInt64 = 0
    public var throttledMilliseconds: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    public var recordsDecoded: UInt64 = 0
    public var readsFromCache: UInt64 = 0
    public var readsFromBroker: UInt64 = 0

    public init() {}

    mutating func ended(_ apiKey: Int16, _ result: RequestEnding.Result) {
        var result = result
        if case .answered(let code) = result { result = .answered(Self.counted(code)) }
        endings[RequestEnding(apiKey: apiKey, result), default: 0] += 1
    }

    mutating func failed(_ code: Int16) { errors[Self.counted(code), default: 0] += 1 }

    /// All codes that are newer than our table count as one: a broker has 65,536 of them to tell,
    /// and each would be a line of the metrics.
    public static let otherCode = Int16.max

    private static func counted(_ code: Int16) -> Int16 {
        KafkaError(code).isKnown ? code : otherCode
    }
}
