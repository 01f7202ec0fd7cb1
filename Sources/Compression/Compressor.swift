import Bytes
import CShims
import CZlib

/// Compresses batches, one after the other, with one codec and one choice of options. What the
/// codec needs beside the bytes (contexts of zlib and zstd) is kept for the next batch.
///
/// It belongs to one loop.
public struct Compressor: ~Copyable {
    public let codec: Codec
    private let options: CompressionOptions
    private var deflater: UnsafeMutablePointer<z_stream>?
    private var encoder: ZstdLibrary.Context?

    /// - Throws: `unavailable` where the codec's library is not installed.
    public init(
        _ codec: Codec, _ options: CompressionOptions = CompressionOptions()
    ) throws(CompressionError) {
        guard codec.isAvailable else { throw .unavailable(codec) }
        self.codec = codec
        self.options = options
    }

    deinit {
        if let deflater {
            deflateEnd(deflater)
            deflater.deallocate()
        }
        if let encoder { _ = ZstdLibrary.shared?.freeEncoder(encoder) }
    }

    /// Appends `bytes`, compressed.
    public mutating func compress(
        _ bytes: UnsafeRawBufferPointer, into output: inout ByteWriter
    ) throws(CompressionError) {
        switch codec {
        case .none: output.bytes(bytes)
        case .gzip: try gzip(bytes, into: &output)
        case .snappy where options.snappyFraming == .raw: try snappy(bytes, into: &output)
        case .snappy: try xerial(bytes, into: &output)
        case .lz4: try lz4(bytes, into: &output)
        case .zstd: try zstd(bytes, into: &output)
        }
    }

    private mutating func gzip(
        _ bytes: UnsafeRawBufferPointer, into output: inout ByteWriter
    ) throws(CompressionError) {
        let stream = try ready()
        let start = output.count
        let room = Int(deflateBound(stream, UInt(bytes.count)))
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(bytes.count)
        stream.pointee.next_out = output.extend(room).assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(room)
        let status = deflate(stream, Z_FINISH)
        precondition(status == Z_STREAM_END, "zlib fails: \(status)")
        output.truncate(to: start + room - Int(stream.pointee.avail_out))
    }

    /// zlib keeps a pointer back to the stream, so it cannot move.
    private mutating func ready() throws(CompressionError) -> UnsafeMutablePointer<z_stream> {
        if let deflater {
            deflateReset(deflater)
            return deflater
        }
        let made = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        made.initialize(to: z_stream())
        // 15 + 16: the largest window, and a gzip header. 8 is the default amount of memory.
        let status = deflateInit2_(
            made, options.level ?? Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
            Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            made.deallocate()
            throw .outOfMemory(.gzip)
        }
        deflater = made
        return made
    }

    private func snappy(
        _ bytes: UnsafeRawBufferPointer, into output: inout ByteWriter
    ) throws(CompressionError) {
        guard let library = SnappyLibrary.shared else { throw .unavailable(.snappy) }
        let start = output.count
        var size = library.compressBound(bytes.count)
        let status = library.compress(bytes.baseAddress, bytes.count, output.extend(size), &size)
        precondition(status == 0, "snappy fails: \(status)")
        output.truncate(to: start + size)
    }

    private func xerial(
        _ bytes: UnsafeRawBufferPointer, into output: inout ByteWriter
    ) throws(CompressionError) {
        let chunkCount = 32 * 1024
        output.bytes(SnappyDecoder.xerialMagic)
        // The version, and the oldest version that can read it.
        output.int32(1)
        output.int32(1)
        for start in stride(from: 0, to: bytes.count, by: chunkCount) {
            let chunk = bytes[start..<min(start + chunkCount, bytes.count)]
            let at = output.count
            output.int32(0)
            try snappy(UnsafeRawBufferPointer(rebasing: chunk), into: &output)
            output.patchInt32(Int32(output.count - at - 4), at: at)
        }
    }

    private func lz4(
        _ bytes: UnsafeRawBufferPointer, into output: inout ByteWriter
    ) throws(CompressionError) {
        guard let library = LZ4Library.shared else { throw .unavailable(.lz4) }
        var preferences = cshims_lz4_preferences()
        preferences.block_size = options.lz4BlockSize
        preferences.independent_blocks = options.lz4LinkedBlocks ? 0 : 1
        preferences.content_checksum = options.lz4Checksums ? 1 : 0
        preferences.block_checksum = options.lz4Checksums ? 1 : 0
        preferences.content_size = options.lz4ContentSize ? UInt64(bytes.count) : 0
        preferences.level = options.level ?? 0
        let start = output.count
        let room = library.frameBound(bytes.count, &preferences)
        let size = library.compressFrame(
            output.extend(room), room, bytes.baseAddress, bytes.count, &preferences)
        // Nothing else can be wrong: the room is what it asked for.
        guard library.isError(size) == 0 else { throw .outOfMemory(.lz4) }
        output.truncate(to: start + size)
    }

    private mutating func zstd(
        _ bytes: UnsafeRawBufferPointer, into output: inout ByteWriter
    ) throws(CompressionError) {
        guard let library = ZstdLibrary.shared else { throw .unavailable(.zstd) }
        let encoder = try ready(library)
        let start = output.count
        let room = library.compressBound(bytes.count)
        let size = library.compress(
            encoder, output.extend(room), room, bytes.baseAddress, bytes.count)
        guard library.isError(size) == 0 else { throw .outOfMemory(.zstd) }
        output.truncate(to: start + size)
    }

    private mutating func ready(
        _ library: ZstdLibrary
    ) throws(CompressionError) -> ZstdLibrary.Context {
        if let encoder { return encoder }
        guard let made = library.createEncoder() else { throw .outOfMemory(.zstd) }
        // ZSTD_c_compressionLevel and ZSTD_c_contentSizeFlag
        _ = library.setEncoder(made, 100, options.level ?? 3)
        _ = library.setEncoder(made, 200, options.zstdContentSize ? 1 : 0)
        encoder = made
        return made
    }
}

extension Codec {
    /// `bytes`, compressed at once.
    public func compress(
        _ bytes: UnsafeRawBufferPointer, _ options: CompressionOptions = CompressionOptions()
    ) throws(CompressionError) -> [UInt8] {
        var compressor = try Compressor(self, options)
        var output = ByteWriter()
        try compressor.compress(bytes, into: &output)
        return output.array
    }

    public func compress(
        _ bytes: [UInt8], _ options: CompressionOptions = CompressionOptions()
    ) throws(CompressionError) -> [UInt8] {
        try bytes.withUnsafeBufferPointer { bytes throws(CompressionError) in
            try compress(UnsafeRawBufferPointer(bytes), options)
        }
    }
}
