/// Pointers into the bytes of a batch, checked before each access. Concrete and inlined: this is
/// where a record's eight nanoseconds are spent.
@usableFromInline
struct RecordCursor {
    @usableFromInline var at: UnsafeRawPointer
    @usableFromInline var end: UnsafeRawPointer
    @usableFromInline let start: UnsafeRawPointer

    @inlinable
    init(_ start: UnsafeRawPointer, count: Int) {
        self.start = start
        at = start
        end = start + count
    }

    @inlinable var position: Int { at - start }
    @inlinable var remaining: Int { end - at }

    @inlinable
    func error(_ reason: RecordError.Reason) -> RecordError { RecordError(reason, at: position) }

    /// A zigzag varint of at most 5 bytes.
    @inlinable @inline(__always)
    mutating func varint() throws(RecordError) -> Int {
        guard at < end else { throw error(.truncated) }
        let first = at.load(as: UInt8.self)
        if first < 0x80 {
            at += 1
            return Int(first >> 1) ^ -Int(first & 1)
        }
        return Int(zigzag(try longVarint(bytesMax: 5)))
    }

    /// A zigzag varint of at most 10 bytes.
    @inlinable @inline(__always)
    mutating func varint64() throws(RecordError) -> Int64 {
        guard at < end else { throw error(.truncated) }
        let first = at.load(as: UInt8.self)
        if first < 0x80 {
            at += 1
            return Int64(first >> 1) ^ -Int64(first & 1)
        }
        return zigzag(try longVarint(bytesMax: 10))
    }

    @inlinable @inline(__always)
    func zigzag(_ raw: UInt64) -> Int64 { Int64(bitPattern: (raw >> 1) ^ (0 &- (raw & 1))) }

    /// A base-128 varint; at most 32 bits if `bytesMax` is 5, 64 if it is 10.
    @inlinable
    mutating func longVarint(bytesMax: Int) throws(RecordError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        var next = at
        while next < end {
            let byte = next.load(as: UInt8.self)
            next += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 {
                // The last byte a type allows has room for 4 of 32 bits, or for 1 of 64.
                let bits: UInt64 = bytesMax == 5 ? 32 : 64
                if bits - shift < 7 && byte >> (bits - shift) != 0 { break }
                at = next
                return value
            }
            shift += 7
            if next - at == bytesMax { break }
        }
        throw error(next == end && next - at < bytesMax ? .truncated : .varintTooLong)
    }

    /// Steps over `count` bytes and answers where they begin.
    @inlinable @inline(__always)
    mutating func take(_ count: Int) throws(RecordError) -> UnsafeRawPointer {
        guard count >= 0, count <= end - at else { throw error(.invalidLength) }
        let place = at
        at = place + count
        return place
    }
}
