import Bytes
import Compression
import KafkaProtocol

/// The records of a stored batch, decompressed; nil if they cannot be had.
func storedRecords(_ batch: RecordBatch) -> [UInt8]? {
    guard let codec = Codec(rawValue: batch.header.compressionCode) else { return nil }
    if codec == .none { return [UInt8](batch.payload) }
    var decompressor = Decompressor()
    var output = ByteWriter()
    do throws(CompressionError) {
        try decompressor.begin(codec, input: batch.payload, cap: storedRecordsBytesMax)
        while try decompressor.step(into: &output, budget: 1 << 20) == .more {}
        return output.array
    } catch {
        return nil
    }
}

/// A batch that was let in cannot hold more than this, decompressed.
private let storedRecordsBytesMax = 1 << 30
