import Bytes

/// A push that tells of records which could not be read.
public struct SkippedRecords: Equatable, Sendable {
    public var topic: String
    public var partition: Int32
    /// The first offset that could not be read.
    public var offset: Int64
    /// Where the partition is read on.
    public var nextOffset: Int64
    public var error: ErrorReply

    public init(
        topic: String, partition: Int32, offset: Int64, nextOffset: Int64, error: ErrorReply
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.nextOffset = nextOffset
        self.error = error
    }

    /// The fields of its `SubscribeResp`.
    func write(_ fields: FieldWriter, to out: inout ByteWriter) {
        fields.string(2, "topic", topic, to: &out)
        fields.int32(3, "partition", partition, to: &out)
        fields.int64(4, "nextOffset", .some(nextOffset), to: &out)
        fields.message(18, "skipped", to: &out) { out in
            fields.int64(1, "offset", offset, to: &out)
            fields.message(2, "error", to: &out) { error.write(fields, to: &$0) }
        }
    }
}
