import KafkaProtocol
import Timing

/// An incremental fetch session (KIP-227): the broker remembers which partitions a reader follows
/// and what it was told last, so that requests and answers hold only what changes.
final class FetchSession {
    struct Key: Hashable {
        /// The topic's name before version 13, its id from then on.
        let topic: String
        let topicID: KafkaUUID
        let partition: Int32
    }

    let id: Int32
    let usesTopicIDs: Bool
    /// What the next request has to carry.
    private(set) var epoch: Int32 = 1
    var lastUsed: Instant
    private(set) var partitions: [FetchedPartition]
    private var byKey: [Key: FetchedPartition] = [:]

    init(id: Int32, usesTopicIDs: Bool, partitions: [FetchedPartition], now: Instant) {
        self.id = id
        self.usesTopicIDs = usesTopicIDs
        self.partitions = []
        lastUsed = now
        for partition in partitions { put(partition) }
    }

    /// Adds a partition or changes what is asked of it.
    func put(_ partition: FetchedPartition) {
        if let known = byKey[partition.key] {
            known.update(from: partition)
        } else {
            byKey[partition.key] = partition
            partitions.append(partition)
        }
    }

    func forget(_ keys: [Key]) {
        guard !keys.isEmpty else { return }
        for key in keys { byKey[key] = nil }
        partitions.removeAll { byKey[$0.key] == nil }
    }

    /// Wraps to 1: 0 and -1 have a meaning of their own.
    func advanceEpoch() { epoch = epoch == .max ? 1 : epoch + 1 }

    /// Those that got records go behind the others, so that each has its turn under a limit.
    func rotate() {
        guard partitions.contains(where: \.hadRecords) else { return }
        partitions = partitions.filter { !$0.hadRecords } + partitions.filter(\.hadRecords)
        for partition in partitions { partition.hadRecords = false }
    }
}

/// A partition that a Fetch asks for.
final class FetchedPartition {
    let key: FetchSession.Key
    private(set) var offset: Int64
    private(set) var bytesMax: Int32
    private(set) var leaderEpoch: Int32
    private(set) var lastFetchedEpoch: Int32
    /// What the reader was told last; -1: nothing yet, or an error.
    private var toldHighWatermark: Int64 = -1
    private var toldLogStart: Int64 = -1
    var hadRecords = false

    init(key: FetchSession.Key, _ asked: FetchRequest.Partition) {
        self.key = key
        offset = asked.fetchOffset
        bytesMax = asked.partitionMaxBytes
        leaderEpoch = asked.currentLeaderEpoch
        lastFetchedEpoch = asked.lastFetchedEpoch
    }

    func update(from other: FetchedPartition) {
        offset = other.offset
        bytesMax = other.bytesMax
        leaderEpoch = other.leaderEpoch
        lastFetchedEpoch = other.lastFetchedEpoch
    }

    /// Whether the answer has anything that the reader does not know.
    func isNews(_ answer: FetchResponse.Partition) -> Bool {
        (answer.records?.count ?? 0) > 0 || answer.errorCode != 0
            || answer.highWatermark != toldHighWatermark || answer.logStartOffset != toldLogStart
            || answer.divergingEpoch != nil || answer.preferredReadReplica >= 0
    }

    func told(_ answer: FetchResponse.Partition) {
        hadRecords = (answer.records?.count ?? 0) > 0
        let isGood = answer.errorCode == 0 && answer.divergingEpoch == nil
        toldHighWatermark = isGood ? answer.highWatermark : -1
        toldLogStart = answer.logStartOffset
    }
}
