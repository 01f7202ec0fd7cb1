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
    public var bytesReceived: UInt64 = 0
    public var recordsDecoded: UInt64 = 0
    public var readsFromCache: UInt64 = 0
    public var readsFromBroker: UInt64 = 0

    public init() {}

    mutating func ended(_ apiKey: Int16, _ result: RequestEnding.Result) {
        endings[RequestEnding(apiKey: apiKey, result), default: 0] += 1
    }
}
