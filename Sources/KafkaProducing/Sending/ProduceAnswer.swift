/// What a broker answers about one batch.
public struct ProduceAnswer {
    public var topic: String
    public var partition: Int32
    public var code: Int16
    /// Of the first record; -1: not told.
    public var baseOffset: Int64
    /// Milliseconds; -1: the records keep their own time.
    public var logAppendTime: Int64
    /// Where the partition's log begins; -1: not told.
    public var logStartOffset: Int64
    /// Records that are the reason for the error, by their number in the batch (KIP-467).
    public var recordErrors: [(index: Int32, text: String?)]
    public var text: String?
    /// Who leads the partition in truth (KIP-951); nil: not told.
    public var leader: PartitionLeader?

    public init(
        topic: String, partition: Int32, code: Int16, baseOffset: Int64 = -1,
        logAppendTime: Int64 = -1, logStartOffset: Int64 = -1,
        recordErrors: [(index: Int32, text: String?)] = [], text: String? = nil,
        leader: PartitionLeader? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.code = code
        self.baseOffset = baseOffset
        self.logAppendTime = logAppendTime
        self.logStartOffset = logStartOffset
        self.recordErrors = recordErrors
        self.text = text
        self.leader = leader
    }
}
