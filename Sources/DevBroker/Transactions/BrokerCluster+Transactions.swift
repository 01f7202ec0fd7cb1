import KafkaMirror
import KafkaProtocol
import Timing

/// The transaction coordinator's rules.
extension BrokerCluster {
    func newProducerID() -> Int64 {
        defer { nextProducerID += 1 }
        return nextProducerID
    }

    /// The transaction of a producer that still owns its id.
    func transaction(
        _ id: String, producerID: Int64, epoch: Int16, fenced: KafkaError
    ) throws(KafkaError) -> Transaction {
        guard let transaction = transactions[id], transaction.producerID == producerID else {
            throw .invalidProducerIdMapping
        }
        guard transaction.producerEpoch == epoch else { throw fenced }
        return transaction
    }

    /// The transaction that a request to its coordinator is about.
    func coordinated(
        _ id: String, producerID: Int64, epoch: Int16, _ context: RequestContext
    ) throws(KafkaError) -> Transaction {
        if let code = context.injectedError() { throw KafkaError(code) }
        try checkCoordinator(of: id, context)
        return try transaction(
            id, producerID: producerID, epoch: epoch,
            fenced: context.version >= 2 ? .producerFenced : .invalidProducerEpoch)
    }

    func begin(_ transaction: Transaction, now: Instant) throws(KafkaError) {
        switch transaction.state {
        case .ongoing: return
        case .ending: throw .concurrentTransactions
        case .empty, .ended: break
        }
        transaction.state = .ongoing
        let deadline = now.adding(milliseconds: transaction.timeoutMilliseconds)
        transaction.deadline = deadline
        timers.add(.transaction(transaction.id), due: deadline)
    }

    /// Decides how a transaction ends; the markers follow at once, or after `markerMilliseconds`.
    func end(_ transaction: Transaction, committed: Bool, markerEpoch: Int16, now: Instant) {
        transaction.deadline = nil
        transaction.marker = (transaction.producerID, markerEpoch)
        transaction.state = .ending(committed: committed)
        guard markerMilliseconds > 0 else { return writeMarkers(transaction, now: now) }
        timers.add(.markers(transaction.id), due: now.adding(milliseconds: markerMilliseconds))
    }

    func markersDue(_ id: String, now: Instant) {
        if let transaction = transactions[id] { writeMarkers(transaction, now: now) }
    }

    /// Writes the markers and lets the committed offsets count.
    private func writeMarkers(_ transaction: Transaction, now: Instant) {
        guard case .ending(let committed) = transaction.state else { return }
        for partition in transaction.partitions {
            guard topics[partition.topic.name] === partition.topic else { continue }
            partition.end(
                producerID: transaction.marker.producerID, producerEpoch: transaction.marker.epoch,
                committed: committed, wallClock: wallClock(now))
            wake(partition)
        }
        for commit in transaction.offsets {
            let group = groups[commit.groupID]
            group?.pendingOffsets.removeAll { $0.producerID == transaction.marker.producerID }
            if committed { group?.commit(commit.topic, commit.partition, commit.offset) }
        }
        transaction.partitions = []
        transaction.groups = []
        transaction.offsets = []
        transaction.state = .ended(committed: committed)
    }

    /// A transaction that was open for too long is aborted. Its producer has to ask for the new
    /// epoch with the old one (KIP-588).
    func transactionTimedOut(_ id: String, now: Instant) {
        guard let transaction = transactions[id], let deadline = transaction.deadline,
            deadline <= now
        else { return }
        fence(transaction, now: now)
    }

    /// Bumps the epoch, so that the old producer cannot go on, and aborts what it left open.
    func fence(_ transaction: Transaction, now: Instant) {
        let isOngoing = transaction.state == .ongoing
        if isOngoing {
            let markerEpoch = min(transaction.producerEpoch, Int16.max - 1) + 1
            end(transaction, committed: false, markerEpoch: markerEpoch, now: now)
        }
        bumpEpoch(transaction)
    }

    /// Epochs that are used up are followed by another producer id.
    func bumpEpoch(_ transaction: Transaction) {
        transaction.previous = (transaction.producerID, transaction.producerEpoch)
        if transaction.producerEpoch >= Int16.max - 1 {
            transaction.producerID = newProducerID()
            transaction.producerEpoch = 0
        } else {
            transaction.producerEpoch += 1
        }
    }

    /// Whether a transactional batch may be written to a partition now.
    func mayWrite(
        _ batch: ProducedBatch, _ partition: Partition, _ request: ProduceRequest,
        _ context: RequestContext
    ) throws(KafkaError) {
        guard batch.isTransactional else { return }
        guard let id = request.transactionalID, batch.hasProducer else { throw .invalidTxnState }
        let transaction = try transaction(
            id, producerID: batch.producerID, epoch: batch.producerEpoch,
            fenced: .invalidProducerEpoch)
        if context.version >= 12 && transactionVersion >= 2 {
            // KIP-890: the first Produce takes the partition into the transaction.
            try begin(transaction, now: context.now)
            transaction.add(partition)
        }
        guard transaction.state == .ongoing, transaction.contains(partition) else {
            throw context.version >= 11 ? .transactionAbortable : .invalidTxnState
        }
    }
}
