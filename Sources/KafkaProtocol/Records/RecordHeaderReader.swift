/// Walks the headers of a record. Names may repeat and may be empty; values may be null.
public struct RecordHeaderReader {
    @usableFromInline var cursor: BatchCursor
    /// How many headers are still to come.
    public private(set) var left: Int

    public init(_ record: Record) {
        cursor = BatchCursor(
            UnsafeRawBufferPointer(start: record.headers, count: record.headersByteCount))
        left = record.headerCount
    }

    /// The next header; nil at the end. Throws for bytes that no `RecordReader` has checked.
    public mutating func next() throws(RecordError) -> RecordHeader? {
        guard left > 0 else { return nil }
        left -= 1
        let nameCount = try cursor.varint()
        let name = UnsafeRawBufferPointer(
            start: try cursor.take(nameCount, limit: cursor.end), count: nameCount)
        let valueCount = try cursor.varint()
        guard valueCount != -1 else { return RecordHeader(name: name, value: nil) }
        let value = try cursor.take(valueCount, limit: cursor.end)
        return RecordHeader(
            name: name, value: UnsafeRawBufferPointer(start: value, count: valueCount))
    }
}

/// A header of a record, borrowed from its batch.
public struct RecordHeader {
    /// UTF-8 by convention; a broker does not check it.
    public var name: UnsafeRawBufferPointer
    public var value: UnsafeRawBufferPointer?

    @inlinable
    public init(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?) {
        self.name = name
        self.value = value
    }
}
