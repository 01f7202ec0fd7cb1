import Bytes
import CZlib

/// gzip (RFC 1952), members one after the other as its section 2.2 allows.
struct GzipDecoder: ~Copyable {
    /// Room that is made when a member's promise was short.
    private static let growthBytes = 64 * 1024
    /// DEFLATE's best: 258 bytes for two bits.
    private static let ratioMax = 1032
    /// RFC 1952 section 2.3: a header of ten bytes, an empty block of at least two, a trailer.
    private static let memberBytesMin = 20
    /// ID1, ID2, and CM for DEFLATE.
    private static let memberMagic: [UInt8] = [0x1f, 0x8b, 8]
    /// inflateInit2: the largest window, and a gzip header.
    private static let windowBits: Int32 = 15 + 16

    /// zlib keeps a pointer back to the stream, so it cannot move.
    private var stream: UnsafeMutablePointer<z_stream>?

    deinit {
        guard let stream else { return }
        inflateEnd(stream)
        stream.deallocate()
    }

    mutating func begin(_ source: DecoderSource) throws(CompressionError) {
        guard source.remaining > 0 else { throw .truncated(.gzip) }
        if let stream {
            inflateReset(stream)
            return
        }
        let made = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        made.initialize(to: z_stream())
        let status = inflateInit2_(
            made, Self.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            made.deallocate()
            throw .outOfMemory(.gzip)
        }
        stream = made
    }

    mutating func step(
        _ source: inout DecoderSource, into output: inout ByteWriter, budget: Int
    ) throws(CompressionError) -> Bool {
        guard let stream else { preconditionFailure("step without begin") }
        if source.position == 0 && source.produced == 0 { reserve(source, &output) }
        var left = budget
        while left > 0 {
            let before = source.produced
            let status = try inflate(stream, &source, into: &output, budget: left)
            left -= source.produced - before
            switch status {
            case Z_STREAM_END:
                guard Self.isMember(source.rest) else { return true }
                inflateReset(stream)
            case Z_OK where source.produced > before || source.remaining > 0: continue
            case Z_OK, Z_BUF_ERROR: throw .truncated(.gzip)
            case Z_MEM_ERROR: throw .outOfMemory(.gzip)
            default: throw .corrupt(.gzip, at: source.position)
            }
        }
        return false
    }

    /// What follows a member and is none (padding, mostly zeros) is passed over, as Java's reader
    /// and librdkafka do.
    private static func isMember(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= memberBytesMin && bytes.starts(with: memberMagic)
    }

    /// One call of zlib, with the bytes it read and wrote counted.
    private func inflate(
        _ stream: UnsafeMutablePointer<z_stream>, _ source: inout DecoderSource,
        into output: inout ByteWriter, budget: Int
    ) throws(CompressionError) -> Int32 {
        let start = output.count
        let room = source.room(
            budget: budget, free: output.allocatedBytes - start, growth: Self.growthBytes)
        guard output.reserveIfPossible(room) else { throw .outOfMemory(.gzip) }
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: source.current?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(source.remaining)
        stream.pointee.next_out = output.extend(room).assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(room)
        let status = CZlib.inflate(stream, Z_NO_FLUSH)
        let written = room - Int(stream.pointee.avail_out)
        output.truncate(to: start + written)
        _ = try source.take(source.remaining - Int(stream.pointee.avail_in), .gzip)
        try source.allow(written, .gzip)
        return status
    }

    /// RFC 1952 section 2.3.1: the last four bytes are the size of the (last) member's plain bytes.
    private func reserve(_ source: DecoderSource, _ output: inout ByteWriter) {
        guard source.input.count >= 18 else { return }
        let promised = UInt32(
            littleEndian: source.input.loadUnaligned(
                fromByteOffset: source.input.count - 4, as: UInt32.self))
        let plausible = source.plausible(UInt64(promised), ratioMax: Self.ratioMax)
        // Without memory for all of it, a part may do: the steps find out.
        _ = output.reserveIfPossible(plausible + 1)
    }
}
