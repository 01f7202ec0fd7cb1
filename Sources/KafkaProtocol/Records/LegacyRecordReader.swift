import Digests

/// Reads the records of one entry of the older formats: the message itself, or the messages inside
/// of a compressed wrapper.
public struct LegacyRecordReader {
    private let wrapper: RecordBatchHeader
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var lastOffset: Int64 = -1
    /// What is added to the offsets inside of a wrapper.
    private let shift: Int64
    /// No message may lie beyond: a wrapper has the offset of its last one, where they are
    /// relative to it. Another offset can follow it in any case.
    private let offsetMax: Int64
    private let isWrapped: Bool

    /// `payload` is the batch's payload, decompressed if it was compressed. Errors count from its
    /// start.
    public init(
        _ header: RecordBatchHeader, payload: UnsafeRawBufferPointer
    ) throws(RecordError) {
        wrapper = header
        bytes = payload
        isWrapped = header.compressionCode != 0
        let isRelative = isWrapped && header.magic == 1 && header.baseOffset != 0
        shift = isRelative ? try LegacyRecordReader.shift(header, payload) : 0
        offsetMax = isRelative ? header.baseOffset : .max - 1
    }

    /// Offsets inside of a wrapper of magic 1 are relative, and the wrapper has that of its last
    /// message (KIP-31). A wrapper of offset 0 is one of an old producer that left the offsets
    /// absolute; so are those of magic 0.
    private static func shift(
        _ header: RecordBatchHeader, _ payload: UnsafeRawBufferPointer
    ) throws(RecordError) -> Int64 {
        var last: Int64 = 0
        var at = 0
        while at < payload.count {
            let count = try entryCount(payload, at)
            last = payload.bigEndian(at: at)
            at += count
        }
        guard last >= 0, last <= header.baseOffset, header.baseOffset < .max else {
            throw RecordError(.invalidOffset, at: 0)
        }
        return header.baseOffset - last
    }

    /// The size of the message at `at`, all of which must be there: wrappers are never cut.
    private static func entryCount(
        _ bytes: UnsafeRawBufferPointer, _ at: Int
    ) throws(RecordError) -> Int {
        guard bytes.count - at > RecordBatchHeader.magicAt else {
            throw RecordError(.truncated, at: at)
        }
        let length: Int32 = bytes.bigEndian(at: at + 8)
        let count = RecordBatchHeader.prefixByteCount + Int(length)
        guard count > RecordBatchHeader.magicAt, count <= bytes.count - at else {
            throw RecordError(.invalidLength, at: at + 8)
        }
        return count
    }

    /// Fills `record` with the next one; false at the end. Offsets grow from record to record.
    public mutating func next(_ record: inout Record) throws(RecordError) -> Bool {
        guard position < bytes.count else { return false }
        let place = position
        let count = try LegacyRecordReader.entryCount(bytes, place)
        let entry = UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
        let magic: Int8 = entry.bigEndian(at: RecordBatchHeader.magicAt)
        guard magic == wrapper.magic else { throw RecordError(.invalidWrapper, at: place) }
        let message = try LegacyMessage.decode(entry, place: place)
        if isWrapped { try checkInner(message, entry, place: place) }
        let offset = message.header.baseOffset.addingReportingOverflow(shift)
        guard !offset.overflow, offset.partialValue > lastOffset,
            offset.partialValue <= offsetMax
        else {
            throw RecordError(.invalidOffset, at: place)
        }
        lastOffset = offset.partialValue
        position = place + count
        record = Record(message, offset: lastOffset, timestamp: timestamp(of: message))
        return true
    }

    private func checkInner(
        _ message: LegacyMessage, _ entry: UnsafeRawBufferPointer, place: Int
    ) throws(RecordError) {
        guard !message.isCompressed else { throw RecordError(.invalidWrapper, at: place) }
        let checked = UnsafeRawBufferPointer(rebasing: entry[LegacyMessage.checksummedFrom...])
        guard crc32(checked) == message.header.checksum else {
            throw RecordError(.checksumMismatch, at: place)
        }
    }

    /// The broker's time of appending stands in the wrapper only.
    private func timestamp(of message: LegacyMessage) -> Int64 {
        isWrapped && wrapper.magic == 1 && wrapper.isLogAppendTime
            ? wrapper.maxTimestamp : message.header.maxTimestamp
    }
}
