/// A message of the formats before Kafka 0.11: magic 0 has no timestamp, magic 1 has (KIP-32). A
/// compressed wrapper holds more of them in its value.
struct LegacyMessage {
    var header: RecordBatchHeader
    var key: UnsafeRawBufferPointer?
    var value: UnsafeRawBufferPointer?

    static let checksummedFrom = 16
    static let attributesAt = 17

    var isCompressed: Bool { header.compressionCode != 0 }

    /// Reads `entry`, a whole message from its offset on, whose length and magic are known to be
    /// good. `place` is added to the offsets of errors.
    static func decode(
        _ entry: UnsafeRawBufferPointer, place: Int
    ) throws(RecordError) -> LegacyMessage {
        let magic: Int8 = entry.bigEndian(at: RecordBatchHeader.magicAt)
        let fixedCount = magic == 0 ? 18 : 26
        guard entry.count >= fixedCount else { throw RecordError(.invalidLength, at: place + 8) }
        var header = RecordBatchHeader(magic: magic, recordCount: 1)
        header.baseOffset = entry.bigEndian(at: 0)
        header.checksum = entry.bigEndian(at: 12)
        header.attributes = Int16(entry[attributesAt])
        if magic == 1 {
            header.maxTimestamp = entry.bigEndian(at: 18)
            header.baseTimestamp = header.maxTimestamp
        }
        if header.compressionCode != 0 { header.recordCount = -1 }
        guard header.baseOffset >= 0, header.baseOffset < .max else {
            throw RecordError(.invalidOffset, at: place)
        }
        var at = fixedCount
        let key = try bytes(of: entry, &at, place: place)
        let value = try bytes(of: entry, &at, place: place)
        guard at == entry.count else { throw RecordError(.trailingBytes, at: place + at) }
        return LegacyMessage(header: header, key: key, value: value)
    }

    /// A key or a value: 32 bits of length, -1 for null.
    private static func bytes(
        of entry: UnsafeRawBufferPointer, _ at: inout Int, place: Int
    ) throws(RecordError) -> UnsafeRawBufferPointer? {
        guard entry.count - at >= 4 else { throw RecordError(.truncated, at: place + at) }
        let count: Int32 = entry.bigEndian(at: at)
        guard count >= -1, Int(count) <= entry.count - at - 4 else {
            throw RecordError(.invalidLength, at: place + at)
        }
        at += 4
        guard count >= 0 else { return nil }
        defer { at += Int(count) }
        return UnsafeRawBufferPointer(rebasing: entry[at..<at + Int(count)])
    }
}

extension Record {
    /// A record of the older formats, which have no headers.
    init(_ message: LegacyMessage, offset: Int64, timestamp: Int64) {
        self.init()
        self.offset = offset
        self.timestamp = timestamp
        key = message.key?.baseAddress
        keyCount = message.key?.count ?? -1
        value = message.value?.baseAddress
        valueCount = message.value?.count ?? -1
    }
}
