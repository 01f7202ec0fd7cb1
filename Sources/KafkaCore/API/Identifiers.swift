import Timing

/// One TCP connection to a broker. Unique within a loop and never used again.
public struct BrokerConnectionID: OwnNumber, Sendable {
    public let raw: UInt64
    public init(raw: UInt64) { self.raw = raw }
}

/// Hands out connection ids to all clusters of one loop.
public final class BrokerConnectionIDs {
    private var last: UInt64 = 0
    public init() {}

    public func next() -> BrokerConnectionID {
        last += 1
        return BrokerConnectionID(raw: last)
    }
}

/// The caller's name for one read. Unique among the reads that a cluster has not finished.
public struct ReadToken: OwnNumber, Sendable {
    public let raw: UInt64
    public init(raw: UInt64) { self.raw = raw }
}

/// The caller's name for one offset or metadata look-up, in a number space of its own.
public struct RequestToken: OwnNumber, Sendable {
    public let raw: UInt64
    public init(raw: UInt64) { self.raw = raw }
}

/// A producer of a cluster's client. Unique within its cluster and never used again.
public struct ProducerID: OwnNumber, Sendable {
    public let raw: UInt64
    public init(raw: UInt64) { self.raw = raw }
}
