import Digests

/// One entry of a record set, borrowed from the frame: a batch (magic 2), or a message or a
/// compressed wrapper of the older formats (magic 0 and 1).
public struct RecordBatch {
    /// The whole entry.
    public let bytes: UnsafeRawBufferPointer
    /// Where the entry begins in the record set.
    public let place: Int
    public let header: RecordBatchHeader
    /// The records; compressed if `header.compressionCode` says so. What comes out of the
    /// decompressor, or this itself, goes to `RecordReader`, or `LegacyRecordReader` if `isLegacy`.
    public let payload: UnsafeRawBufferPointer

    /// Whether the entry is of a format before Kafka 0.11. Brokers up to 3.x serve topics that
    /// still hold such messages.
    public var isLegacy: Bool { header.magic < 2 }

    /// Where reading goes on behind the entry; nil if only its decompressed messages tell (a
    /// wrapper of offset 0, as old producers wrote it).
    public var nextOffset: Int64? {
        if isLegacy && header.compressionCode != 0 && header.baseOffset == 0 { return nil }
        return header.nextOffset
    }

    /// Compares the checksum with the bytes. Nothing of a batch should be used before.
    public func verifyChecksum() throws(RecordError) {
        let computed =
            isLegacy
            ? crc32(UnsafeRawBufferPointer(rebasing: bytes[LegacyMessage.checksummedFrom...]))
            : crc32c(
                UnsafeRawBufferPointer(rebasing: bytes[RecordBatchHeader.checksummedFrom...]))
        guard computed == header.checksum else {
            throw RecordError(.checksumMismatch, at: place)
        }
    }
}
