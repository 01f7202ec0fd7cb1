import Bytes

/// Records as fields number 1 of `KafkaFetchResp` and `SubscribeResp`. This is the one place
/// where a record's bytes are copied; every reader is sent slices of what is written here.
public enum KafkaMessageWriter {
    /// Appends one record: tag, length, `KafkaMessage`. Answers the number of bytes.
    ///
    /// - Parameters:
    ///   - timestamp: milliseconds, -1 for none.
    ///   - keyCount: bytes at `key`, negative for null.
    ///   - valueCount: bytes at `value`, negative for null.
    ///   - appendTime: whether the timestamp is the broker's.
    @inlinable @discardableResult
    public static func write(
        offset: Int64, timestamp: Int64,
        key: UnsafeRawPointer?, keyCount: Int,
        value: UnsafeRawPointer?, valueCount: Int,
        headers: RecordHeaders = .none, appendTime: Bool = false,
        into out: inout ByteWriter
    ) -> Int {
        var body = headers.encodedBytes
        if offset != 0 { body += 1 + varintSize(UInt64(bitPattern: offset)) }
        if timestamp != 0 { body += 1 + varintSize(UInt64(bitPattern: timestamp)) }
        if keyCount >= 0 { body += 1 + varintSize(UInt64(keyCount)) + keyCount }
        if valueCount >= 0 { body += 1 + varintSize(UInt64(valueCount)) + valueCount }
        if appendTime { body += 3 }
        let total = 1 + varintSize(UInt64(body)) + body
        // Headers are rare and written by the checked writer, between the two raw parts.
        let front = total - headers.encodedBytes - (appendTime ? 3 : 0)
        out.reserve(total)
        var place = out.extend(front)
        put(0x0a, UInt64(body), at: &place)
        if offset != 0 { put(0x08, UInt64(bitPattern: offset), at: &place) }
        if timestamp != 0 { put(0x10, UInt64(bitPattern: timestamp), at: &place) }
        if keyCount >= 0 {
            put(0x1a, UInt64(keyCount), at: &place)
            copy(key, keyCount, to: &place)
        }
        if valueCount >= 0 {
            put(0x22, UInt64(valueCount), at: &place)
            copy(value, valueCount, to: &place)
        }
        if headers.encodedBytes > 0 { headers.write(into: &out) }
        if appendTime {
            // Field 102, varint 1.
            let place = out.extend(3)
            place.storeBytes(of: 0xb0, as: UInt8.self)
            place.storeBytes(of: 0x06, toByteOffset: 1, as: UInt8.self)
            place.storeBytes(of: 0x01, toByteOffset: 2, as: UInt8.self)
        }
        return total
    }

    /// How much longer a record without headers may become, in bytes, than it is in a batch: its
    /// offset and timestamp stand there as distances.
    public static func growth(offset: Int64, timestamp: Int64) -> Int {
        varintSize(UInt64(bitPattern: offset)) + varintSize(UInt64(bitPattern: timestamp))
    }

    /// A tag of one byte and a varint.
    @inlinable
    static func put(_ tag: UInt8, _ value: UInt64, at place: inout UnsafeMutableRawPointer) {
        place.storeBytes(of: tag, as: UInt8.self)
        place += 1
        var rest = value
        while rest >= 0x80 {
            place.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
            place += 1
            rest >>= 7
        }
        place.storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
        place += 1
    }

    @inlinable
    static func copy(
        _ source: UnsafeRawPointer?, _ count: Int, to place: inout UnsafeMutableRawPointer
    ) {
        if count > 0, let source { place.copyMemory(from: source, byteCount: count) }
        place += count
    }
}
