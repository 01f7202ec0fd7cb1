import Bytes
import Digests
import KafkaProtocol

/// A record batch of format 2 as a broker looks at it: the header, never the records.
struct ProducedBatch {
    static let headerBytes = 61
    /// The CRC covers everything from here on.
    static let checkedFrom = 21
    private static let lengthFrom = 12

    let bytes: UnsafeRawBufferPointer
    let attributes: Int16
    let lastOffsetDelta: Int32
    let baseTimestamp: Int64
    let maxTimestamp: Int64
    let producerID: Int64
    let producerEpoch: Int16
    let baseSequence: Int32
    let recordCount: Int32

    var codec: Int { Int(attributes & 0x07) }
    var isTransactional: Bool { attributes & 0x10 != 0 }
    var isControl: Bool { attributes & 0x20 != 0 }
    var hasProducer: Bool { producerID >= 0 }
    var baseOffset: Int64 { Int64(bigEndian: bytes.loadUnaligned(as: Int64.self)) }
    /// Sequences wrap to 0 behind the largest int32.
    var lastSequence: Int32 {
        let sum = Int64(baseSequence) + Int64(lastOffsetDelta)
        return Int32(truncatingIfNeeded: sum > Int64(Int32.max) ? sum - (1 << 31) : sum)
    }

    /// The batch that `records` begins with; a `KafkaError` says what a broker finds wrong.
    init(_ records: UnsafeRawBufferPointer) throws(KafkaError) {
        guard records.count >= Self.lengthFrom + 5 else { throw .corruptMessage }
        let length = Int(Int32(bigEndian: records.loadUnaligned(fromByteOffset: 8, as: Int32.self)))
        guard records[16] == 2 else { throw .unsupportedForMessageFormat }
        guard length >= Self.headerBytes - Self.lengthFrom,
            length <= records.count - Self.lengthFrom
        else { throw .corruptMessage }
        bytes = UnsafeRawBufferPointer(rebasing: records[..<(Self.lengthFrom + length)])
        var reader = ByteReader(bytes)
        do {
            try reader.skip(17)
            let crc = try reader.uint32()
            guard crc == crc32c(UnsafeRawBufferPointer(rebasing: bytes[Self.checkedFrom...]))
            else { throw KafkaError.corruptMessage }
            attributes = try reader.int16()
            lastOffsetDelta = try reader.int32()
            baseTimestamp = try reader.int64()
            maxTimestamp = try reader.int64()
            producerID = try reader.int64()
            producerEpoch = try reader.int16()
            baseSequence = try reader.int32()
            recordCount = try reader.int32()
        } catch {
            throw .corruptMessage
        }
        guard lastOffsetDelta >= 0 else { throw .corruptMessage }
    }
}
