import Bytes
import CZlib

/// Deflates messages to raw DEFLATE (RFC 1951) that refer to nothing before them. One object
/// serves all connections of a loop; its state (up to 256 KiB) comes with the first message.
public final class RawDeflate {
    /// What a flush ends with: an empty stored block.
    public static let markerByteCount = 4

    /// Largest distance back, as a power of two: 9...15. (zlib cannot write raw DEFLATE with 8.)
    public let windowBits: Int
    /// zlib's 1 (fast) to 9 (small).
    public let level: Int
    /// zlib keeps a pointer back to the stream, so it cannot move.
    private var stream: UnsafeMutablePointer<z_stream>?

    public init(windowBits: Int = 15, level: Int = 1) {
        precondition((9...15).contains(windowBits) && (1...9).contains(level))
        self.windowBits = windowBits
        self.level = level
    }

    deinit {
        guard let stream else { return }
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Appends `input` deflated and ended at a byte boundary by the marker 00 00 ff ff, so that
    /// more of such pieces may follow it.
    public func deflate(_ input: UnsafeRawBufferPointer, into output: inout ByteWriter) {
        let stream = ready()
        var rest = input
        repeat {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: part.bindMemory(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = UInt32(part.count)
            run(stream, rest.isEmpty ? Z_SYNC_FLUSH : Z_NO_FLUSH, into: &output)
        } while !rest.isEmpty
    }

    private func run(
        _ stream: UnsafeMutablePointer<z_stream>, _ flush: Int32, into output: inout ByteWriter
    ) {
        repeat {
            let room = Int(deflateBound(stream, UInt(stream.pointee.avail_in))) + 16
            let start = output.count
            stream.pointee.next_out = output.extend(room).assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(room)
            let status = CZlib.deflate(stream, flush)
            precondition(status == Z_OK || status == Z_BUF_ERROR, "zlib fails: \(status)")
            output.truncate(to: start + room - Int(stream.pointee.avail_out))
        } while stream.pointee.avail_out == 0
    }

    private func ready() -> UnsafeMutablePointer<z_stream> {
        if let stream {
            deflateReset(stream)
            return stream
        }
        let made = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        made.initialize(to: z_stream())
        let status = deflateInit2_(
            made, Int32(level), Z_DEFLATED, Int32(-windowBits), 8, Z_DEFAULT_STRATEGY,
            ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib cannot start: \(status)")
        stream = made
        return made
    }
}
