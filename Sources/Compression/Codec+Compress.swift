import Bytes
import CShims
import CZlib

/// Choices of a producer that its readers have to cope with. The defaults are those of Kafka's
/// Java client.
public struct CompressionOptions: Sendable {
    public enum SnappyFraming: Sendable { case raw, xerial }

    public var snappyFraming = SnappyFraming.xerial
    /// LZ4 blocks that refer to the ones before them (librdkafka writes them so).
    public var lz4LinkedBlocks = false
    public var lz4Checksums = false
    public var lz4ContentSize = false
    /// 4...7: 64 KiB, 256 KiB, 1 MiB, 4 MiB.
    public var lz4BlockSize: UInt32 = 4
    /// Whether the frame tells its plain size; a producer that streams cannot know it.
    public var zstdContentSize = false
    /// The codec's level; nil for its default.
    public var level: Int32?

    public init() {}
}

extension Codec {
    /// `bytes`, compressed. For the in-memory broker and the tests: no step, no reuse.
    public func compress(
        _ bytes: UnsafeRawBufferPointer, _ options: CompressionOptions = CompressionOptions()
    ) throws(CompressionError) -> [UInt8] {
        var output = ByteWriter()
        switch self {
        case .none: output.bytes(bytes)
        case .gzip: gzip(bytes, options, into: &output)
        case .snappy where options.snappyFraming == .raw: try snappy(bytes, into: &output)
        case .snappy: try xerial(bytes, into: &output)
        case .lz4: try lz4(bytes, options, into: &output)
        case .zstd: try zstd(bytes, options, into: &output)
        }
        return output.array
    }

    public func compress(
        _ bytes: [UInt8], _ options: CompressionOptions = CompressionOptions()
    ) throws(CompressionError) -> [UInt8] {
        try bytes.withUnsafeBufferPointer { bytes throws(CompressionError) in
            try compress(UnsafeRawBufferPointer(bytes), options)
        }
    }

    private func gzip(
        _ bytes: UnsafeRawBufferPointer, _ options: CompressionOptions,
        into output: inout ByteWriter
    ) {
        var stream = z_stream()
        // 15 + 16: the largest window, and a gzip header. 8 is the default amount of memory.
        var status = deflateInit2_(
            &stream, options.level ?? Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
            Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib cannot start: \(status)")
        defer { deflateEnd(&stream) }
        let room = Int(deflateBound(&stream, UInt(bytes.count)))
        stream.next_in = UnsafeMutablePointer(
            mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = UInt32(bytes.count)
        stream.next_out = output.extend(room).assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(room)
        status = deflate(&stream, Z_FINISH)
        precondition(status == Z_STREAM_END, "zlib fails: \(status)")
        output.truncate(to: room - Int(stream.avail_out))
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
        _ bytes: UnsafeRawBufferPointer, _ options: CompressionOptions,
        into output: inout ByteWriter
    ) throws(CompressionError) {
        guard let library = LZ4Library.shared else { throw .unavailable(.lz4) }
        var preferences = cshims_lz4_preferences()
        preferences.block_size = options.lz4BlockSize
        preferences.independent_blocks = options.lz4LinkedBlocks ? 0 : 1
        preferences.content_checksum = options.lz4Checksums ? 1 : 0
        preferences.block_checksum = options.lz4Checksums ? 1 : 0
        preferences.content_size = options.lz4ContentSize ? UInt64(bytes.count) : 0
        preferences.level = options.level ?? 0
        let room = library.frameBound(bytes.count, &preferences)
        let size = library.compressFrame(
            output.extend(room), room, bytes.baseAddress, bytes.count, &preferences)
        precondition(library.isError(size) == 0, "lz4 fails: \(size)")
        output.truncate(to: size)
    }

    private func zstd(
        _ bytes: UnsafeRawBufferPointer, _ options: CompressionOptions,
        into output: inout ByteWriter
    ) throws(CompressionError) {
        guard let library = ZstdLibrary.shared else { throw .unavailable(.zstd) }
        guard let encoder = library.createEncoder() else { throw .outOfMemory(.zstd) }
        defer { _ = library.freeEncoder(encoder) }
        // ZSTD_c_compressionLevel and ZSTD_c_contentSizeFlag
        _ = library.setEncoder(encoder, 100, options.level ?? 3)
        _ = library.setEncoder(encoder, 200, options.zstdContentSize ? 1 : 0)
        let room = library.compressBound(bytes.count)
        let size = library.compress(
            encoder, output.extend(room), room, bytes.baseAddress, bytes.count)
        precondition(library.isError(size) == 0, "zstd fails: \(size)")
        output.truncate(to: size)
    }
}
