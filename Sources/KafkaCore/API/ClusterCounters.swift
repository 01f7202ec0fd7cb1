import Timing

/// Totals since the cluster began; the driver turns them into metrics.
public struct ClusterCounters: Sendable {
    /// Requests sent, by API key.
    public var requests: [Int16: UInt64] = [:]
    /// From a request to its response, by API key.
    public var requestTimes: [Int16: Histogram] = [:]
    /// Responses (or their partitions) that carried an error, by Kafka error code.
    public var errors: [Int16: UInt64] = [:]
    public var connectionsOpened: UInt64 = 0
    /// Connections that ended without our closing them.
    public var connectionsLost: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    public var recordsDecoded: UInt64 = 0
    public var readsFromCache: UInt64 = 0
    public var readsFromBroker: UInt64 = 0

    public init() {}
}
