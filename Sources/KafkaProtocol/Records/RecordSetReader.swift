/// Walks the entries of a record set: the `records` of a fetch response or a produce request.
///
/// The last entry may be cut, because a broker sends the bytes of its log up to a limit: the walk
/// ends in front of it and `isCut` tells. If nothing came before it, ask again with a higher limit.
public struct RecordSetReader {
    public let bytes: UnsafeRawBufferPointer
    /// Where the next entry begins. After an error that lets the entry be passed over (unknown
    /// format or compression), behind that entry.
    public private(set) var position = 0
    /// Whether the bytes end inside of an entry. Known when `next` has answered nil.
    public private(set) var isCut = false
    /// The base offset of the entry that `next` looked at last, good or bad.
    public private(set) var baseOffset: Int64 = -1

    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// How many bytes the entry at `position` takes; nil if not even its length is there.
    public var entryByteCount: Int? {
        guard bytes.count - position >= RecordBatchHeader.prefixByteCount else { return nil }
        let length: Int32 = bytes.bigEndian(at: position + 8)
        return RecordBatchHeader.prefixByteCount + Int(length)
    }

    /// The next entry; nil at the end. The checksum is not looked at.
    public mutating func next() throws(RecordError) -> RecordBatch? {
        guard let count = entryByteCount else {
            isCut = position < bytes.count
            return nil
        }
        let place = position
        baseOffset = bytes.bigEndian(at: place)
        // No format has a body that ends before the magic byte.
        guard count > RecordBatchHeader.magicAt else {
            throw RecordError(.invalidLength, at: place + 8)
        }
        guard count <= bytes.count - place else {
            isCut = true
            return nil
        }
        let entry = UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
        position = place + count
        return try batch(entry, place: place)
    }

    private func batch(
        _ entry: UnsafeRawBufferPointer, place: Int
    ) throws(RecordError) -> RecordBatch {
        let magic = Int8(bitPattern: entry[RecordBatchHeader.magicAt])
        switch magic {
        case 2:
            let header = try RecordBatchHeader.decode(entry, place: place)
            guard header.compressionCode <= 4 else {
                throw RecordError(.unknownCodec(header.compressionCode), at: place)
            }
            return RecordBatch(
                bytes: entry, place: place, header: header,
                payload: UnsafeRawBufferPointer(rebasing: entry[RecordBatchHeader.byteCount...]))
        case 0, 1:
            let message = try LegacyMessage.decode(entry, place: place)
            return RecordBatch(
                bytes: entry, place: place, header: message.header,
                payload: message.isCompressed ? message.value ?? .empty : entry)
        default:
            throw RecordError(.unknownMagic(magic), at: place)
        }
    }
}

extension UnsafeRawBufferPointer {
    static var empty: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}
