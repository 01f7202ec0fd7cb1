import Bytes

/// `TopicMetadata`.
public struct TopicMetadata: Equatable, Sendable {
    public var topic: String
    /// By number.
    public var partitions: [PartitionMetadata]
    /// Nil: the topic can be read.
    public var code: ReplyCode?

    public init(topic: String, partitions: [PartitionMetadata] = [], code: ReplyCode? = nil) {
        self.topic = topic
        self.partitions = partitions
        self.code = code
    }

    func write(_ fields: FieldWriter, to out: inout ByteWriter) {
        fields.string(1, "topic", topic, to: &out)
        fields.list(2, "partitions", partitions, to: &out) { $0.write(fields, to: &$1) }
        fields.int32(3, "code", code?.rawValue ?? 0, to: &out)
    }
}

/// `PartitionMetadata`.
public struct PartitionMetadata: Equatable, Sendable {
    public var partition: Int32
    /// Nil: the partition can be read.
    public var code: ReplyCode?

    public init(partition: Int32, code: ReplyCode? = nil) {
        self.partition = partition
        self.code = code
    }

    func write(_ fields: FieldWriter, to out: inout ByteWriter) {
        fields.int32(1, "partition", partition, to: &out)
        fields.int32(2, "code", code?.rawValue ?? 0, to: &out)
    }
}
