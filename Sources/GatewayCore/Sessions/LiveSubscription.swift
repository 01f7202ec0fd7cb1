import KafkaCore
import PubSubProtocol
import Timing

/// One CmdSubscribe: partitions that are followed under one credit.
final class LiveSubscription {
    let sequence: Int64
    let isolation: KafkaCore.Isolation
    /// Bytes of records in one push.
    let maxBytes: Int
    /// nil: no limit of that kind. Bytes may be overdrawn.
    var creditMessages: Int64?
    var creditBytes: Int64?
    var isPaused = false
    /// The CmdSubscribe, until its first reply has gone out: where each partition begins.
    var command: PendingCommand?
    var followed: [FollowedPartition] = []
    /// Topics of which all partitions are followed, those to come too.
    var wholeTopics: [WholeTopic] = []
    /// Look-ups in flight, for the start or for partitions that came later.
    var lookUps: Set<RequestToken> = []
    /// When `wholeTopics` are looked at again.
    var refreshesAt = Instant.distantFuture

    /// The largest push (a single larger record goes alone).
    static let pushBytesMax = 64 << 10
    static let refreshMilliseconds: Int64 = 60_000

    init(
        sequence: Int64, isolation: KafkaCore.Isolation, maxBytes: Int, creditMessages: Int64?,
        creditBytes: Int64?
    ) {
        self.sequence = sequence
        self.isolation = isolation
        self.maxBytes = maxBytes
        self.creditMessages = creditMessages
        self.creditBytes = creditBytes
    }

    var hasCredit: Bool { creditMessages ?? 1 > 0 && creditBytes ?? 1 > 0 }
    var isRunning: Bool { command == nil && !isPaused && hasCredit }

    /// Bytes to ask for: a record is pushed while any credit is left, and may overdraw it.
    var askBytes: Int {
        guard let creditBytes else { return maxBytes }
        return Int(min(Int64(maxBytes), max(1, creditBytes)))
    }

    func spend(records: Int, bytes: Int) {
        creditMessages = creditMessages.map { $0 - Int64(records) }
        creditBytes = creditBytes.map { $0 - Int64(bytes) }
    }

    /// Saturates: a client may grant all there is, again and again.
    func grant(messages: Int64, bytes: Int64) {
        creditMessages = creditMessages.map { Self.sum($0, messages) }
        creditBytes = creditBytes.map { Self.sum($0, bytes) }
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}

/// A topic that is followed with all its partitions.
struct WholeTopic {
    let topic: String
    let start: PubSubProtocol.Subscription.Start
}

/// One partition of a subscription: an offset, and the read that waits there.
final class FollowedPartition {
    let topic: String
    let partition: Int32
    /// The next offset to push; nil: not looked up yet.
    var offset: Int64?
    var read: ReadToken?
    /// Not followed any more.
    var isOver = false
    /// It has been at the partition's end, and was not held up by its client since then.
    var hasCaughtUp = false
    /// The client was told where it begins.
    var isAnnounced = false

    init(topic: String, partition: Int32, offset: Int64? = nil) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}
