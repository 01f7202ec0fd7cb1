import Bytes
import Compression

/// permessage-deflate (RFC 7692 section 7.2) for all connections of one loop. Because no context is
/// taken over, one inflater and one deflater a window size serve them all.
public final class DeflateCodec {
    private let inflater = RawInflate()
    private var deflaters = [RawDeflate?](repeating: nil, count: 16)
    /// The message inflated last.
    private var plain = ByteWriter()

    /// Memory that `plain` keeps for the next message: most messages are small commands.
    private static let keptBytesMax = 65_536

    public init() {}

    /// Writes `payload` as one compressed message in one frame.
    public func write(
        _ opcode: Opcode, _ payload: UnsafeRawBufferPointer, _ agreement: DeflateAgreement,
        into output: inout ByteWriter
    ) {
        var compressed = ByteWriter()
        compress(payload, windowBits: agreement.serverWindowBits, into: &compressed)
        FrameWriter.header(opcode, length: compressed.count, isCompressed: true, into: &output)
        compressed.withBytes { output.bytes($0) }
    }

    /// Appends the payload of a compressed message.
    public func compress(
        _ payload: UnsafeRawBufferPointer, windowBits: Int, into output: inout ByteWriter
    ) {
        deflater(windowBits).deflate(payload, into: &output)
        // RFC 7692 section 7.2.1: the last four bytes, 00 00 ff ff, are left out.
        output.truncate(to: output.count - RawDeflate.markerByteCount)
    }

    /// The plain bytes of a message, valid until the next call.
    func inflate(
        _ payload: UnsafeRawBufferPointer, bytesMax: Int
    ) throws(FrameFault) -> UnsafeRawBufferPointer {
        if plain.allocatedBytes > Self.keptBytesMax { plain = ByteWriter() }
        plain.removeAll()
        // Not a flush of anything, but what some senders make of an empty message.
        guard payload.count > 0 else { return payload }
        do throws(RawInflate.Failure) {
            try inflater.inflate(payload, restoresMarker: true, into: &plain, bytesMax: bytesMax)
        } catch {
            plain = ByteWriter()
            throw FrameFault(
                error == .tooBig ? .messageTooBig(bytesMax: bytesMax) : .invalidDeflateData)
        }
        return plain.withBytes { $0 }
    }

    /// The first plain bytes of a message, as far as they are there; valid until the next call.
    func inflateStart(_ payload: UnsafeRawBufferPointer, bytesMax: Int) -> UnsafeRawBufferPointer {
        guard bytesMax > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        plain.removeAll()
        // Where it goes on, or goes wrong, nobody asks.
        try? inflater.inflate(payload, into: &plain, bytesMax: bytesMax)
        return plain.withBytes { UnsafeRawBufferPointer(rebasing: $0.prefix(bytesMax)) }
    }

    /// What it appends ends with the marker, and refers to nothing outside of itself.
    public func deflater(_ windowBits: Int) -> RawDeflate {
        if let deflater = deflaters[windowBits] { return deflater }
        let made = RawDeflate(windowBits: windowBits)
        deflaters[windowBits] = made
        return made
    }
}
