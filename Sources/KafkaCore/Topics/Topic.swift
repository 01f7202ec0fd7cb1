import KafkaProtocol
import Timing

/// What is known of one topic. The metadata service alone writes it, and forgets topics that nobody
/// uses with the time.
final class Topic {
    enum State {
        case unknown
        case known
        case failed(KafkaFailure)
    }

    let name: String
    /// In the order in which topics were named.
    var number: UInt64 = 0
    /// Zero where the cluster has no topic ids (before 2.8).
    var id = KafkaUUID.zero
    var isInternal = false
    var state = State.unknown
    /// When the request was sent whose answer is known; nil: never asked.
    var askedAt: Instant?
    /// A metadata request asks for it, not before this moment; nil: nobody wants that.
    var wantedFrom: Instant?
    /// When the keeper looks at it, to ask again or to forget it.
    var lookAt: Instant?
    /// How many answers in a row left something to be desired: each makes the next wait longer.
    var fruitlessAnswers = 0
    /// Why the last answer told nothing of it; nil: it did.
    var trouble: KafkaFailure?
    var lastUsed: Instant
    var partitions: [Int32: Partition] = [:]
    /// The indexes of `partitions`, in order.
    var indexes: [Int32] = []
    /// How often in a row the cluster did not know a topic that it did know before.
    var disappearances = 0
    /// How often in a row an older leader epoch was told than before (KAFKA-9261 and re-creation).
    var rewinds = 0

    init(_ name: String, now: Instant) {
        self.name = name
        lastUsed = now
    }

    /// In the order of their indexes.
    var orderedPartitions: [Partition] { indexes.compactMap { partitions[$0] } }
}
