import Bytes
import Compression

extension SealedBatch {
    /// Its records for `RecordReader`, with `header`: to send them again in other batches, because
    /// a broker found this one too large or refused one of them.
    public func payload(
        _ decompressor: inout Decompressor
    ) throws(CompressionError) -> ByteBlock {
        let stored = UnsafeRawBufferPointer(
            rebasing: block.bytes[RecordBatchHeader.byteCount...])
        let codec = Codec(rawValue: header.compressionCode) ?? .none
        var plain = ByteWriter()
        try decompressor.begin(codec, input: stored, cap: Int(Int32.max))
        while try decompressor.step(into: &plain, budget: .max) == .more {}
        return plain.take()
    }
}
