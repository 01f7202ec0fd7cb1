/// Where one record batch (or one message set of an old format) lies in a log.
struct StoredBatch {
    let baseOffset: Int64
    let lastOffset: Int64
    /// Milliseconds since 1970.
    let maxTimestamp: Int64
    let leaderEpoch: Int32
    /// The place of its first byte in the whole log, and its length.
    let place: Int
    let size: Int
}
