import Bytes
import Synchronization

/// What a batch's transaction makes of its records.
enum TransactionFacts: UInt8 {
    /// Not part of a transaction.
    case plain
    /// Part of a transaction, and the list of aborted ones was not asked for.
    case unknown
    case committed
    case aborted
}

/// Consecutive records of one partition as ready `KafkaMessage` bytes. It covers the offsets
/// `base..<next`: a missing offset inside is known to hold no record (compacted, or a marker).
///
/// On the loop nobody holds a run from one event to the next. Outside of it somebody may hold its
/// records (`HeldRecords`): then nothing is written to it any more, and eviction leaves its memory
/// to them.
final class RecordRun {
    /// A stretch of records with the same transaction facts, up to the next segment.
    struct Segment {
        var firstRecord: Int
        var facts: TransactionFacts
    }

    let base: Int64
    private(set) var next: Int64
    /// Of the last batch that was read; -1: not known. Sent as `LastFetchedEpoch` (KIP-595).
    var leaderEpoch: Int32 = -1
    var bytes = ByteWriter()
    var index = RecordIndex()
    /// Empty while everything is plain. Otherwise in order, the first at record 0.
    private(set) var segments: [Segment] = []

    // The cache's list of runs by use, and what it counted for this one. Only runs of logs are in
    // the list, and a log tells the cache before it drops one: nobody else needs to hold them.
    unowned(unsafe) var log: PartitionLog?
    unowned(unsafe) var older: RecordRun?
    unowned(unsafe) var newer: RecordRun?
    var countedBytes = 0

    /// How many outside of the loop have its records. Only the loop adds one.
    private let holders = Atomic<Int>(0)
    /// Where it counts, once it is the cache's no more and somebody still has its records.
    private var lent: LentMemory?

    /// No record's offset may be so far from the base that the index cannot tell it.
    static let offsetSpanMax: Int64 = 1 << 31
    /// The object, its array and the list's share.
    static let overheadBytes = 256

    init(base: Int64) {
        self.base = base
        next = base
    }

    deinit { lent?.remove(bytes.allocatedBytes) }

    /// Somebody outside of the loop has its records.
    var isShared: Bool { holders.load(ordering: .acquiring) > 0 }

    func isHeld() { holders.add(1, ordering: .relaxed) }
    func isLetGo() { holders.subtract(1, ordering: .releasing) }

    var recordCount: Int { index.count }
    var memoryBytes: Int { bytes.allocatedBytes + index.memoryBytes + Self.overheadBytes }
    var hasUnknownFacts: Bool { segments.contains { $0.facts == .unknown } }

    func offset(ofRecord number: Int) -> Int64 { base + Int64(index[number].offsetDelta) }
    func place(ofRecord number: Int) -> Int {
        number < index.count ? Int(index[number].place) : bytes.count
    }
    /// The first record at or after `offset`; `recordCount` if there is none.
    func firstRecord(atOrAfter offset: Int64) -> Int {
        index.firstRecord(atOrAfter: offset - base)
    }

    /// The run now covers everything below `offset`.
    func cover(to offset: Int64) {
        precondition(offset >= next)
        next = offset
    }

    /// Records appended from here on have these facts.
    func beginSegment(_ facts: TransactionFacts) {
        if segments.isEmpty {
            if facts == .plain { return }
            if recordCount > 0 { segments.append(Segment(firstRecord: 0, facts: .plain)) }
        }
        if segments.last?.facts == facts { return }
        if segments.last?.firstRecord == recordCount { segments.removeLast() }
        if segments.last?.facts == facts { return }
        segments.append(Segment(firstRecord: recordCount, facts: facts))
    }

    /// Forgets the records at and beyond `offset`.
    func truncate(to offset: Int64) {
        precondition(offset >= base && offset <= next)
        let first = firstRecord(atOrAfter: offset)
        if first < recordCount {
            bytes.truncate(to: place(ofRecord: first))
            index.truncate(to: first)
            segments.removeAll { $0.firstRecord >= first && $0.firstRecord > 0 }
        }
        next = offset
    }

    /// Takes over a run that begins where this one ends.
    func append(_ other: RecordRun) {
        precondition(other.base == next, "runs must touch")
        precondition(!isShared, "somebody reads what the growing memory would leave behind")
        let firstNumber = recordCount
        let distance = UInt32(other.base - base)
        if !segments.isEmpty || !other.segments.isEmpty {
            if other.segments.isEmpty && other.recordCount > 0 { beginSegment(.plain) }
            for segment in other.segments {
                if segments.isEmpty && firstNumber + segment.firstRecord > 0 {
                    segments.append(Segment(firstRecord: 0, facts: .plain))
                }
                if segments.last?.facts != segment.facts {
                    segments.append(
                        Segment(
                            firstRecord: firstNumber + segment.firstRecord, facts: segment.facts))
                }
            }
        }
        index.append(other.index, offsetBy: distance, placeBy: UInt32(bytes.count))
        other.bytes.withBytes { bytes.bytes($0) }
        next = other.next
        if other.leaderEpoch >= 0 { leaderEpoch = other.leaderEpoch }
    }

    /// Gives back what was reserved and not used, if that is more than a quarter: moving it would
    /// cost more than it is worth, and the memory would fit no other run.
    func shrink() {
        if bytes.room > bytes.allocatedBytes / 4 { bytes.shrink() }
        index.shrink()
    }

    /// Memory for so much, if the run has none yet.
    func prepare(bytes byteCount: Int, records: Int, from spares: SpareBlocks) {
        if bytes.allocatedBytes == 0, byteCount > 0 {
            bytes = ByteWriter(adopting: spares.take(byteCount, excess: byteCount / 8))
        }
        let indexBytes = records * MemoryLayout<RecordIndex.Entry>.stride
        if index.memoryBytes == 0, indexBytes > 0 {
            index = RecordIndex(adopting: spares.take(indexBytes, excess: indexBytes / 8))
        }
    }

    /// The run's memory is used for others now; nobody looks at it any more.
    ///
    /// - Parameter lent: where it counts if somebody outside of the loop does. The last of them
    ///   frees it.
    func surrender(to spares: SpareBlocks, lent: LentMemory) {
        if isShared {
            self.lent = lent
            lent.add(bytes.allocatedBytes)
        } else if let block = bytes.release() {
            spares.give(block)
        }
        if let block = index.release() { spares.give(block) }
    }
}
