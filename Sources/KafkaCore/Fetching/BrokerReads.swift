import Timing

/// What is read from one broker: the partitions that it is asked about next, and its long polls.
final class BrokerReads: BrokerEntry {
    let broker: Broker
    /// Partitions with demands that may be sent, in turn; the favoured ones go first.
    private(set) var queue = SlotList<PartitionReads>()
    private(set) var favoured = SlotList<PartitionReads>()
    private(set) var tails: [TailReader] = []
    /// What it tells of and was not asked for.
    var unexpected = Trouble()
    var isActive = false

    init(_ broker: Broker, retryMaxMilliseconds: Int64) {
        self.broker = broker
        tails = Isolation.allCases.map {
            TailReader(self, $0, retryMaxMilliseconds: retryMaxMilliseconds)
        }
    }

    func tail(_ isolation: Isolation) -> TailReader { tails[Int(isolation.rawValue)] }

    /// Somebody waits for it, or its tail is in use.
    var hasWork: Bool {
        hasQueue
            || tails.contains { !$0.follows.isEmpty || $0.fetch != nil || $0.session.isOpen }
    }

    // MARK: The queue

    var hasQueue: Bool { !queue.isEmpty || !favoured.isEmpty }
    var firstQueued: PartitionReads? { favoured.first ?? queue.first }

    func enqueue(_ partition: PartitionReads) {
        if partition.isStarved { favoured.append(partition) } else { queue.append(partition) }
    }

    /// It was taken out, and nothing was asked of it.
    func putBack(_ partition: PartitionReads) {
        if partition.isStarved { favoured.prepend(partition) } else { queue.prepend(partition) }
    }

    func dequeue(_ partition: PartitionReads) {
        if !queue.remove(partition) { favoured.remove(partition) }
    }
}
