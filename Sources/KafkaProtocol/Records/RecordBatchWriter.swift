import Bytes

/// Builds one batch (magic 2) in wire form while its records come: each is copied once, behind the
/// room for the batch's header. `seal` ends it for a producer, `finish` copies it out for others.
public struct RecordBatchWriter: ~Copyable {
    /// Base offset, producer, epochs and attributes are the caller's; counts, timestamps, length
    /// and checksum are filled in.
    public var header: RecordBatchHeader
    /// Room for the header, then the records.
    var bytes: ByteWriter
    /// Who gave the memory and gets it back; nil: malloc.
    let spares: SpareBlocks?

    /// - Parameter capacity: bytes that the batch is expected to take, its header with it. A larger
    ///   batch moves its records, as often as it doubles.
    public init(
        _ header: RecordBatchHeader = RecordBatchHeader(), capacity: Int = 0,
        spares: SpareBlocks? = nil
    ) {
        self.header = header
        self.header.lastOffsetDelta = -1
        self.header.recordCount = 0
        self.spares = spares
        let capacity = max(capacity, RecordBatchHeader.byteCount)
        bytes =
            spares.map { ByteWriter(adopting: $0.take(capacity)) }
            ?? ByteWriter(capacity: capacity)
        _ = bytes.extend(RecordBatchHeader.byteCount)
    }

    public var recordCount: Int { Int(header.recordCount) }
    /// The size of the records so far, not compressed.
    public var byteCount: Int { bytes.count - RecordBatchHeader.byteCount }

    /// `offsetDelta` counts from the base offset; by default the next one. Compaction leaves gaps.
    public mutating func appendRaw(
        key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        headers: UnsafeBufferPointer<RecordHeader> = UnsafeBufferPointer(start: nil, count: 0),
        timestamp: Int64, offsetDelta: Int32? = nil
    ) {
        let headersByteCount = headers.isEmpty ? 1 : Self.byteCount(of: headers)
        var cursor = begin(key, value, headersByteCount, timestamp, offsetDelta)
        cursor.varint(Int64(headers.count))
        for header in headers {
            cursor.nullable(header.name)
            cursor.nullable(header.value)
        }
        end(cursor)
    }

    /// Appends what was read from another batch.
    public mutating func append(_ record: Record, offsetDelta: Int32? = nil) {
        let headers = UnsafeRawBufferPointer(
            start: record.headers, count: record.headersByteCount)
        let count = Int64(record.headerCount)
        var cursor = begin(
            record.keyBytes, record.valueBytes, varintSize(zigzagged(count)) + headers.count,
            record.timestamp, offsetDelta)
        cursor.varint(count)
        cursor.copy(headers)
        end(cursor)
    }

    /// Writes a record up to its headers.
    @inline(__always)
    private mutating func begin(
        _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?,
        _ headersByteCount: Int, _ timestamp: Int64, _ offsetDelta: Int32?
    ) -> WritingCursor {
        let delta = offsetDelta ?? header.lastOffsetDelta + 1
        precondition(delta > header.lastOffsetDelta, "offsets of a batch must grow")
        note(timestamp, delta)
        let timestampDelta = timestamp &- header.baseTimestamp
        let size = Self.bodySize(
            key?.count, value?.count, headersByteCount, timestampDelta, delta)
        let whole = size + varintSize(zigzagged(Int64(size)))
        var cursor = WritingCursor(bytes.extend(whole), count: whole)
        cursor.varint(Int64(size))
        // No record has attributes yet.
        cursor.byte(0)
        cursor.varint(timestampDelta)
        cursor.varint(Int64(delta))
        cursor.nullable(key)
        cursor.nullable(value)
        return cursor
    }

    @inline(__always)
    private func end(_ cursor: WritingCursor) {
        precondition(cursor.isAtEnd, "a record of another size than was computed")
    }

    @inline(__always)
    private mutating func note(_ timestamp: Int64, _ delta: Int32) {
        if header.recordCount == 0 {
            header.baseTimestamp = timestamp
            header.maxTimestamp = timestamp
        }
        header.maxTimestamp = max(header.maxTimestamp, timestamp)
        header.lastOffsetDelta = delta
        header.recordCount += 1
    }
}
