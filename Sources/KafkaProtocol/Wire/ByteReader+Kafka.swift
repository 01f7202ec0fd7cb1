import Bytes

/// Arrays reserve at most this many elements before the first one is read: a count is checked
/// against the bytes that follow, but an element may take ten times as much here as on the wire.
public let elementsReservedMax = 1024

// A compact length is an unsigned varint of one more than the length, 0 for null. The older form
// is a signed integer, negative for null. Null where it is not allowed throws `invalidLength`.
extension ByteReader {
    public mutating func bool() throws(BytesError) -> Bool { try uint8() != 0 }

    public mutating func uuid() throws(BytesError) -> KafkaUUID {
        let high = try uint64()
        return KafkaUUID(high: high, low: try uint64())
    }

    /// The length of what follows; nil for null.
    mutating func compactLength() throws(BytesError) -> Int? {
        let raw = try uvarint()
        return raw == 0 ? nil : Int(raw) - 1
    }

    mutating func stringLength(flexible: Bool) throws(BytesError) -> Int? {
        if flexible { return try compactLength() }
        let length = try int16()
        return length < 0 ? nil : Int(length)
    }

    mutating func dataLength(flexible: Bool) throws(BytesError) -> Int? {
        if flexible { return try compactLength() }
        let length = try int32()
        return length < 0 ? nil : Int(length)
    }

    mutating func utf8(_ count: Int) throws(BytesError) -> String {
        let start = position
        let bytes = try slice(count)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw BytesError(.invalidUTF8, at: start)
        }
        return text
    }

    public mutating func string(flexible: Bool) throws(BytesError) -> String {
        let start = position
        guard let length = try stringLength(flexible: flexible) else {
            throw BytesError(.invalidLength, at: start)
        }
        return try utf8(length)
    }

    public mutating func nullableString(
        flexible: Bool, nullable: Bool = true
    ) throws(BytesError) -> String? {
        let start = position
        if let length = try stringLength(flexible: flexible) { return try utf8(length) }
        guard nullable else { throw BytesError(.invalidLength, at: start) }
        return nil
    }

    public mutating func data(flexible: Bool) throws(BytesError) -> [UInt8] {
        let start = position
        guard let length = try dataLength(flexible: flexible) else {
            throw BytesError(.invalidLength, at: start)
        }
        return [UInt8](try slice(length))
    }

    /// A range of the frame; the bytes are not looked at.
    public mutating func records(flexible: Bool) throws(BytesError) -> KafkaBytes? {
        guard let length = try dataLength(flexible: flexible) else { return nil }
        return KafkaBytes(offset: try take(length), count: length)
    }

    /// The count of an array whose elements take at least `bytesMin` bytes each: a count
    /// that the rest of the frame cannot hold is refused before anything is allocated.
    public mutating func nullableCount(
        flexible: Bool, eachAtLeast bytesMin: Int, nullable: Bool = true
    ) throws(BytesError) -> Int? {
        let start = position
        guard let count = try dataLength(flexible: flexible) else {
            guard nullable else { throw BytesError(.invalidLength, at: start) }
            return nil
        }
        guard count <= remaining / max(bytesMin, 1) else {
            throw BytesError(.invalidLength, at: start)
        }
        return count
    }

    public mutating func count(
        flexible: Bool, eachAtLeast bytesMin: Int
    ) throws(BytesError) -> Int {
        let start = position
        let count = try nullableCount(flexible: flexible, eachAtLeast: bytesMin)
        guard let count else { throw BytesError(.invalidLength, at: start) }
        return count
    }
}
