import Bytes
import Digests

/// A batch as a producer sends it. The same bytes are sent again as often as needed: a broker tells
/// a repetition by them.
public struct SealedBatch {
    /// All but length and checksum.
    public private(set) var header: RecordBatchHeader
    public let block: ByteBlock

    public var recordCount: Int { Int(header.recordCount) }
    public var byteCount: Int { block.count }

    /// `block` begins with room for the header.
    init(_ header: RecordBatchHeader, _ stamp: ProducerStamp, _ block: ByteBlock) {
        self.header = header
        self.header.lastOffsetDelta = max(header.lastOffsetDelta, 0)
        self.block = block
        self.stamp(stamp)
    }

    public var stamp: ProducerStamp {
        ProducerStamp(
            producerID: header.producerID, producerEpoch: header.producerEpoch,
            baseSequence: header.baseSequence, isTransactional: header.isTransactional)
    }

    /// Writes another producer's id, epoch and sequence into the batch, and its checksum anew. No
    /// socket may still be sending it.
    public mutating func stamp(_ stamp: ProducerStamp) {
        header.producerID = stamp.producerID
        header.producerEpoch = stamp.producerEpoch
        header.baseSequence = stamp.baseSequence
        header.attributes &= ~RecordBatchHeader.Attribute.transactional
        if stamp.isTransactional {
            header.attributes |= RecordBatchHeader.Attribute.transactional
        }
        sign()
    }

    /// Writes header and checksum anew: a broker found the batch corrupt.
    public func sign() {
        guard let base = block.base else { return }
        header.write(to: base, batchCount: block.count)
        let covered = UnsafeRawBufferPointer(
            rebasing: block.bytes[RecordBatchHeader.checksummedFrom...])
        base.storeBytes(
            of: crc32c(covered).bigEndian, toByteOffset: RecordBatchHeader.checksumAt,
            as: UInt32.self)
    }
}
