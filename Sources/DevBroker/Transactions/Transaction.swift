import Timing

/// A transactional id with its producer, as the coordinator keeps it (KIP-98).
final class Transaction {
    enum State: Equatable {
        case empty
        case ongoing
        /// The coordinator has decided and writes the markers: nothing new may begin.
        case ending(committed: Bool)
        case ended(committed: Bool)
    }

    struct OffsetCommit {
        let groupID: String
        let topic: String
        let partition: Int32
        let offset: GroupOffset
    }

    let id: String
    var producerID: Int64
    var producerEpoch: Int16
    /// Whoever had the id before its last bump, and may not know of the new epoch because an answer
    /// was lost; nil if another producer took the id over.
    var previous: (producerID: Int64, epoch: Int16)?
    var timeoutMilliseconds: Int64
    var state = State.empty
    /// In the order in which they joined the transaction.
    var partitions: [Partition] = []
    /// Groups whose offsets it may commit.
    var groups: Set<String> = []
    var offsets: [OffsetCommit] = []
    /// When an open transaction is aborted.
    var deadline: Instant?

    /// Id and epoch that the markers carry.
    var marker: (producerID: Int64, epoch: Int16) = (-1, -1)

    init(id: String, producerID: Int64, producerEpoch: Int16, timeoutMilliseconds: Int64) {
        self.id = id
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    func was(_ producerID: Int64, _ epoch: Int16) -> Bool {
        previous.map { $0.producerID == producerID && $0.epoch == epoch } ?? false
    }

    func contains(_ partition: Partition) -> Bool { partitions.contains { $0 === partition } }

    func add(_ partition: Partition) {
        if !contains(partition) { partitions.append(partition) }
    }
}
