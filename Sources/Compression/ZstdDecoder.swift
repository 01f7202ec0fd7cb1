import Bytes
import CShims

/// Zstandard frames (RFC 8878), one after the other as its section 3 allows.
struct ZstdDecoder: ~Copyable {
    /// The largest window that a frame may ask for, as a power of two: 128 MiB, what the highest
    /// level (22) of a producer that streams declares, and libzstd's own default. The memory is
    /// touched only as far as the frame's plain bytes go, and they are capped.
    static let windowLogMax: Int32 = 27
    /// A context that has grown beyond this is not kept for the next batch.
    private static let contextBytesKept = 16 * 1024 * 1024
    /// Room that is made for a frame that does not tell its size: ZSTD_DStreamOutSize.
    private static let growthBytes = 128 * 1024
    /// A block of at least four bytes gives at most 128 KiB.
    private static let ratioMax = 32 * 1024

    /// ZSTD_reset_session_only
    private static let resetSession: Int32 = 1
    /// ZSTD_d_windowLogMax
    private static let windowLogParameter: Int32 = 100
    /// ZSTD_error_frameParameter_windowTooLarge and ZSTD_error_memory_allocation, as results.
    private static let windowTooLarge = -16
    private static let memoryAllocation = -64
    /// ZSTD_CONTENTSIZE_UNKNOWN and ZSTD_CONTENTSIZE_ERROR are the two largest sizes.
    private static let sizesKnown = 0...UInt64.max - 2

    private var context: ZstdLibrary.Context?
    /// What `produced` has to be at the end of the frame in work; nil if it does not tell.
    private var frameEnd: UInt64?

    deinit {
        if let context { _ = ZstdLibrary.shared?.freeDecoder(context) }
    }

    mutating func begin(_ source: DecoderSource) throws(CompressionError) {
        guard let library = ZstdLibrary.shared else { throw .unavailable(.zstd) }
        guard source.remaining > 0 else { throw .truncated(.zstd) }
        if let context, library.decoderSize(context) > Self.contextBytesKept {
            _ = library.freeDecoder(context)
            self.context = nil
        }
        if context == nil {
            guard let made = library.createDecoder() else { throw .outOfMemory(.zstd) }
            _ = library.setDecoder(made, Self.windowLogParameter, Self.windowLogMax)
            context = made
        }
        _ = library.resetDecoder(context, Self.resetSession)
    }

    mutating func step(
        _ source: inout DecoderSource, into output: inout ByteWriter, budget: Int
    ) throws(CompressionError) -> Bool {
        if source.position == 0 && source.produced == 0 { beginFrame(source, &output) }
        var left = budget
        while left > 0 {
            let before = (source.produced, source.position)
            let hint = try decompress(&source, into: &output, budget: left)
            left -= source.produced - before.0
            if hint == 0 {
                try endFrame(source)
                if source.remaining == 0 { return true }
                beginFrame(source, &output)
            } else if (source.produced, source.position) == before {
                throw .truncated(.zstd)
            }
        }
        return false
    }

    /// One call of libzstd. With the whole frame in sight and room for all of it, which is the
    /// common case, it decompresses in place, without a window of its own.
    private func decompress(
        _ source: inout DecoderSource, into output: inout ByteWriter, budget: Int
    ) throws(CompressionError) -> Int {
        guard let library = ZstdLibrary.shared else { throw .unavailable(.zstd) }
        let start = output.count
        let room = source.room(
            budget: budget, free: output.allocatedBytes - start, growth: Self.growthBytes)
        guard output.reserveIfPossible(room) else { throw .outOfMemory(.zstd) }
        var to = ZstdLibrary.Buffer(bytes: output.extend(room), size: room, position: 0)
        var from = ZstdLibrary.Buffer(
            bytes: UnsafeMutableRawPointer(mutating: source.current), size: source.remaining,
            position: 0)
        let result = library.decompress(context, &to, &from)
        output.truncate(to: start + to.position)
        guard library.isError(result) == 0 else {
            switch result {
            case Self.windowTooLarge: throw .windowTooLarge
            case Self.memoryAllocation: throw .outOfMemory(.zstd)
            default: throw .corrupt(.zstd, at: source.position)
            }
        }
        _ = try source.take(from.position, .zstd)
        try source.allow(to.position, .zstd)
        return result
    }

    private mutating func beginFrame(_ source: DecoderSource, _ output: inout ByteWriter) {
        frameEnd = nil
        guard let promised = ZstdLibrary.shared?.contentSize(source.current, source.remaining),
            Self.sizesKnown.contains(promised)
        else { return }
        frameEnd = UInt64(source.produced).addingReportingOverflow(promised).partialValue
        // Without memory for all of it, a part may do: the steps find out.
        _ = output.reserveIfPossible(source.plausible(promised, ratioMax: Self.ratioMax) + 1)
    }

    /// libzstd holds a frame to its promise where it decompresses it at once, and not always where
    /// it streams: which of the two it was must not matter.
    private func endFrame(_ source: DecoderSource) throws(CompressionError) {
        if let frameEnd, frameEnd != UInt64(source.produced) {
            throw .corrupt(.zstd, at: source.position)
        }
    }
}
