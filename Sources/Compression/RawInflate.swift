import Bytes
import CZlib

/// Inflates messages of raw DEFLATE (RFC 1951) that know nothing of each other. One object serves
/// all connections of a loop: its state (about 40 KiB) comes with the first message.
public final class RawInflate {
    public enum Failure: Error, Equatable, Sendable {
        /// The bytes are not DEFLATE, or end inside of a block.
        case invalid
        /// The message would be larger than the caller's cap.
        case tooBig
    }

    /// zlib keeps a pointer back to the stream, so it cannot move.
    private var stream: UnsafeMutablePointer<z_stream>?

    public init() {}

    deinit {
        guard let stream else { return }
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Appends the plain bytes of `input` to `output`, at most `bytesMax` of them.
    /// - `restoresMarker`: the sender left out the marker 00 00 ff ff at the end of its last flush.
    public func inflate(
        _ input: UnsafeRawBufferPointer, restoresMarker: Bool = false,
        into output: inout ByteWriter, bytesMax: Int
    ) throws(Failure) {
        let stream = ready()
        let end = output.count + bytesMax
        var state = try feed(stream, input, after: Z_OK, into: &output, end: end)
        if restoresMarker {
            var marker = UInt32(0x0000_FFFF).bigEndian
            state = try withUnsafeBytes(of: &marker) { marker throws(Failure) in
                try feed(stream, marker, after: state, into: &output, end: end)
            }
        }
        // inflate() in zlib.h: bit 7 of data_type says that the last block ended here.
        guard state == Z_STREAM_END || stream.pointee.data_type & 128 != 0 else {
            throw .invalid
        }
    }

    private func feed(
        _ stream: UnsafeMutablePointer<z_stream>, _ input: UnsafeRawBufferPointer,
        after state: Int32, into output: inout ByteWriter, end: Int
    ) throws(Failure) -> Int32 {
        guard input.count > 0 else { return state }
        // z_stream counts in 32 bits; no message comes near.
        guard let size = UInt32(exactly: input.count) else { throw .tooBig }
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.bindMemory(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = size
        return try run(stream, after: state, into: &output, end: end)
    }

    /// Uses up the stream's input.
    private func run(
        _ stream: UnsafeMutablePointer<z_stream>, after before: Int32,
        into output: inout ByteWriter, end: Int
    ) throws(Failure) -> Int32 {
        var state = before
        while true {
            // RFC 7692 section 7.2.1: a block marked as final may be followed by others.
            if state == Z_STREAM_END {
                guard stream.pointee.avail_in > 0 else { return state }
                inflateReset(stream)
            }
            // One byte beyond the cap shows that the message does not fit.
            let room = min(end - output.count + 1, max(4_096, output.count))
            let start = output.count
            stream.pointee.next_out = output.extend(room).assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(room)
            state = CZlib.inflate(stream, Z_NO_FLUSH)
            let isFull = stream.pointee.avail_out == 0
            output.truncate(to: start + room - Int(stream.pointee.avail_out))
            guard output.count <= end else { throw .tooBig }
            switch state {
            case Z_STREAM_END: continue
            case Z_OK, Z_BUF_ERROR: if !isFull { return Z_OK }
            default: throw .invalid
            }
        }
    }

    private func ready() -> UnsafeMutablePointer<z_stream> {
        if let stream {
            inflateReset(stream)
            return stream
        }
        let made = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        made.initialize(to: z_stream())
        let status = inflateInit2_(
            made, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib cannot start: \(status)")
        stream = made
        return made
    }
}
