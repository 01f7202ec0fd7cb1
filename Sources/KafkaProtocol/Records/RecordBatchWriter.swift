import Bytes
import Digests

/// Builds one batch (magic 2). Records are appended with growing offsets; `finish` writes header,
/// checksum and records.
public struct RecordBatchWriter: ~Copyable {
    /// Base offset, producer, epochs and attributes are the caller's; counts, timestamps, length
    /// and checksum are filled in.
    public var header: RecordBatchHeader
    private var records: ByteWriter

    public init(_ header: RecordBatchHeader = RecordBatchHeader()) {
        self.header = header
        self.header.lastOffsetDelta = -1
        self.header.recordCount = 0
        records = ByteWriter()
    }

    public var recordCount: Int { Int(header.recordCount) }
    /// The size of the records so far, not compressed.
    public var byteCount: Int { records.count }

    /// `offsetDelta` counts from the base offset; by default the next one. Compaction leaves gaps.
    public mutating func appendRaw(
        key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        headers: [(name: [UInt8], value: [UInt8]?)] = [],
        timestamp: Int64, offsetDelta: Int32? = nil
    ) {
        let delta = offsetDelta ?? header.lastOffsetDelta + 1
        precondition(delta > header.lastOffsetDelta, "offsets of a batch must grow")
        if header.recordCount == 0 {
            header.baseTimestamp = timestamp
            header.maxTimestamp = timestamp
        }
        header.maxTimestamp = max(header.maxTimestamp, timestamp)
        header.lastOffsetDelta = delta
        header.recordCount += 1
        var body = ByteWriter()
        body.int8(0)
        body.varint(timestamp &- header.baseTimestamp)
        body.varint(Int64(delta))
        body.nullableRecordBytes(key)
        body.nullableRecordBytes(value)
        body.varint(Int64(headers.count))
        for item in headers {
            item.name.withUnsafeBytes { body.nullableRecordBytes($0) }
            if let value = item.value {
                value.withUnsafeBytes { body.nullableRecordBytes($0) }
            } else {
                body.nullableRecordBytes(nil)
            }
        }
        records.varint(Int64(body.count))
        body.withBytes { records.bytes($0) }
    }

    public mutating func append(
        key: [UInt8]?, value: [UInt8]?, headers: [(name: [UInt8], value: [UInt8]?)] = [],
        timestamp: Int64, offsetDelta: Int32? = nil
    ) {
        (key ?? []).withUnsafeBytes { keyBytes in
            (value ?? []).withUnsafeBytes { valueBytes in
                appendRaw(
                    key: key == nil ? nil : keyBytes, value: value == nil ? nil : valueBytes,
                    headers: headers, timestamp: timestamp, offsetDelta: offsetDelta)
            }
        }
    }

    /// The one record of a control batch: a transaction's end.
    public mutating func appendMarker(
        _ marker: ControlMarker, coordinatorEpoch: Int32, timestamp: Int64
    ) {
        header.attributes |=
            RecordBatchHeader.Attribute.control | RecordBatchHeader.Attribute.transactional
        let type: UInt8 = marker == .commit ? 1 : 0
        let epoch = UInt32(bitPattern: coordinatorEpoch)
        let value = [0, 0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: epoch >> $0) }
        append(key: [0, 0, 0, type], value: value, timestamp: timestamp)
    }

    /// Appends the batch to `w`. `lastOffsetDelta` may be beyond the last record, as after
    /// compaction. `compress` gets the records and answers what is to be stored for
    /// `compressionCode`.
    public mutating func finish(
        _ w: inout ByteWriter, lastOffsetDelta: Int32? = nil, compressionCode: Int = 0,
        compress: (UnsafeRawBufferPointer) -> [UInt8] = { [UInt8]($0) }
    ) {
        header.lastOffsetDelta = max(lastOffsetDelta ?? header.lastOffsetDelta, 0)
        header.attributes &= ~RecordBatchHeader.Attribute.compressionMask
        header.attributes |= Int16(compressionCode) & RecordBatchHeader.Attribute.compressionMask
        let start = w.count
        if compressionCode == 0 {
            header.encode(&w, batchCount: RecordBatchHeader.byteCount + records.count)
            records.withBytes { w.bytes($0) }
        } else {
            let payload = records.withBytes { compress($0) }
            header.encode(&w, batchCount: RecordBatchHeader.byteCount + payload.count)
            w.bytes(payload)
        }
        let checksum = w.withBytes { bytes in
            crc32c(
                UnsafeRawBufferPointer(
                    rebasing: bytes[(start + RecordBatchHeader.checksummedFrom)...]))
        }
        w.patchInt32(Int32(bitPattern: checksum), at: start + 17)
    }
}

extension ByteWriter {
    /// A key, a value or their like in a record: a varint of length, -1 for null.
    mutating func nullableRecordBytes(_ source: UnsafeRawBufferPointer?) {
        guard let source else { return varint(-1) }
        varint(Int64(source.count))
        bytes(source)
    }
}
