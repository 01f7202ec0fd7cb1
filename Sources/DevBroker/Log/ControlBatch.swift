import Bytes
import Digests

/// The batch of one control record that ends a transaction (KIP-98): key is version and type
/// (0 abort, 1 commit), value is version and coordinator epoch.
func controlBatch(
    producerID: Int64, producerEpoch: Int16, committed: Bool, timestamp: Int64
) -> [UInt8] {
    var record = ByteWriter(capacity: 32)
    record.int8(0)
    record.varint(0)
    record.varint(0)
    record.varint(4)
    record.int16(0)
    record.int16(committed ? 1 : 0)
    record.varint(6)
    record.int16(0)
    record.int32(0)
    record.varint(0)

    var checked = ByteWriter(capacity: 96)
    checked.int16(0x30)
    checked.int32(0)
    checked.int64(timestamp)
    checked.int64(timestamp)
    checked.int64(producerID)
    checked.int16(producerEpoch)
    checked.int32(-1)
    checked.int32(1)
    checked.varint(Int64(record.count))
    record.withBytes { checked.bytes($0) }

    var batch = ByteWriter(capacity: 96)
    batch.int64(0)
    batch.int32(Int32(checked.count + 9))
    batch.int32(-1)
    batch.int8(2)
    batch.uint32(checked.withBytes { crc32c($0) })
    checked.withBytes { batch.bytes($0) }
    return batch.array
}
