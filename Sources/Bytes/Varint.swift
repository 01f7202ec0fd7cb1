/// Bytes of a varint: 1 to 10.
@inlinable
public func varintSize(_ value: UInt64) -> Int {
    // One byte for every seven bits begun; 9/64 is just above 1/7 as far as 64 bits go.
    let bits = UInt64.bitWidth - (value | 1).leadingZeroBitCount
    return (bits &* 9 &+ 64) >> 6
}

extension ByteReader {
    /// The bytes behind a varint that tells how many they are.
    public mutating func lengthPrefixed() throws(BytesError) -> UnsafeRawBufferPointer {
        let start = position
        let length = try uvarint64()
        guard length <= UInt64(remaining) else { throw BytesError(.truncated, at: start) }
        return try slice(Int(length))
    }
}
