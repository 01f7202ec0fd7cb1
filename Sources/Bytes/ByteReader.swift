/// A checked cursor over borrowed bytes. Every read either advances or throws with the offset at
/// which the value starts; nothing here traps on what a peer sent.
///
/// The reader does not own the bytes: it must not outlive the closure or call that lent them.
public struct ByteReader {
    public let bytes: UnsafeRawBufferPointer
    /// Invariant: 0 <= position <= bytes.count.
    public var position: Int { @inlinable get { cursor } }
    @usableFromInline var cursor = 0

    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    @inlinable public var remaining: Int { bytes.count - position }
    @inlinable public var isAtEnd: Bool { position == bytes.count }

    /// Reserves `count` bytes and answers where they start.
    @inlinable
    public mutating func take(_ count: Int) throws(BytesError) -> Int {
        guard count >= 0 else { throw BytesError(.invalidLength, at: position) }
        guard count <= bytes.count - position else { throw BytesError(.truncated, at: position) }
        let start = position
        cursor = start + count
        return start
    }

    @inlinable
    public mutating func skip(_ count: Int) throws(BytesError) { _ = try take(count) }

    /// The next `count` bytes, still borrowed.
    @inlinable
    public mutating func slice(_ count: Int) throws(BytesError) -> UnsafeRawBufferPointer {
        let start = try take(count)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
    }

    @inlinable
    public mutating func uint8() throws(BytesError) -> UInt8 {
        let start = try take(1)
        return bytes[start]
    }

    @inlinable
    public mutating func int8() throws(BytesError) -> Int8 { Int8(bitPattern: try uint8()) }

    @inlinable
    public mutating func int16() throws(BytesError) -> Int16 {
        let start = try take(2)
        return Int16(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int16.self))
    }

    @inlinable
    public mutating func uint16() throws(BytesError) -> UInt16 {
        UInt16(bitPattern: try int16())
    }

    @inlinable
    public mutating func int32() throws(BytesError) -> Int32 {
        let start = try take(4)
        return Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int32.self))
    }

    @inlinable
    public mutating func uint32() throws(BytesError) -> UInt32 {
        UInt32(bitPattern: try int32())
    }

    @inlinable
    public mutating func int64() throws(BytesError) -> Int64 {
        let start = try take(8)
        return Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int64.self))
    }

    @inlinable
    public mutating func uint64() throws(BytesError) -> UInt64 {
        UInt64(bitPattern: try int64())
    }

    /// A base-128 varint of at most 32 bits (Kafka's "unsigned varint", at most 5 bytes).
    @inlinable
    public mutating func uvarint() throws(BytesError) -> UInt32 {
        let start = position
        guard start < bytes.count else { throw BytesError(.truncated, at: start) }
        let first = bytes[start]
        if first < 0x80 {
            cursor = start + 1
            return UInt32(first)
        }
        let value = try uvarint64(bytesMax: 5)
        guard value <= UInt64(UInt32.max) else { throw BytesError(.varintTooLong, at: start) }
        return UInt32(truncatingIfNeeded: value)
    }

    /// A base-128 varint of at most 64 bits (protobuf's varint, at most 10 bytes).
    @inlinable
    public mutating func uvarint64(bytesMax: Int = 10) throws(BytesError) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        var shift: UInt64 = 0
        var at = start
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            // The tenth byte has room for one bit.
            if shift == 63 && byte > 1 { throw BytesError(.varintTooLong, at: start) }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 {
                cursor = at
                return value
            }
            shift += 7
            if at - start == bytesMax { throw BytesError(.varintTooLong, at: start) }
        }
        throw BytesError(.truncated, at: start)
    }

    /// A zigzag varint of 32 bits (lengths and offset deltas of Kafka records).
    @inlinable
    public mutating func varint() throws(BytesError) -> Int32 {
        let raw = try uvarint()
        return Int32(bitPattern: (raw >> 1) ^ (0 &- (raw & 1)))
    }

    /// A zigzag varint of 64 bits (timestamp deltas of Kafka records).
    @inlinable
    public mutating func varint64() throws(BytesError) -> Int64 {
        let raw = try uvarint64()
        return Int64(bitPattern: (raw >> 1) ^ (0 &- (raw & 1)))
    }

    /// Goes to a place that was seen before. `place` must lie within the bytes.
    @inlinable
    public mutating func seek(to place: Int) {
        precondition(place >= 0 && place <= bytes.count, "seek outside of the bytes")
        cursor = place
    }
}
