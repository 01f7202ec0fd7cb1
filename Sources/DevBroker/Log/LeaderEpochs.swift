/// Which leader epoch wrote from which offset on (KIP-101, KIP-320).
struct LeaderEpochs {
    private(set) var entries: [(epoch: Int32, startOffset: Int64)] = []

    /// The first batch of an epoch begins at `offset`.
    mutating func assign(_ epoch: Int32, startOffset offset: Int64) {
        if let last = entries.last, last.epoch >= epoch { return }
        entries.append((epoch, offset))
    }

    mutating func truncate(to offset: Int64) {
        entries.removeAll { $0.startOffset >= offset }
    }

    /// The epoch of the record at `offset`; -1 if none has been written there.
    func epoch(at offset: Int64) -> Int32 {
        let index = entries.partitionPoint { $0.startOffset > offset }
        return index == 0 ? -1 : entries[index - 1].epoch
    }

    /// The largest known epoch that is not above `epoch`, and where it ends: the answer of
    /// OffsetForLeaderEpoch, (-1, -1) if it is not known.
    func endOffset(
        of epoch: Int32, current: Int32, logEnd: Int64
    ) -> (epoch: Int32, offset: Int64) {
        if epoch == current { return (current, logEnd) }
        if epoch < 0 || epoch > current { return (-1, -1) }
        let after = entries.partitionPoint { $0.epoch > epoch }
        // Below the first known epoch: where that one starts.
        guard after > 0 else { return entries.first.map { (epoch, $0.startOffset) } ?? (-1, -1) }
        let end = after < entries.count ? entries[after].startOffset : logEnd
        return (entries[after - 1].epoch, end)
    }
}
