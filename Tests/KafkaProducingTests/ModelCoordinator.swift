import KafkaProducing

/// A transactional id as its coordinator keeps it, after Kafka's `TransactionCoordinator`.
final class ModelCoordinator {
    private(set) var identity: ProducerIdentity?
    /// Before the last step: a step whose answer was lost is asked for again with it.
    private var previous: ProducerIdentity?
    private var isOpen = false
    private var lastWasCommit: Bool?
    private var enrolled: Set<String> = []
    private var nextID: Int64 = 5_000
    /// The feature, which may change at any time.
    var isV2 = false
    /// Of new ids.
    var startEpoch: Int16 = 0
    private(set) var commits = 0

    /// Whether a batch of the partition belongs to the transaction that is open. Transactions of
    /// the second kind begin with it.
    func enrols(_ partition: String, _ id: Int64, _ epoch: Int16, isV2 asksForIt: Bool) -> Bool {
        guard identity == ProducerIdentity(id: id, epoch: epoch) else { return false }
        if isV2 && asksForIt {
            enrolled.insert(partition)
            isOpen = true
        }
        return isOpen && enrolled.contains(partition)
    }

    func answer(
        _ request: TransactionRequest, _ partitions: [ModelPartition]
    ) -> TransactionAnswer {
        switch request {
        case .findCoordinator: return TransactionAnswer(code: 0)
        case .initialize(_, _, let current): return initialize(current, partitions)
        case .addPartitions(_, let asking, let added):
            guard asking == identity else { return TransactionAnswer(code: 47) }
            isOpen = true
            enrolled.formUnion(added.map { "\($0.topic)-\($0.partition)" })
            return TransactionAnswer(code: 0)
        case .end(_, let asking, let commits, let isV2):
            return end(asking, commits: commits, isV2: isV2, partitions)
        }
    }

    private func initialize(
        _ current: ProducerIdentity, _ partitions: [ModelPartition]
    ) -> TransactionAnswer {
        guard let known = identity else {
            begin()
            return TransactionAnswer(code: 0, identity: identity)
        }
        if current.id >= 0, current == previous {
            return TransactionAnswer(code: 0, identity: known)
        }
        guard current.id < 0 || current == known else { return TransactionAnswer(code: 90) }
        raise()
        if isOpen { finish(commits: false, partitions, known) }
        lastWasCommit = nil
        return TransactionAnswer(code: 0, identity: identity)
    }

    private func begin() {
        nextID += 1
        identity = ProducerIdentity(id: nextID, epoch: startEpoch)
    }

    private func raise() {
        guard let known = identity else { return }
        previous = known
        if known.epoch < .max - 1 {
            identity = ProducerIdentity(id: known.id, epoch: known.epoch + 1)
        } else {
            begin()
        }
    }

    private func finish(
        commits: Bool, _ partitions: [ModelPartition], _ old: ProducerIdentity
    ) {
        guard let new = identity else { return }
        let epoch = new.id == old.id ? new.epoch : old.epoch
        for partition in partitions where enrolled.contains(partition.name) {
            partition.mark(old.id, epoch, commits: commits)
        }
        enrolled = []
        isOpen = false
        if commits { self.commits += 1 }
    }

    private func end(
        _ asking: ProducerIdentity, commits: Bool, isV2: Bool, _ partitions: [ModelPartition]
    ) -> TransactionAnswer {
        guard let known = identity else { return TransactionAnswer(code: 49) }
        guard self.isV2 || !isV2 else { return TransactionAnswer(code: 48) }
        if isV2, asking == previous, lastWasCommit == commits {
            return TransactionAnswer(code: 0, identity: known)
        }
        guard asking == known else { return TransactionAnswer(code: 47) }
        guard isOpen else {
            if isV2 && !commits {
                raise()
                lastWasCommit = false
                return TransactionAnswer(code: 0, identity: identity)
            }
            return TransactionAnswer(code: !isV2 && lastWasCommit == commits ? 0 : 48)
        }
        if isV2 { raise() }
        finish(commits: commits, partitions, known)
        lastWasCommit = commits
        return TransactionAnswer(code: 0, identity: isV2 ? identity : nil)
    }
}
