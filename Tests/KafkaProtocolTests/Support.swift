import Bytes
import KafkaProtocol
import KafkaTestCodecs
import Timing

/// Every record of a set, with checksums verified.
func records(ofSet bytes: [UInt8]) throws -> [OwnedRecord] {
    try bytes.withUnsafeBytes { try RecordSet($0).records }
}

func batch(
    baseOffset: Int64 = 0, attributes: Int16 = 0, lastOffsetDelta: Int32? = nil,
    _ fill: (inout RecordBatchWriter) -> Void
) -> [UInt8] {
    var writer = RecordBatchWriter(
        RecordBatchHeader(baseOffset: baseOffset, attributes: attributes))
    fill(&writer)
    var w = ByteWriter()
    writer.finish(&w, lastOffsetDelta: lastOffsetDelta)
    return w.array
}

/// The error that reading `bytes` as a record set ends with.
func recordError(_ bytes: [UInt8]) -> RecordError.Reason? {
    do {
        _ = try records(ofSet: bytes)
        return nil
    } catch { return (error as? RecordError)?.reason }
}

extension SeededRandom {
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
