import Bytes
import JSON

/// What stands around the records of a reply: a `PubSubResp` with a `KafkaFetchResp` or a
/// `SubscribeResp`. In a binary reply it is a few bytes in front of the records, which are the
/// `messages` fields as `KafkaMessageWriter` wrote them, shared by all readers.
public struct BatchHead: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        case fetch
        /// Of a subscription.
        case push(topic: String, partition: Int32)
    }

    public var sequence: Int64
    public var kind: Kind
    // Offsets; negative: not known, left out.
    public var nextOffset: Int64
    public var highWatermark: Int64
    public var logStartOffset: Int64
    public var lastStableOffset: Int64

    public init(
        sequence: Int64, kind: Kind, nextOffset: Int64 = -1, highWatermark: Int64 = -1,
        logStartOffset: Int64 = -1, lastStableOffset: Int64 = -1
    ) {
        self.sequence = sequence
        self.kind = kind
        self.nextOffset = nextOffset
        self.highWatermark = highWatermark
        self.logStartOffset = logStartOffset
        self.lastStableOffset = lastStableOffset
    }

    // MARK: Binary

    /// Bytes that `write` appends. The whole message is that and the records.
    public func size(recordBytes: Int) -> Int {
        let body = ownBytes + recordBytes
        let sequenceBytes = sequence == 0 ? 0 : 1 + varintSize(UInt64(bitPattern: sequence))
        return sequenceBytes + 2 + varintSize(UInt64(body)) + ownBytes
    }

    /// Appends everything in front of `recordBytes` bytes of records.
    public func write(recordBytes: Int, into out: inout ByteWriter) {
        let fields = FieldWriter(format: .binary)
        fields.int64(1, "sequence", sequence, to: &out)
        out.uvarint(UInt64(number << 3 | WireType.length))
        out.uvarint(UInt64(ownBytes + recordBytes))
        writeOwn(fields, to: &out)
    }

    private var number: Int { kind == .fetch ? CommandField.fetch : CommandField.subscribe }

    /// Number of the first of the four offsets, which follow each other.
    private var firstOffsetNumber: Int { kind == .fetch ? 101 : 4 }

    /// Bytes of the body's fields that are not records.
    private var ownBytes: Int {
        var bytes = 0
        if case .push(let topic, let partition) = kind {
            let length = topic.utf8.count
            if length > 0 { bytes += 1 + varintSize(UInt64(length)) + length }
            if partition != 0 { bytes += 1 + varintSize(UInt64(bitPattern: Int64(partition))) }
        }
        return bytes + ownBytes(nextOffset) + ownBytes(highWatermark)
            + ownBytes(logStartOffset) + ownBytes(lastStableOffset)
    }

    private func ownBytes(_ offset: Int64) -> Int {
        guard offset >= 0 else { return 0 }
        return (kind == .fetch ? 2 : 1) + varintSize(UInt64(offset))
    }

    private func writeOwn(_ fields: FieldWriter, to out: inout ByteWriter) {
        if case .push(let topic, let partition) = kind {
            fields.string(2, "topic", topic, to: &out)
            fields.int32(3, "partition", partition, to: &out)
        }
        let first = firstOffsetNumber
        fields.int64(first, "nextOffset", known(nextOffset), to: &out)
        fields.int64(first + 1, "highWatermark", known(highWatermark), to: &out)
        fields.int64(first + 2, "logStartOffset", known(logStartOffset), to: &out)
        fields.int64(first + 3, "lastStableOffset", known(lastStableOffset), to: &out)
    }

    private func known(_ offset: Int64) -> Int64? { offset < 0 ? nil : offset }

    // MARK: JSON

    /// Appends everything in front of the records. With records, `RecordTranscoder` writes them
    /// next; `writeJSONEnd` closes the message.
    public func writeJSONStart(
        as format: MessageFormat, hasRecords: Bool, into out: inout ByteWriter
    ) {
        let fields = FieldWriter(format: format)
        out.jsonBeginObject()
        fields.int64(1, "sequence", sequence, to: &out)
        out.jsonKey(kind == .fetch ? "kafkaFetchResp" : "subscribeResp")
        out.jsonBeginObject()
        writeOwn(fields, to: &out)
        if hasRecords || format == .text {
            out.jsonKey("messages")
            out.jsonBeginArray()
        }
    }

    /// `hasRecords` as at the start.
    public func writeJSONEnd(
        as format: MessageFormat, hasRecords: Bool, into out: inout ByteWriter
    ) {
        if hasRecords || format == .text { out.jsonEndArray() }
        out.jsonEndObject()
        out.jsonEndObject()
    }
}
