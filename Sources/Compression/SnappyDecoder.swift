import Bytes

/// Snappy in both of its framings: raw, as librdkafka and franz-go write it, and the chunks of
/// xerial's Java library, as Kafka's own clients do.
struct SnappyDecoder {
    /// 0x82 "SNAPPY" 0x00, then two versions of 32 bits that nobody looks at.
    static let xerialMagic: [UInt8] = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
    static let xerialHeaderCount = 16
    /// Snappy's best: a copy of 64 bytes takes three.
    private static let ratioMax = 22

    private var isXerial = false

    mutating func begin(_ source: inout DecoderSource) throws(CompressionError) {
        guard SnappyLibrary.shared != nil else { throw .unavailable(.snappy) }
        guard source.remaining > 0 else { throw .truncated(.snappy) }
        isXerial =
            source.remaining >= Self.xerialHeaderCount && source.rest.starts(with: Self.xerialMagic)
        if isXerial { _ = try source.take(Self.xerialHeaderCount, .snappy) }
    }

    /// Raw snappy comes as a whole, xerial's by chunks (of 32 KiB as Java writes it).
    func step(
        _ source: inout DecoderSource, into output: inout ByteWriter, budget: Int
    ) throws(CompressionError) -> Bool {
        var left = budget
        repeat {
            if isXerial && source.remaining == 0 { return true }
            let size = isXerial ? Int(try source.bigEndian32(.snappy)) : source.remaining
            left -= try chunk(size, &source, into: &output)
        } while left > 0 && source.remaining > 0
        return source.remaining == 0
    }

    /// Plain bytes of one chunk.
    private func chunk(
        _ size: Int, _ source: inout DecoderSource, into output: inout ByteWriter
    ) throws(CompressionError) -> Int {
        guard let library = SnappyLibrary.shared else { throw .unavailable(.snappy) }
        let start = source.position
        let bytes = try source.take(size, .snappy)
        var length = 0
        guard library.plainLength(bytes.baseAddress, size, &length) == 0,
            length <= size * Self.ratioMax
        else { throw .corrupt(.snappy, at: start) }
        try source.allow(length, .snappy)
        // One more: an empty chunk has a place too.
        guard output.reserveIfPossible(length + 1) else { throw .outOfMemory(.snappy) }
        let before = output.count
        let written = library.decompress(bytes.baseAddress, size, output.extend(length), &length)
        guard written == 0 else {
            output.truncate(to: before)
            throw .corrupt(.snappy, at: start)
        }
        return length
    }
}
