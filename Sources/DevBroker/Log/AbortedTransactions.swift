/// The aborted transactions of a partition, in the order of their markers.
struct AbortedTransactions {
    struct Entry: Equatable {
        let producerID: Int64
        let firstOffset: Int64
        /// The offset of the marker.
        let lastOffset: Int64
    }

    private(set) var entries: [Entry] = []

    mutating func add(_ entry: Entry) { entries.append(entry) }

    mutating func deleteEndingBefore(_ offset: Int64) {
        entries.removeAll { $0.lastOffset < offset }
    }

    mutating func truncate(to offset: Int64) {
        entries.removeAll { $0.lastOffset >= offset }
    }

    /// Those that a reader of `offsets` must know.
    func overlapping(_ offsets: Range<Int64>) -> [Entry] {
        let first = entries.partitionPoint { $0.lastOffset >= offsets.lowerBound }
        return entries[first...].filter { $0.firstOffset < offsets.upperBound }
    }
}
