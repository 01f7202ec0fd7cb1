import Bytes
import Synchronization

/// Whole records for whoever keeps this, on any thread: they stay where they are in the cache, or
/// are a copy where that is cheaper than to keep their run.
public struct HeldRecords: @unchecked Sendable {
    /// As `KafkaMessageWriter` wrote them. Valid while the value, or a copy of it, lives.
    public let bytes: UnsafeRawBufferPointer
    /// Nothing is written to what `bytes` shows any more; only the owner's end is of interest.
    private let owner: AnyObject

    init(_ bytes: UnsafeRawBufferPointer, of run: RecordRun) {
        self.bytes = bytes
        owner = RunHold(run)
    }

    init(copying source: UnsafeRawBufferPointer) {
        let block = ByteBlock(copying: source)
        bytes = block.bytes
        owner = block
    }
}

/// While it lives its run is not written to.
private final class RunHold: Sendable {
    // Only its end is of interest here.
    private nonisolated(unsafe) let run: RecordRun

    init(_ run: RecordRun) {
        self.run = run
        run.isHeld()
    }

    deinit { run.isLetGo() }
}

/// Memory of runs that were evicted while somebody outside of the loop had their records. It is
/// not in the cache's budget any more: beyond a bound of its own records are copied instead.
final class LentMemory: Sendable {
    private let bytes = Atomic<Int>(0)

    var byteCount: Int { bytes.load(ordering: .relaxed) }

    func add(_ count: Int) { bytes.add(count, ordering: .relaxed) }
    func remove(_ count: Int) { bytes.subtract(count, ordering: .relaxed) }
}

extension LogCache {
    /// Below this a copy is made: to keep a run from growing, and its memory from being used again,
    /// would cost more.
    static let sharedBytesMin = 16 << 10

    /// Evicted runs that hosts keep alive: as much as what a host may have waiting of 16
    /// subscriptions.
    static let lentBytesMax = 16 << 20

    /// Bytes of runs that are not the cache's any more and that somebody still has.
    public var lentBytes: Int { lent.byteCount }

    /// The next records at the cursor, which goes behind them. It has to stand in front of a
    /// record, and not at its end.
    ///
    /// nil: they were evicted, or the log was truncated or re-created meanwhile.
    public func hold(_ cursor: inout RecordCursor) -> HeldRecords? {
        precondition(cursor.skipBytes == 0, "only whole records are held")
        guard let piece = bytes(at: cursor, upTo: .max / 2), piece.count > 0,
            let number = cursor.log.runNumber(covering: cursor.offset)
        else { return nil }
        let run = cursor.log.runs[number]
        advance(&cursor, by: piece.count)
        guard piece.count >= Self.sharedBytesMin, lentBytes <= Self.lentBytesMax,
            run.bytes.withBytes({ contains($0, piece) })
        else { return HeldRecords(copying: piece) }
        return HeldRecords(piece, of: run)
    }

    /// The next visible record may lie in a later run than the cursor's offset.
    private func contains(_ whole: UnsafeRawBufferPointer, _ part: UnsafeRawBufferPointer) -> Bool {
        guard let start = whole.baseAddress, let first = part.baseAddress else { return false }
        return first >= start && first + part.count <= start + whole.count
    }
}
