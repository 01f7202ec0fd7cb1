import Digests
import KafkaProtocol

/// What a broker writes into a batch (magic 2) that a producer has sent.
public enum RecordBatchStamp {
    /// The offset and the leader's epoch stand in front of what the checksum covers.
    public static func assign(
        baseOffset: Int64, partitionLeaderEpoch: Int32, in batch: UnsafeMutableRawBufferPointer
    ) {
        precondition(batch.count >= RecordBatchHeader.byteCount, "not a whole batch")
        batch.storeBytes(of: baseOffset.bigEndian, toByteOffset: 0, as: Int64.self)
        batch.storeBytes(of: partitionLeaderEpoch.bigEndian, toByteOffset: 12, as: Int32.self)
    }

    /// For topics whose records have the time at which the broker appended them, in milliseconds.
    /// The checksum is computed anew.
    public static func assign(
        appendTimestamp: Int64, in batch: UnsafeMutableRawBufferPointer
    ) {
        precondition(batch.count >= RecordBatchHeader.byteCount, "not a whole batch")
        batch[22] |= 0x08
        batch.storeBytes(of: appendTimestamp.bigEndian, toByteOffset: 35, as: Int64.self)
        let checksummed = UnsafeRawBufferPointer(rebasing: batch[21...])
        batch.storeBytes(of: crc32c(checksummed).bigEndian, toByteOffset: 17, as: UInt32.self)
    }
}
