/// How a read ends. Exactly one outcome for each read that is not cancelled.
public enum ReadOutcome {
    case records(RecordSlice)
    /// Nothing (visible) from the asked offset up to `nextOffset`, where the reader goes on: beyond
    /// the asked offset when only markers, aborted or compacted records were passed.
    case empty(PartitionPosition, nextOffset: Int64)
    case failed(KafkaFailure)
}

/// Consecutive records of a partition, as a place in the cache. It keeps nothing alive: bytes are
/// taken through a `RecordCursor`, in this turn or later, and may have to be read again.
public struct RecordSlice {
    public let log: PartitionLog
    public let firstOffset: Int64
    /// The first offset that this slice has judged nothing about: the reader goes on here.
    public let nextOffset: Int64
    /// Ready bytes: repeated field 1 (`KafkaMessage`) of a `KafkaFetchResp`, tags included.
    public let byteCount: Int
    public let recordCount: Int
    public let position: PartitionPosition
    public let isolation: Isolation

    public init(
        log: PartitionLog, firstOffset: Int64, nextOffset: Int64, byteCount: Int,
        recordCount: Int, position: PartitionPosition, isolation: Isolation
    ) {
        self.log = log
        self.firstOffset = firstOffset
        self.nextOffset = nextOffset
        self.byteCount = byteCount
        self.recordCount = recordCount
        self.position = position
        self.isolation = isolation
    }
}
