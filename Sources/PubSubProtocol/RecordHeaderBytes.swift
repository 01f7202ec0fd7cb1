extension [UInt8] {
    /// Appends a header as it stands in a batch of records: a zigzag varint of the name's length,
    /// the name, one of the value's length or -1 for null, the value.
    public mutating func appendRecordHeader(
        key: some Collection<UInt8>, value: (some Collection<UInt8>)?
    ) {
        appendZigZag(key.count)
        append(contentsOf: key)
        appendZigZag(value?.count ?? -1)
        if let value { append(contentsOf: value) }
    }

    private mutating func appendZigZag(_ value: Int) {
        var rest = UInt64(bitPattern: Int64(value << 1 ^ value >> 63))
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest & 0x7f | 0x80))
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }
}
