/// What a partition remembers of its idempotent producers (KIP-98).
struct ProducerStates {
    struct Batch: Equatable {
        let firstSequence: Int32
        let lastSequence: Int32
        let baseOffset: Int64
        let lastOffset: Int64
    }

    struct Producer {
        var epoch: Int16
        /// The last five, oldest first (`ProducerStateEntry.NUM_BATCHES_TO_RETAIN`).
        var batches: [Batch] = []
        /// Where its open transaction begins in this partition.
        var transactionStart: Int64?
    }

    enum Verdict: Equatable {
        case append
        /// It is there already, at these offsets: answered as a success.
        case duplicate(Batch)
        case outOfOrderSequence
        case invalidEpoch
        case unknownProducer
    }

    private static let batchesRetained = 5
    /// Brokers before 2.5 forgot a producer with its last record, and then refused it (KIP-360).
    var refusesUnknown = false
    private(set) var producers: [Int64: Producer] = [:]
    /// The starts of the open transactions, ascending.
    private var openStarts: [Int64] = []

    /// The first offset of the oldest open transaction.
    var firstOpenOffset: Int64? { openStarts.first }

    func isOpen(_ producerID: Int64) -> Bool {
        producers[producerID]?.transactionStart != nil
    }

    /// Whether a batch of a producer may be appended.
    func check(
        _ producerID: Int64, epoch: Int16, firstSequence: Int32, lastSequence: Int32
    ) -> Verdict {
        guard let producer = producers[producerID] else {
            // A broker that has forgotten a producer (or never knew it) takes any sequence.
            return refusesUnknown && firstSequence != 0 ? .unknownProducer : .append
        }
        if epoch < producer.epoch { return .invalidEpoch }
        if epoch > producer.epoch {
            return firstSequence == 0 ? .append : .outOfOrderSequence
        }
        let seen = producer.batches.first {
            $0.firstSequence == firstSequence && $0.lastSequence == lastSequence
        }
        if let seen { return .duplicate(seen) }
        guard let last = producer.batches.last else { return .append }
        return firstSequence == following(last.lastSequence) ? .append : .outOfOrderSequence
    }

    mutating func appended(
        _ batch: Batch, by producerID: Int64, epoch: Int16, transactional: Bool
    ) {
        var producer = producers[producerID] ?? Producer(epoch: epoch)
        if producer.epoch != epoch { producer.batches = [] }
        producer.epoch = epoch
        producer.batches.append(batch)
        if producer.batches.count > Self.batchesRetained { producer.batches.removeFirst() }
        if transactional && producer.transactionStart == nil {
            producer.transactionStart = batch.baseOffset
            openStarts.insert(
                batch.baseOffset, at: openStarts.partitionPoint { $0 > batch.baseOffset })
        }
        producers[producerID] = producer
    }

    /// A marker of the coordinator ends the transaction; answers where it began.
    mutating func ended(_ producerID: Int64, epoch: Int16) -> Int64? {
        var producer = producers[producerID] ?? Producer(epoch: epoch)
        let start = producer.transactionStart
        if epoch > producer.epoch { producer.batches = [] }
        producer.epoch = max(producer.epoch, epoch)
        producer.transactionStart = nil
        producers[producerID] = producer
        if let start { openStarts.removeAll { $0 == start } }
        return start
    }

    /// Forgets whoever has no record left, as brokers did that refuse them afterwards.
    mutating func startOffsetMoved(to offset: Int64) {
        guard refusesUnknown else { return }
        producers = producers.filter { _, producer in
            producer.transactionStart != nil || (producer.batches.last?.lastOffset ?? -1) >= offset
        }
    }

    /// Forgets every producer without an open transaction, as after their time has run out
    /// (`producer.id.expiration.ms`).
    mutating func forget() { producers = producers.filter { $0.value.transactionStart != nil } }

    /// Forgets the batches from `offset` on.
    mutating func truncate(to offset: Int64) {
        for (id, var producer) in producers {
            producer.batches.removeAll { $0.lastOffset >= offset }
            if let start = producer.transactionStart, start >= offset {
                producer.transactionStart = nil
            }
            producers[id] = producer
        }
        openStarts.removeAll { $0 >= offset }
    }

    /// KIP-98: sequences wrap to 0 behind the largest int32.
    private func following(_ sequence: Int32) -> Int32 { sequence == .max ? 0 : sequence + 1 }
}
