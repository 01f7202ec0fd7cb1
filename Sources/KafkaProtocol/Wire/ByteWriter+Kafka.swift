import Bytes

// The inverse of ByteReader+Kafka. Nothing here fails: a string longer than the older form can say
// (32,767 bytes) is cut there, null becomes empty where a version knows no null.
extension ByteWriter {
    public mutating func bool(_ value: Bool) { uint8(value ? 1 : 0) }

    public mutating func uuid(_ value: KafkaUUID) {
        int64(Int64(bitPattern: value.high))
        int64(Int64(bitPattern: value.low))
    }

    public mutating func string(_ value: String, flexible: Bool) {
        var value = value
        value.withUTF8 { utf8 in
            let count = flexible ? utf8.count : min(utf8.count, Int(Int16.max))
            if flexible { uvarint(UInt64(count) + 1) } else { int16(Int16(count)) }
            bytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(utf8)[..<count]))
        }
    }

    public mutating func nullableString(
        _ value: String?, flexible: Bool, nullable: Bool = true
    ) {
        if let value { return string(value, flexible: flexible) }
        if !nullable { return string("", flexible: flexible) }
        if flexible { uvarint(0) } else { int16(-1) }
    }

    public mutating func data(_ value: [UInt8], flexible: Bool) {
        count(value.count, flexible: flexible)
        bytes(value)
    }

    /// Copies the range out of `buffer`; a range that does not lie within is written as null.
    public mutating func records(
        _ value: KafkaBytes?, of buffer: UnsafeRawBufferPointer, flexible: Bool
    ) {
        guard let source = value?.bytes(of: buffer) else { return nullCount(flexible: flexible) }
        count(source.count, flexible: flexible)
        bytes(source)
    }

    /// Writes how many bytes belong here, and leaves them out.
    mutating func records(_ value: KafkaBytes?, gap gaps: inout [RecordGap], flexible: Bool) {
        guard let value else { return nullCount(flexible: flexible) }
        count(value.count, flexible: flexible)
        gaps.append(RecordGap(at: count, records: value))
    }

    public mutating func count(_ count: Int, flexible: Bool) {
        if flexible { uvarint(UInt64(count) + 1) } else { int32(Int32(clamping: count)) }
    }

    public mutating func nullCount(flexible: Bool, nullable: Bool = true) {
        if !nullable { return count(0, flexible: flexible) }
        if flexible { uvarint(0) } else { int32(-1) }
    }

    /// An empty tag section.
    public mutating func noTags() { uint8(0) }

    public mutating func tag(_ number: UInt64, _ field: borrowing ByteWriter) {
        uvarint(number)
        uvarint(UInt64(field.count))
        field.withBytes { bytes($0) }
    }
}
