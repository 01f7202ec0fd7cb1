/// Reads the records of one batch (magic 2) from its decompressed payload.
public struct RecordReader {
    /// Length, attributes, timestamp, offset, key, value and headers take a byte each at least.
    static let recordBytesMin = 7

    @usableFromInline var cursor: RecordCursor
    @usableFromInline let baseOffset: Int64
    @usableFromInline let baseTimestamp: Int64
    @usableFromInline let appendTimestamp: Int64
    @usableFromInline let isLogAppendTime: Bool
    @usableFromInline let lastOffsetDelta: Int
    @usableFromInline var lastDelta = -1
    /// How many records are still to come.
    @usableFromInline var left: Int

    /// `payload` are the batch's records, decompressed; errors count from its start.
    public init(_ header: RecordBatchHeader, payload: UnsafeRawBufferPointer) {
        // An empty payload has no address; nothing is read from this one.
        let start = payload.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        cursor = RecordCursor(start, count: payload.count)
        baseOffset = header.baseOffset
        baseTimestamp = header.baseTimestamp
        appendTimestamp = header.maxTimestamp
        isLogAppendTime = header.isLogAppendTime
        lastOffsetDelta = Int(header.lastOffsetDelta)
        left = Int(header.recordCount)
    }

    /// Fills `record` with the next one; false at the end. Offsets grow from record to record and
    /// never reach beyond the header's last one, so a reader may rely on their order.
    @inlinable
    public mutating func next(_ record: inout Record) throws(RecordError) -> Bool {
        guard left > 0 else {
            guard cursor.at == cursor.end else { throw cursor.error(.trailingBytes) }
            return false
        }
        left -= 1
        let length = try cursor.varint()
        let batchEnd = cursor.end
        guard length >= 0, length <= cursor.remaining else { throw cursor.error(.invalidLength) }
        // Nothing of a record may be taken from the next one.
        cursor.end = cursor.at + length
        _ = try cursor.take(1)
        let timestampDelta = try cursor.varint64()
        let delta = try cursor.varint()
        guard delta > lastDelta, delta <= lastOffsetDelta else {
            throw cursor.error(.invalidOffset)
        }
        lastDelta = delta
        record.offset = baseOffset &+ Int64(delta)
        record.timestamp = isLogAppendTime ? appendTimestamp : baseTimestamp &+ timestampDelta
        record.keyCount = try cursor.varint()
        record.key = try nullable(&record.keyCount)
        record.valueCount = try cursor.varint()
        record.value = try nullable(&record.valueCount)
        record.headerCount = try cursor.varint()
        record.headers = cursor.at
        record.headersByteCount = cursor.remaining
        if record.headerCount != 0 { try checkHeaders(record.headerCount) }
        guard cursor.at == cursor.end else { throw cursor.error(.trailingBytes) }
        cursor.end = batchEnd
        return true
    }

    /// The bytes of a key or a value; -1 is null.
    @inlinable @inline(__always)
    mutating func nullable(_ count: inout Int) throws(RecordError) -> UnsafeRawPointer? {
        if count == -1 {
            count = 0
            return nil
        }
        return try cursor.take(count)
    }

    @usableFromInline
    mutating func checkHeaders(_ count: Int) throws(RecordError) {
        // A header takes two bytes at least: an empty name and a null value.
        guard count > 0, count <= cursor.remaining / 2 else { throw cursor.error(.invalidCount) }
        for _ in 0..<count {
            _ = try cursor.take(try cursor.varint())
            let value = try cursor.varint()
            if value != -1 { _ = try cursor.take(value) }
        }
    }
}
