/// Where a read begins whose offset is not in the log.
public enum OffsetReset: Hashable, Sendable {
    /// Nowhere: it fails with OFFSET_OUT_OF_RANGE, and the client decides.
    case none
    /// At the log's start, if the offset lies below it.
    case start
    /// At the log's start, or at its end if the offset lies beyond it.
    case nearest
    /// The same, but at the last record instead of the end: for clients that are told where they
    /// are by the offsets of records alone.
    case nearestRecord

    /// nil: the read fails.
    func offset(for asked: Int64, in log: PartitionPosition) -> Int64? {
        let (start, end) = (log.logStartOffset, log.highWatermark)
        guard self != .none, start >= 0, end >= start else { return nil }
        if asked < start { return start }
        switch self {
        case .none, .start: return nil
        case .nearest: return end
        case .nearestRecord: return max(start, end - 1)
        }
    }
}
