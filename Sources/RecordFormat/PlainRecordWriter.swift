import Bytes
import CShims

/// Writes the records that nearly all records are, as `KafkaMessageWriter` does it and without a
/// call or a check for their parts: neighbours without headers, to memory that is large enough.
public struct PlainRecordWriter {
    @usableFromInline var offset = NearbyVarint()
    @usableFromInline var timestamp = NearbyVarint()
    @usableFromInline let appendTime: Bool

    /// Bytes of tags, lengths, offset and timestamp at most, and those that are written too far.
    public static let overheadMax = 80
    /// So far ahead of what is written memory is fetched: the processor's own prefetching stops at
    /// the end of a page, and knows nothing of writing.
    @usableFromInline static let bytesAhead = 2048

    /// - Parameter appendTime: whether the timestamps are the broker's.
    @inlinable
    public init(appendTime: Bool) { self.appendTime = appendTime }

    /// Whether the record is one for this writer. (One at offset 0 or of no time is not.)
    @inlinable @inline(__always)
    public mutating func takes(offset: Int64, timestamp: Int64) -> Bool {
        let offset = UInt64(bitPattern: offset)
        let timestamp = UInt64(bitPattern: timestamp)
        if self.offset.difference(offset, lowBits: 7)
            | self.timestamp.difference(timestamp, lowBits: 14) == 0
        {
            return true
        }
        // New values: a reference to the old ones would keep them out of the registers.
        self.offset = NearbyVarint.around(offset, 0x08, 7)
        self.timestamp = NearbyVarint.around(timestamp, 0x10, 14)
        return self.offset.isHeld && self.timestamp.isHeld
    }

    /// Writes a record that it takes at `place`, where there must be room for key, value and
    /// `overheadMax` more, and moves `place` to its end.
    ///
    /// - Parameters:
    ///   - keyCount: bytes at `key`, negative for null.
    ///   - valueCount: bytes at `value`, negative for null.
    @inlinable @inline(__always)
    public func write(
        offset: Int64, timestamp: Int64,
        key: UnsafeRawPointer?, keyCount: Int,
        value: UnsafeRawPointer?, valueCount: Int,
        at place: inout UnsafeMutableRawPointer
    ) {
        let body =
            self.offset.byteCount &+ self.timestamp.byteCount &+ size(keyCount) &+ size(valueCount)
            &+ (appendTime ? 3 : 0)
        putLength(0x0a, body, at: &place)
        self.offset.put(UInt64(bitPattern: offset), lowBits: 7, at: &place)
        self.timestamp.put(UInt64(bitPattern: timestamp), lowBits: 14, at: &place)
        if let key {
            putLength(0x1a, keyCount, at: &place)
            copy(key, keyCount, to: &place)
        }
        if let value {
            putLength(0x22, valueCount, at: &place)
            copy(value, valueCount, to: &place)
        }
        if appendTime {
            // Field 102, varint 1.
            place.storeBytes(of: UInt32(0x01_06b0).littleEndian, as: UInt32.self)
            place += 3
        }
    }

    /// Of a field of `count` bytes.
    @inlinable @inline(__always)
    func size(_ count: Int) -> Int {
        if count < 0 { return 0 }
        return count < 0x80 ? 2 &+ count : longSize(count)
    }

    @inlinable
    func longSize(_ count: Int) -> Int {
        1 &+ varintSize(UInt64(bitPattern: Int64(count))) &+ count
    }

    @inlinable @inline(__always)
    func putLength(_ tag: UInt8, _ count: Int, at place: inout UnsafeMutableRawPointer) {
        if count < 0x80 {
            let word = UInt16(tag) | UInt16(truncatingIfNeeded: count) << 8
            place.storeBytes(of: word.littleEndian, as: UInt16.self)
            place += 2
        } else {
            putLong(tag, count, at: &place)
        }
    }

    @inlinable
    func putLong(_ tag: UInt8, _ count: Int, at place: inout UnsafeMutableRawPointer) {
        KafkaMessageWriter.put(tag, UInt64(bitPattern: Int64(count)), at: &place)
    }

    /// Small pieces are copied 32 bytes at a time, with up to 31 too many.
    @inlinable @inline(__always)
    func copy(
        _ source: UnsafeRawPointer, _ count: Int, to place: inout UnsafeMutableRawPointer
    ) {
        if count > 512 {
            place.copyMemory(from: source, byteCount: count)
        } else {
            var done = 0
            while done &+ 32 < count {
                copyPiece(source + done, to: place + done)
                copyPiece(source + done + 32, to: place + done + 32)
                cshims_prefetch_to_write(place + done + Self.bytesAhead)
                done &+= 64
            }
            if done < count {
                copyPiece(source + done, to: place + done)
                cshims_prefetch_to_write(place + done + Self.bytesAhead)
            }
        }
        place += count
    }

    @inlinable @inline(__always)
    func copyPiece(_ source: UnsafeRawPointer, to place: UnsafeMutableRawPointer) {
        let piece = source.loadUnaligned(as: SIMD32<UInt8>.self)
        place.storeBytes(of: piece, as: SIMD32<UInt8>.self)
    }
}
