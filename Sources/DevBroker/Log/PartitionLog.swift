import Bytes

/// The bytes of one partition as a broker keeps them: batches as they were sent, with offsets and
/// leader epoch written over, and an index by offset. A read is two binary searches.
struct PartitionLog {
    /// A new log starts small: a test may make thousands of partitions. Each segment is twice as
    /// large as the one before, so that few fetches meet the seam of two.
    private static let firstSegmentBytes = 16 << 10
    private static let segmentBytesMax = 16 << 20

    private(set) var segments: [LogSegment] = []
    /// Ordered by offset; those before `firstBatch` have been deleted.
    private(set) var batches: [StoredBatch] = []
    private(set) var firstBatch = 0
    /// The first offset that a reader may ask for.
    private(set) var startOffset: Int64 = 0
    /// The offset that the next record will get.
    private(set) var endOffset: Int64 = 0

    init(startOffset: Int64 = 0) {
        self.startOffset = startOffset
        endOffset = startOffset
    }

    /// Bytes that are stored and not deleted.
    var byteCount: Int {
        firstBatch < batches.count ? endPlace - batches[firstBatch].place : 0
    }

    var endPlace: Int { segments.last?.end ?? 0 }
    var isEmpty: Bool { firstBatch == batches.count }

    /// Appends one batch that covers the offsets `base...last`, which must not be below the end.
    /// The bytes are copied as they are. Answers the copy, to be patched at once.
    @discardableResult
    mutating func append(
        _ bytes: UnsafeRawBufferPointer, base: Int64, last: Int64, maxTimestamp: Int64,
        leaderEpoch: Int32
    ) -> UnsafeMutableRawBufferPointer {
        precondition(base >= endOffset && last >= base, "offsets of a log only grow")
        let segment = segmentWithRoom(bytes.count)
        batches.append(
            StoredBatch(
                baseOffset: base, lastOffset: last, maxTimestamp: maxTimestamp,
                leaderEpoch: leaderEpoch, place: segment.end, size: bytes.count))
        let copy = segment.extend(bytes.count)
        copy.copyMemory(from: bytes)
        endOffset = last + 1
        return copy
    }

    private mutating func segmentWithRoom(_ count: Int) -> LogSegment {
        if let last = segments.last, last.room >= count { return last }
        let wanted =
            segments.last.map { min($0.capacity * 2, Self.segmentBytesMax) }
            ?? Self.firstSegmentBytes
        let segment = LogSegment(start: endPlace, capacity: max(wanted, count))
        segments.append(segment)
        return segment
    }

    /// The index of the first batch whose last offset is at or after `offset`; the count of all
    /// batches if there is none. It may begin before `offset`: a broker sends whole batches.
    func batchIndex(covering offset: Int64) -> Int {
        partitionPoint { $0.lastOffset >= offset }
    }

    /// The place in the log where the batches that begin below `offset` end.
    func place(below offset: Int64) -> Int {
        if offset >= endOffset { return endPlace }
        let index = partitionPoint { $0.baseOffset >= offset }
        return index < batches.count ? batches[index].place : endPlace
    }

    private func partitionPoint(_ isAfter: (StoredBatch) -> Bool) -> Int {
        var low = firstBatch
        var high = batches.count
        while low < high {
            let middle = (low + high) / 2
            if isAfter(batches[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Deletes the records below `offset`; memory goes with the last batch of a segment.
    mutating func deleteRecords(before offset: Int64) {
        guard offset > startOffset else { return }
        startOffset = min(offset, endOffset)
        firstBatch = batchIndex(covering: startOffset)
        let kept = firstBatch < batches.count ? batches[firstBatch].place : endPlace
        if let first = segments.firstIndex(where: { $0.end > kept }), first > 0 {
            segments.removeFirst(first)
        }
        if firstBatch > 1024 && firstBatch > batches.count / 2 {
            batches.removeFirst(firstBatch)
            firstBatch = 0
        }
    }

    /// Deletes whole batches from the front while more than `bytes` are stored.
    mutating func retain(bytes: Int) {
        guard byteCount > bytes else { return }
        let excess = byteCount - bytes
        let from = batches[firstBatch].place
        var index = firstBatch
        while index < batches.count - 1, batches[index].place - from < excess { index += 1 }
        deleteRecords(before: batches[index].baseOffset)
    }

    /// Forgets the batches from `offset` on: what a new leader without them does to its followers.
    mutating func truncate(to offset: Int64) {
        guard offset < endOffset else { return }
        let index = max(partitionPoint { $0.lastOffset >= offset }, firstBatch)
        batches.removeSubrange(index...)
        endOffset = max(batches.last.map { $0.lastOffset + 1 } ?? startOffset, startOffset)
        let kept = batches.last.map { $0.place + $0.size } ?? segments.first?.start ?? 0
        while let last = segments.last, last.start >= kept, segments.count > 1 {
            segments.removeLast()
        }
        segments.last?.truncate(to: kept)
    }

    /// Hands the bytes of `range` to `body`, piece by piece.
    func forEachPiece(of range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Void) {
        guard !range.isEmpty else { return }
        var index = segments.partitionPoint { $0.end > range.lowerBound }
        var from = range.lowerBound
        while from < range.upperBound {
            let upTo = min(range.upperBound, segments[index].end)
            if from < upTo { body(segments[index].bytes(from..<upTo)) }
            from = max(from, upTo)
            index += 1
        }
    }

    /// The bytes of `range` if they lie in one segment; valid until the log changes.
    func contiguousBytes(_ range: Range<Int>) -> UnsafeRawBufferPointer? {
        let index = segments.partitionPoint { $0.end > range.lowerBound }
        guard index < segments.count, range.upperBound <= segments[index].end else { return nil }
        return segments[index].bytes(range)
    }

    /// The bytes of one batch; valid until the log changes.
    func bytes(of batch: StoredBatch) -> UnsafeRawBufferPointer {
        let index = segments.partitionPoint { $0.end > batch.place }
        return segments[index].bytes(batch.place..<batch.place + batch.size)
    }
}

extension Array {
    /// The index of the first element for which `isAfter` holds, if it holds for all behind it.
    func partitionPoint(_ isAfter: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isAfter(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
