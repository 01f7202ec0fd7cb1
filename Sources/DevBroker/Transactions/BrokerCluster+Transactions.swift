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

    func begin(_ transaction: Transaction, now: Instant) {
        guard transaction.state != .ongoing else { return }
        transaction.state = .ongoing
        let deadline = now.adding(milliseconds: transaction.timeoutMilliseconds)
        transaction.deadline = deadline
        timers.add(.transaction(transaction.id), due: deadline)
    }

    /// Writes the markers and lets the committed offsets count.
    func end(_ transaction: Transaction, committed: Bool, markerEpoch: Int16, now: Instant) {
        for partition in transaction.partitions {
            guard topics[partition.topic.name] === partition.topic else { continue }
            partition.end(
                producerID: transaction.producerID, producerEpoch: markerEpoch,
                committed: committed, wallClock: wallClock(now))
            wake(partition)
        }
        for commit in transaction.offsets {
            let group = groups[commit.groupID]
            group?.pendingOffsets.removeAll { $0.producerID == transaction.producerID }
            if committed { group?.commit(commit.topic, commit.partition, commit.offset) }
        }
        transaction.partitions = []
        transaction.groups = []
        transaction.offsets = []
        transaction.deadline = nil
        transaction.state = .ended(committed: committed)
    }

    /// A transaction that was open for too long is aborted, and its producer fenced.
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
        if context.version >= 12 {
            // KIP-890: the first Produce takes the partition into the transaction.
            begin(transaction, now: context.now)
            transaction.add(partition)
        }
        guard transaction.state == .ongoing, transaction.contains(partition) else {
            throw .invalidTxnState
        }
    }
}
