import Bytes

/// The first 61 bytes of a record batch (magic 2, KIP-98). The entries of the older formats are
/// described by the same fields as far as they have them.
public struct RecordBatchHeader: Equatable, Sendable {
    /// Of a batch: the offset of its first record, which compaction may have removed. Of an older
    /// entry: the offset that it carries, the last one of a compressed wrapper.
    public var baseOffset: Int64
    /// -1 in the older formats.
    public var partitionLeaderEpoch: Int32
    public var magic: Int8
    /// CRC-32C from the attributes to the end; CRC-32 in the older formats.
    public var checksum: UInt32
    public var attributes: Int16
    public var lastOffsetDelta: Int32
    /// Milliseconds. -1 in an empty batch; the delete horizon if attribute bit 6 is set.
    public var baseTimestamp: Int64
    /// Milliseconds; the time of appending if `isLogAppendTime`.
    public var maxTimestamp: Int64
    /// -1 without idempotence, like the two that follow.
    public var producerID: Int64
    public var producerEpoch: Int16
    public var baseSequence: Int32
    /// 0 after compaction has removed every record; -1 for a compressed wrapper of an older format.
    public var recordCount: Int32

    public static let byteCount = 61
    /// Base offset and length, which every format begins with.
    public static let prefixByteCount = 12
    static let magicAt = 16
    static let checksumAt = 17
    static let checksummedFrom = 21

    public init(
        baseOffset: Int64 = 0, partitionLeaderEpoch: Int32 = -1, magic: Int8 = 2,
        checksum: UInt32 = 0, attributes: Int16 = 0, lastOffsetDelta: Int32 = 0,
        baseTimestamp: Int64 = -1, maxTimestamp: Int64 = -1, producerID: Int64 = -1,
        producerEpoch: Int16 = -1, baseSequence: Int32 = -1, recordCount: Int32 = 0
    ) {
        self.baseOffset = baseOffset
        self.partitionLeaderEpoch = partitionLeaderEpoch
        self.magic = magic
        self.checksum = checksum
        self.attributes = attributes
        self.lastOffsetDelta = lastOffsetDelta
        self.baseTimestamp = baseTimestamp
        self.maxTimestamp = maxTimestamp
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.baseSequence = baseSequence
        self.recordCount = recordCount
    }
}

extension RecordBatchHeader {
    /// What the attributes say; bits 0 to 2 are the compression.
    enum Attribute {
        static let compressionMask: Int16 = 0x07
        /// The older formats have two bits only, and so no zstd.
        static let legacyCompressionMask: Int16 = 0x03
        static let logAppendTime: Int16 = 0x08
        static let transactional: Int16 = 0x10
        static let control: Int16 = 0x20
    }

    /// 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    public var compressionCode: Int {
        let mask =
            magic >= 2 ? Attribute.compressionMask : Attribute.legacyCompressionMask
        return Int(attributes & mask)
    }

    /// Every record then has the timestamp `maxTimestamp`.
    public var isLogAppendTime: Bool { attributes & Attribute.logAppendTime != 0 }
    public var isTransactional: Bool { magic >= 2 && attributes & Attribute.transactional != 0 }
    /// A control batch holds a marker, no record for a reader; its offsets count all the same.
    public var isControl: Bool { magic >= 2 && attributes & Attribute.control != 0 }

    /// The last offset that the entry covers, whether or not a record is still there.
    public var lastOffset: Int64 { baseOffset &+ Int64(lastOffsetDelta) }

    /// The header holds more records than offsets: its last offset is not to be believed.
    public var understatesItsEnd: Bool { recordCount > 0 && recordCount - 1 > lastOffsetDelta }

    /// Where reading goes on behind the entry (KAFKA-5443), records or not.
    public var nextOffset: Int64 { lastOffset &+ 1 }
}
