/// Reads the records of one batch (magic 2) from its decompressed payload.
public struct RecordReader {
    /// Length, attributes, timestamp, offset, key, value and headers take a byte each at least.
    static let recordBytesMin = 7

    @usableFromInline var cursor: BatchCursor
    @usableFromInline let baseOffset: Int64
    /// The time of appending is that of every record: then no delta counts.
    @usableFromInline let baseTimestamp: Int64
    @usableFromInline let timestampDeltaMask: Int64
    /// The largest distance from the base offset that a record may have. The last one of the
    /// header is no bound: producers have understated it, and both Kafka's client and librdkafka
    /// read on. No offset is so large that another could not follow it.
    @usableFromInline let deltaMax: Int
    @usableFromInline var lastDelta = -1
    @usableFromInline var recordsLeft: Int
    /// How many records are still to come.
    @inlinable public var left: Int { recordsLeft }

    /// `payload` are the batch's records, decompressed; errors count from its start.
    public init(_ header: RecordBatchHeader, payload: UnsafeRawBufferPointer) {
        cursor = BatchCursor(payload)
        baseOffset = header.baseOffset
        baseTimestamp = header.isLogAppendTime ? header.maxTimestamp : header.baseTimestamp
        timestampDeltaMask = header.isLogAppendTime ? 0 : -1
        deltaMax = Int(min(Int64(Int32.max), .max - 1 - max(0, header.baseOffset)))
        recordsLeft = Int(header.recordCount)
    }

    /// Bytes of the records that are still to come.
    public var bytesLeft: Int { cursor.remaining }

    /// Whether `next` has all that it needs, where only the front of the batch is there. Records
    /// that are damaged are for `next` to judge.
    public var hasWholeRecord: Bool {
        guard left > 0 else { return cursor.remaining > 0 }
        var ahead = cursor
        do {
            return try ahead.varint() <= ahead.remaining
        } catch {
            return error.reason != .truncated
        }
    }

    /// More of the batch is there: `payload` begins with the bytes that are left.
    public mutating func goOn(with payload: UnsafeRawBufferPointer) {
        precondition(payload.count >= cursor.remaining, "bytes that were there are missing")
        cursor = BatchCursor(payload)
    }

    /// Fills `record` with the next one; false at the end. Offsets grow from record to record, so
    /// that a reader may rely on their order.
    @inlinable
    public mutating func next(_ record: inout Record) throws(RecordError) -> Bool {
        if nextShort(&record) { return true }
        return try nextChecked(&record)
    }

    /// Any record, with the exact error if it is none.
    @usableFromInline
    mutating func nextChecked(_ record: inout Record) throws(RecordError) -> Bool {
        var cursor = cursor
        guard left > 0 else {
            guard cursor.at == cursor.end else { throw cursor.error(.trailingBytes) }
            return false
        }
        let length = try cursor.varint()
        guard length > 0, length <= cursor.remaining else { throw cursor.error(.invalidLength) }
        let end = cursor.at + length
        // No record has attributes yet.
        cursor.at += 1
        let timestampDelta = try cursor.varint64()
        let delta = try cursor.varint()
        guard delta > lastDelta, delta <= deltaMax else {
            throw cursor.error(.invalidOffset)
        }
        record.offset = baseOffset &+ Int64(delta)
        record.timestamp = baseTimestamp &+ (timestampDelta & timestampDeltaMask)
        record.keyCount = try cursor.varint()
        record.key = try cursor.nullable(record.keyCount, limit: end)
        record.valueCount = try cursor.varint()
        record.value = try cursor.nullable(record.valueCount, limit: end)
        record.headerCount = try cursor.varint()
        record.headers = cursor.at
        record.headersByteCount = end - cursor.at
        if record.headerCount != 0 { try cursor.skipHeaders(record.headerCount, limit: end) }
        // Whatever was taken from the next record shows here at last.
        guard cursor.at == end else { throw cursor.error(.trailingBytes) }
        step(to: end, delta)
        return true
    }

    @inlinable @inline(__always)
    mutating func step(to end: UnsafeRawPointer, _ delta: Int) {
        cursor.at = end
        lastDelta = delta
        recordsLeft -= 1
    }
}
