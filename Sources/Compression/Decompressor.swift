import Bytes

/// Decompresses the records of batches, one batch after the other, in steps.
///
/// Plain bytes are produced once, straight into the caller's writer, and the cap holds while they
/// grow: compressed bytes say nothing true about their plain size. What a decoder needs beside
/// that (zlib's and zstd's contexts) is kept for the next batch.
public struct Decompressor: ~Copyable {
    public enum Progress: Sendable {
        /// Call `step` again.
        case more
        case done
    }

    /// How far back the plain bytes may refer that decoders find in their output: LZ4's distance.
    public static let historyBytes = 64 * 1024

    private var gzip = GzipDecoder()
    private var snappy = SnappyDecoder()
    private var lz4 = LZ4Decoder()
    private var zstd = ZstdDecoder()

    private var codec = Codec.none
    private var source = DecoderSource()
    private var isDone = true

    public init() {}

    /// Starts with a batch, and forgets one that was not finished.
    ///
    /// - Parameters:
    ///   - input: the compressed bytes. They have to stay where they are until `.done`.
    ///   - cap: the most plain bytes that are allowed.
    public mutating func begin(
        _ codec: Codec, input: UnsafeRawBufferPointer, cap: Int
    ) throws(CompressionError) {
        isDone = true
        // The libraries count in 32 bits; no batch comes near.
        guard input.count <= Int(Int32.max) else { throw .corrupt(codec, at: 0) }
        self.codec = codec
        source = DecoderSource(input, cap: cap)
        switch codec {
        case .none: break
        case .gzip: try gzip.begin(source)
        case .snappy: try snappy.begin(&source)
        case .lz4: try lz4.begin(&source)
        case .zstd: try zstd.begin(source)
        }
        isDone = false
    }

    /// Appends more plain bytes to `output`. Of earlier steps' bytes the last `historyBytes` have
    /// to be there still, right in front of them.
    ///
    /// - Parameter budget: plain bytes after which the step ends. A codec's block is never
    ///   divided: raw snappy comes as a whole, a block of lz4 has up to 4 MiB (64 KiB as the
    ///   clients write it), one of zstd 128 KiB.
    public mutating func step(
        into output: inout ByteWriter, budget: Int
    ) throws(CompressionError) -> Progress {
        if isDone { return .done }
        let budget = max(1, budget)
        switch codec {
        case .none: isDone = try copy(into: &output)
        case .gzip: isDone = try gzip.step(&source, into: &output, budget: budget)
        case .snappy: isDone = try snappy.step(&source, into: &output, budget: budget)
        case .lz4: isDone = try lz4.step(&source, into: &output, budget: budget)
        case .zstd: isDone = try zstd.step(&source, into: &output, budget: budget)
        }
        return isDone ? .done : .more
    }

    private mutating func copy(into output: inout ByteWriter) throws(CompressionError) -> Bool {
        try source.allow(source.remaining, .none)
        output.bytes(source.rest)
        return true
    }
}
