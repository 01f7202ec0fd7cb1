import Bytes
import JSON

/// A reply that tells of many topics, written a few at a time. The bytes are those of
/// `Reply.metadata`, but for its sequence: `Reply.writeStart` goes in front of them.
public struct MetadataReplyWriter: ~Copyable {
    private let fields: FieldWriter
    private var out: ByteWriter
    /// Of the member of the `oneof`; in binary its length is put in front in the end.
    private var start = 0
    private var isEmpty = true

    /// `capacity`: bytes that it may take.
    public init(_ format: MessageFormat, capacity: Int) {
        fields = FieldWriter(format: format)
        out = ByteWriter(capacity: capacity)
        if format == .binary {
            out.uvarint(UInt64(CommandField.metadata << 3 | WireType.length))
            start = out.count
        } else {
            out.jsonKey("metadataResp" as StaticString)
            out.jsonBeginObject()
        }
    }

    public mutating func append(_ topic: TopicMetadata) {
        guard fields.format != .binary else {
            return fields.element(1, to: &out) { topic.write(fields, to: &$0) }
        }
        if isEmpty {
            out.jsonKey("topics" as StaticString)
            out.jsonBeginArray()
        }
        isEmpty = false
        out.jsonElement()
        fields.object(to: &out) { topic.write(fields, to: &$0) }
    }

    public consuming func finish() -> ByteWriter {
        if fields.format == .binary {
            out.insertLength(from: start)
        } else {
            if !isEmpty { out.jsonEndArray() }
            out.jsonEndObject()
            out.jsonEndObject()
        }
        return out
    }
}
