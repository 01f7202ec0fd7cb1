import Bytes

/// The LZ4 frame format, read here, around the block decoder of liblz4: blocks are decompressed
/// where they stay, and those that refer to their predecessors find them there.
///
/// No checksum is verified: the CRC-32C of the batch covers these bytes already, Kafka's own
/// client does not verify the content's either, and the header's is wrong in messages of magic 0
/// (KIP-57).
struct LZ4Decoder {
    private static let magic: UInt32 = 0x184d_2204
    /// LZ4's best: a length byte of 255.
    private static let ratioMax = 255
    private static let uncompressedFlag: UInt32 = 1 << 31

    private var header = Header()

    /// "Frame Descriptor" of the LZ4 frame format 1.6.
    private struct Header {
        var blocksAreLinked = false
        var hasBlockChecksums = false
        var hasContentChecksum = false
        var contentSize: UInt64 = 0
        var blockSizeMax = 0
    }

    mutating func begin(_ source: inout DecoderSource) throws(CompressionError) {
        guard LZ4Library.shared != nil else { throw .unavailable(.lz4) }
        guard try source.littleEndian32(.lz4) == Self.magic else { throw .corrupt(.lz4, at: 0) }
        let flags = try source.take(2, .lz4)
        let (flag, block) = (flags[0], flags[1])
        // Version 01; bit 1 of the one and bits 7 and 3...0 of the other are reserved. A
        // dictionary (bit 0) is known to nobody here.
        guard flag >> 6 == 1, flag & 0b11 == 0, block & 0b1000_1111 == 0, block >> 4 >= 4 else {
            throw .corrupt(.lz4, at: 4)
        }
        header.blocksAreLinked = flag & 0x20 == 0
        header.hasBlockChecksums = flag & 0x10 != 0
        header.hasContentChecksum = flag & 0x04 != 0
        header.blockSizeMax = 1 << (8 + 2 * Int(block >> 4))
        header.contentSize = 0
        if flag & 0x08 != 0 {
            let low = try source.littleEndian32(.lz4)
            let high = try source.littleEndian32(.lz4)
            header.contentSize = UInt64(high) << 32 | UInt64(low)
        }
        _ = try source.take(1, .lz4)
    }

    func step(
        _ source: inout DecoderSource, into output: inout ByteWriter, budget: Int
    ) throws(CompressionError) -> Bool {
        if source.produced == 0 {
            // Without memory for all of it, a part may do: the blocks find out.
            _ = output.reserveIfPossible(
                source.plausible(header.contentSize, ratioMax: Self.ratioMax))
        }
        var left = budget
        while left > 0 {
            let before = source.produced
            guard try block(&source, into: &output) else { return true }
            left -= source.produced - before
        }
        return false
    }

    /// One block; false at the frame's end. A frame without its end mark ends with its last block,
    /// as for librdkafka: whether records are missing, their count tells.
    private func block(
        _ source: inout DecoderSource, into output: inout ByteWriter
    ) throws(CompressionError) -> Bool {
        let start = source.position
        if source.remaining == 0, source.produced > 0 { return false }
        let word = try source.littleEndian32(.lz4)
        if word == 0 {
            try end(&source)
            return false
        }
        let size = Int(word & ~Self.uncompressedFlag)
        guard size <= header.blockSizeMax else { throw .corrupt(.lz4, at: start) }
        let bytes = try source.take(size, .lz4)
        if word & Self.uncompressedFlag != 0 {
            try source.allow(size, .lz4)
            guard output.reserveIfPossible(size) else { throw .outOfMemory(.lz4) }
            output.bytes(bytes)
        } else {
            try decompress(bytes, at: start, &source, into: &output)
        }
        if header.hasBlockChecksums { _ = try source.take(4, .lz4) }
        return true
    }

    private func decompress(
        _ bytes: UnsafeRawBufferPointer, at start: Int, _ source: inout DecoderSource,
        into output: inout ByteWriter
    ) throws(CompressionError) {
        guard let library = LZ4Library.shared else { throw .unavailable(.lz4) }
        let before = output.count
        let room = min(header.blockSizeMax, bytes.count * Self.ratioMax)
        guard output.reserveIfPossible(room) else { throw .outOfMemory(.lz4) }
        let place = output.extend(room)
        let history = header.blocksAreLinked ? min(source.produced, Decompressor.historyBytes) : 0
        let size = Int32(bytes.count)
        let plain =
            history > 0
            ? library.decompressWithHistory(
                bytes.baseAddress, place, size, Int32(room), place - history, Int32(history))
            : library.decompress(bytes.baseAddress, place, size, Int32(room))
        output.truncate(to: before + max(0, Int(plain)))
        guard plain >= 0 else { throw .corrupt(.lz4, at: start) }
        try source.allow(Int(plain), .lz4)
    }

    private func end(_ source: inout DecoderSource) throws(CompressionError) {
        if header.hasContentChecksum { _ = try source.take(4, .lz4) }
        guard source.remaining == 0 else { throw .trailingBytes(.lz4, at: source.position) }
    }
}
