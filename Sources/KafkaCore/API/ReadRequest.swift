import Timing

/// Records at or after an offset.
public struct ReadRequest: Sendable {
    public var topic: String
    public var partition: Int32
    public var offset: Int64
    /// Bytes of `KafkaMessage` fields, beyond which no record is added; the first record always
    /// comes, whatever its size.
    public var maxBytes: Int
    /// A read that waits is answered when so many bytes are there; 1 by default.
    public var minBytes: Int
    public var isolation: Isolation
    /// nil: answer at once, with `.empty` where nothing is. Later moments: wait for records until
    /// then.
    public var waitUntil: Instant?
    /// Whatever is there of the records will do, as the reader asks on by itself. Followers read
    /// so. Others get everything up to `maxBytes` or the end of the log.
    public var takesPart = false
    /// An outage of a cluster that has answered before, or an election, is waited out up to the
    /// request timeout; else such a failure is told at once. Followers wait as long as it takes.
    public var waitsOutTrouble = false
    /// The log that the reader has read before: it ends with UNKNOWN_TOPIC_ID if the partition has
    /// another one now. Known from `Cluster.log` and from slices.
    public var log: LogIdentity?
    /// Where to begin if the offset is not in the log.
    public var reset = OffsetReset.none
    /// What a follower has credit for.
    var recordsMax = Int.max

    public init(
        topic: String, partition: Int32, offset: Int64, maxBytes: Int, minBytes: Int = 1,
        isolation: Isolation = .readUncommitted, waitUntil: Instant? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.maxBytes = maxBytes
        self.minBytes = minBytes
        self.isolation = isolation
        self.waitUntil = waitUntil
    }
}
