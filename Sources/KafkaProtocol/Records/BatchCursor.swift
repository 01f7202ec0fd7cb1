/// A pointer into the bytes of a batch that checks before it reads.
///
/// `end` is where the bytes end, and nothing is read from there on. Where a record ends is the
/// reader's to check, once for the whole record.
@usableFromInline
struct BatchCursor {
    @usableFromInline var at: UnsafeRawPointer
    @usableFromInline let start: UnsafeRawPointer
    @usableFromInline let end: UnsafeRawPointer

    @inlinable
    init(_ bytes: UnsafeRawBufferPointer) {
        self = bytes.baseAddress.map { BatchCursor($0, count: bytes.count) } ?? .empty
    }

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
    @inlinable
    mutating func varint() throws(RecordError) -> Int {
        zigzag(try rawVarint(bytesMax: 5))
    }

    /// A zigzag varint of at most 10 bytes.
    @inlinable
    mutating func varint64() throws(RecordError) -> Int64 {
        Int64(zigzag(try rawVarint(bytesMax: 10)))
    }

    /// A base-128 varint; at most 32 bits if `bytesMax` is 5, 64 if it is 10.
    @inlinable
    mutating func rawVarint(bytesMax: Int) throws(RecordError) -> UInt {
        var value: UInt = 0
        var shift: UInt = 0
        var next = at
        while next < end {
            let byte = next.load(as: UInt8.self)
            next += 1
            value |= UInt(byte & 0x7f) << shift
            if byte < 0x80 {
                // The last byte a type allows has room for 4 of 32 bits, or for 1 of 64.
                let bits: UInt = bytesMax == 5 ? 32 : 64
                if bits - shift < 7 && byte >> (bits - shift) != 0 { break }
                at = next
                return value
            }
            shift += 7
            if next - at == bytesMax { throw error(.varintTooLong) }
        }
        throw error(next < end || next - at == bytesMax ? .varintTooLong : .truncated)
    }

    /// Bytes of nothing: an empty buffer may have no address.
    @inlinable
    static var empty: BatchCursor {
        BatchCursor(UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped, count: 0)
    }

    /// Steps over `count` bytes in front of `limit` and answers where they begin.
    @inlinable
    mutating func take(
        _ count: Int, limit: UnsafeRawPointer
    ) throws(RecordError) -> UnsafeRawPointer {
        guard count >= 0, count <= limit - at else { throw error(.invalidLength) }
        let place = at
        at = place + count
        return place
    }

    /// Where a key or a value begins; -1 is null.
    @inlinable
    mutating func nullable(
        _ count: Int, limit: UnsafeRawPointer
    ) throws(RecordError) -> UnsafeRawPointer? {
        count == -1 ? nil : try take(count, limit: limit)
    }

    /// Checks the lengths of `count` headers in front of `limit`.
    mutating func skipHeaders(_ count: Int, limit: UnsafeRawPointer) throws(RecordError) {
        // A header takes two bytes at least: an empty name and a null value.
        guard count > 0, count <= (limit - at) / 2 else { throw error(.invalidCount) }
        for _ in 0..<count {
            _ = try take(try varint(), limit: limit)
            _ = try nullable(try varint(), limit: limit)
        }
    }
}

/// The value whose zigzag form is `raw`.
@inlinable @inline(__always)
func zigzag(_ raw: UInt) -> Int { Int(bitPattern: raw >> 1 ^ (0 &- (raw & 1))) }
