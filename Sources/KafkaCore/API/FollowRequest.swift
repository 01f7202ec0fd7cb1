import Timing

/// What a follower is told of: the records of one partition from an offset on, without end.
public struct FollowRequest: Sendable {
    public var topic: String
    public var partition: Int32
    /// Of the first record.
    public var offset: Int64
    /// Bytes of `KafkaMessage` fields in one slice; a single larger record goes alone.
    public var maxBytes: Int
    public var isolation: Isolation
    /// The log that its owner has read before: the follower fails with UNKNOWN_TOPIC_ID if the
    /// partition has another one now. Known from `Cluster.log` and from followers that are over.
    public var log: LogIdentity?

    public init(
        topic: String, partition: Int32, offset: Int64, maxBytes: Int,
        isolation: Isolation = .readUncommitted, log: LogIdentity? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.maxBytes = maxBytes
        self.isolation = isolation
        self.log = log
    }
}

/// The owner's name for a follower, by which its effects find their way: the owner chooses it, and
/// nobody looks into it.
public struct FollowerTag: OwnNumber, Sendable {
    public let raw: UInt64
    public init(raw: UInt64) { self.raw = raw }
}
