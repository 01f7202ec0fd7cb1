import Bytes
import Compression
import KafkaProtocol
import Timing

/// Records of one partition that are sent, repeated and reported of together.
///
/// It is open while records may still be added, then closed, then packed as it is sent, and done
/// when its records have been reported of.
final class ProducerBatch: Slotted {
    unowned let queue: PartitionQueue
    let createdAt: Instant
    /// Whatever its state, it is reported of then.
    let deadline: Instant
    /// Which flushes wait for it.
    var generation: Int
    private var writer: RecordBatchWriter?
    private(set) var sealed: SealedBatch?
    private(set) var tokens: [UInt64] = []
    private(set) var bufferBytes = 0

    /// Where it stands in the producer's sequence the next time that it is sent.
    var place: SequencePlace?
    /// The same when it was last sent.
    private(set) var sentPlace: SequencePlace?
    /// A request with it has no answer yet.
    private(set) var isOnWire = false
    /// Which of its partition's batches it is.
    var ordinal = 0
    /// No request had it, nor any of what it is a part.
    private(set) var isUnsent = true
    /// Requests that had it.
    private(set) var attempts = 0
    /// A request with it was lost, or its answer does not tell: it may be stored.
    var mayBeStored = false
    var wasSignedAgain = false
    /// Reported of.
    var isDone = false
    /// In the list of deadlines.
    var slot = 0

    init(_ queue: PartitionQueue, now: Instant, deadline: Instant, generation: Int, capacity: Int) {
        self.queue = queue
        createdAt = now
        self.deadline = deadline
        self.generation = generation
        writer = RecordBatchWriter(capacity: RecordBatchHeader.byteCount + capacity)
    }

    /// What `other` had is divided, or some of it is left out.
    init(partOf other: ProducerBatch) {
        queue = other.queue
        createdAt = other.createdAt
        deadline = other.deadline
        generation = other.generation
        ordinal = other.ordinal
        isUnsent = false
        writer = RecordBatchWriter()
    }

    var recordCount: Int { tokens.count }

    /// Of the records while the batch is being built, then of the whole as it is sent.
    var byteCount: Int { sealed?.byteCount ?? writer?.byteCount ?? 0 }

    /// Its place has changed since it was sent: what becomes of that request is not the last word.
    var wasMoved: Bool { sentPlace != place }

    // MARK: Building

    /// `bytes`: what it counts for in the producer's buffer.
    func append(_ record: borrowing ProducedRecord, bytes: Int) {
        writer?.append(record.record)
        tokens.append(record.token)
        bufferBytes += bytes
    }

    // MARK: Sending

    /// As it is sent, its records compressed the first time.
    func send(_ compressor: inout Compressor?, isTransactional: Bool) {
        let stamp = stamp(isTransactional)
        if let writer = writer.take() {
            sealed = Self.seal(writer, stamp, &compressor)
        } else if sealed?.stamp != stamp {
            sealed?.stamp(stamp)
        }
        sentPlace = place
        isOnWire = true
        isUnsent = false
        attempts += 1
    }

    private func stamp(_ isTransactional: Bool) -> ProducerStamp {
        guard let place else { return .none }
        return ProducerStamp(
            producerID: place.identity.id, producerEpoch: place.identity.epoch,
            baseSequence: place.base, isTransactional: isTransactional)
    }

    private static func seal(
        _ writer: consuming RecordBatchWriter, _ stamp: ProducerStamp,
        _ compressor: inout Compressor?
    ) -> SealedBatch {
        guard var taken = compressor.take() else { return writer.seal(stamp) }
        let sealed = writer.seal(stamp, &taken)
        compressor = consume taken
        return sealed
    }

    func wasAnswered() { isOnWire = false }

    /// The checksum is computed anew: what was sent arrived as something else.
    func signAgain() {
        wasSignedAgain = true
        sealed?.sign()
    }

    /// Its records are reported of: nothing of it is needed any more.
    func finish() -> (tokens: [UInt64], bufferBytes: Int) {
        isDone = true
        writer = nil
        sealed = nil
        defer { tokens = [] }
        return (tokens, bufferBytes)
    }
}
