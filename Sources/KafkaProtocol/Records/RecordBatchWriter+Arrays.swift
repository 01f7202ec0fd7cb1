import Bytes
import Digests

// For the in-memory broker and the tests, which keep records in arrays.
extension RecordBatchWriter {
    public mutating func append(
        key: [UInt8]?, value: [UInt8]?, headers: [(name: [UInt8], value: [UInt8]?)] = [],
        timestamp: Int64, offsetDelta: Int32? = nil
    ) {
        let all = headers.flatMap { $0.name + ($0.value ?? []) }
        (key ?? []).withUnsafeBytes { keyBytes in
            (value ?? []).withUnsafeBytes { valueBytes in
                all.withUnsafeBytes { all in
                    Self.headers(headers, in: all).withUnsafeBufferPointer { headers in
                        appendRaw(
                            key: key == nil ? nil : keyBytes,
                            value: value == nil ? nil : valueBytes, headers: headers,
                            timestamp: timestamp, offsetDelta: offsetDelta)
                    }
                }
            }
        }
    }

    /// The headers as ranges of `all`, where their names and values lie one behind the other.
    private static func headers(
        _ headers: [(name: [UInt8], value: [UInt8]?)], in all: UnsafeRawBufferPointer
    ) -> [RecordHeader] {
        var rest = all
        func take(_ count: Int) -> UnsafeRawBufferPointer {
            defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
            return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        }
        return headers.map { header in
            let name = take(header.name.count)
            return RecordHeader(name: name, value: header.value.map { take($0.count) })
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
        let payload = bytes.withBytes {
            compress(UnsafeRawBufferPointer(rebasing: $0[RecordBatchHeader.byteCount...]))
        }
        let start = w.count
        header.encode(&w, batchCount: RecordBatchHeader.byteCount + payload.count)
        w.bytes(payload)
        let checksum = w.withBytes { bytes in
            crc32c(
                UnsafeRawBufferPointer(
                    rebasing: bytes[(start + RecordBatchHeader.checksummedFrom)...]))
        }
        w.patchInt32(
            Int32(bitPattern: checksum), at: start + RecordBatchHeader.checksumAt)
    }
}
