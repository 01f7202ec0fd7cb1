import Bytes

extension RecordBatchWriter {
    /// What the batch would grow by with such a record; nil for null. Behind it the batch takes
    /// `RecordBatchHeader.byteCount + byteCount` bytes, if it is not compressed.
    /// - Parameter headersByteCount: as `byteCount(of:)` tells.
    public func byteCount(
        ofKey keyCount: Int?, value valueCount: Int?, headersByteCount: Int = 1, timestamp: Int64
    ) -> Int {
        let timestampDelta = header.recordCount == 0 ? 0 : timestamp &- header.baseTimestamp
        let size = Self.bodySize(
            keyCount, valueCount, headersByteCount, timestampDelta, header.lastOffsetDelta + 1)
        return size + varintSize(zigzagged(Int64(size)))
    }

    /// The headers of a record in wire form, their count with them.
    public static func byteCount(of headers: UnsafeBufferPointer<RecordHeader>) -> Int {
        var size = varintSize(zigzagged(Int64(headers.count)))
        for header in headers {
            size += Self.size(header.name.count) + Self.size(header.value?.count)
        }
        return size
    }

    /// A record without the length in front of it.
    @inline(__always)
    static func bodySize(
        _ keyCount: Int?, _ valueCount: Int?, _ headersByteCount: Int, _ timestampDelta: Int64,
        _ offsetDelta: Int32
    ) -> Int {
        1 + varintSize(zigzagged(timestampDelta)) + varintSize(zigzagged(Int64(offsetDelta)))
            + size(keyCount) + size(valueCount) + headersByteCount
    }

    /// A key, a value or their like: a varint of its length, -1 for null, and itself.
    @inline(__always)
    private static func size(_ count: Int?) -> Int {
        guard let count else { return 1 }
        return varintSize(zigzagged(Int64(count))) + count
    }
}

/// A signed number as an unsigned one that is small where it is near to zero.
@inline(__always)
func zigzagged(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }
