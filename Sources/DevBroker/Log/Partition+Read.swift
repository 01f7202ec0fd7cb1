/// Reading from a partition.
extension Partition {
    /// A part of the log, by places; its first batch may begin before the offset, its last one may
    /// be cut.
    struct Slice {
        var places: Range<Int> = 0..<0
        /// Where what follows begins, for the aborted transactions that the slice needs.
        var nextOffset: Int64 = 0
        /// The first batch alone is larger than the limit.
        var isFirstBatchIncomplete = false
        var bytes: Int { places.count }
    }

    /// What lies between `offset` and `end`, at most `bytesMax`; with `wholeFirstBatch` the first
    /// batch comes whole, however large (KIP-74).
    func read(
        from offset: Int64, end: Int64, bytesMax: Int, wholeFirstBatch: Bool
    ) -> Slice {
        guard offset < end else { return Slice(nextOffset: offset) }
        let index = log.batchIndex(covering: offset)
        guard index < log.batches.count, log.batches[index].baseOffset < end else {
            return Slice(nextOffset: offset)
        }
        let first = log.batches[index]
        let limit = wholeFirstBatch ? max(bytesMax, first.size) : max(bytesMax, 0)
        let upTo = min(log.place(below: end), first.place + limit)
        let places = first.place..<max(upTo, first.place)
        return Slice(
            places: places, nextOffset: offsetBehind(places.upperBound, end: end),
            isFirstBatchIncomplete: places.count < first.size)
    }

    /// The first offset of the batch that ends behind `place`; `end` if there is none.
    private func offsetBehind(_ place: Int, end: Int64) -> Int64 {
        let index = log.batches.partitionPoint { $0.place + $0.size > place }
        return index < log.batches.count ? min(log.batches[index].baseOffset, end) : end
    }

    /// Whether the batch at `offset` is compressed with zstd, which old readers do not know.
    func hasZstd(from offset: Int64) -> Bool {
        let index = log.batchIndex(covering: offset)
        guard index < log.batches.count, log.batches[index].size > 22 else { return false }
        let bytes = log.bytes(of: log.batches[index])
        return bytes[16] == 2 && bytes[22] & 0x07 == 4
    }
}
