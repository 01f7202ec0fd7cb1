import Bytes

/// The two to fourteen bytes in front of a payload (RFC 6455 section 5.2).
struct FrameHeader {
    let opcode: Opcode
    let isFinal: Bool
    /// RSV1: the first frame of a compressed message (RFC 7692 section 6).
    let isCompressed: Bool
    let length: UInt64
    /// The masking key as its four bytes lie in memory.
    let mask: UInt32
    /// Bytes of the header itself.
    let byteCount: Int

    static let controlLengthMax = 125

    /// Answers nil when more bytes are needed; throws as soon as a byte is wrong.
    @inline(__always)
    static func decode(
        _ bytes: UnsafeRawBufferPointer, allowsCompression: Bool
    ) throws(FrameFault) -> FrameHeader? {
        guard bytes.count > 0 else { return nil }
        let first = bytes[0]
        let opcode = try checkedOpcode(first, allowsCompression: allowsCompression)
        guard bytes.count > 1 else { return nil }
        let second = bytes[1]
        // RFC 6455 section 5.1: a server MUST close upon a frame that is not masked.
        guard second & 0x80 != 0 else { throw FrameFault(.notMasked) }
        let short = second & 0x7F
        if opcode.isControl && short > controlLengthMax { throw FrameFault(.controlFrameTooLong) }
        let maskAt = short < 126 ? 2 : short == 126 ? 4 : 10
        guard bytes.count >= maskAt else { return nil }
        let length = try payloadLength(bytes, short)
        guard bytes.count >= maskAt + 4 else { return nil }
        return FrameHeader(
            opcode: opcode, isFinal: first & 0x80 != 0, isCompressed: first & 0x40 != 0,
            length: length, mask: bytes.loadUnaligned(fromByteOffset: maskAt, as: UInt32.self),
            byteCount: maskAt + 4)
    }

    @inline(__always)
    private static func checkedOpcode(
        _ first: UInt8, allowsCompression: Bool
    ) throws(FrameFault) -> Opcode {
        guard let opcode = Opcode(rawValue: first & 0x0F) else {
            throw FrameFault(.unknownOpcode(first & 0x0F))
        }
        guard first & 0x30 == 0 else { throw FrameFault(.reservedBits) }
        if first & 0x40 != 0 {
            // RFC 7692 section 6.1: RSV1 belongs to the first frame of a data message.
            guard allowsCompression && (opcode == .text || opcode == .binary) else {
                throw FrameFault(.reservedBits)
            }
        }
        if opcode.isControl && first & 0x80 == 0 { throw FrameFault(.fragmentedControlFrame) }
        return opcode
    }

    /// RFC 6455 section 5.2: the minimal number of bytes MUST be used to encode the length. Being
    /// liberal here would let two parsers on the path disagree on where a frame ends.
    @inline(__always)
    private static func payloadLength(
        _ bytes: UnsafeRawBufferPointer, _ short: UInt8
    ) throws(FrameFault) -> UInt64 {
        switch short {
        case 126:
            let length = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            guard length > 125 else { throw FrameFault(.nonMinimalLength) }
            return UInt64(length)
        case 127:
            let length = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            guard length > 0xFFFF else { throw FrameFault(.nonMinimalLength) }
            return length
        default:
            return UInt64(short)
        }
    }
}

/// A reason on its way to the place that knows the frame's offset.
struct FrameFault: Error {
    let reason: WebSocketError.Reason
    init(_ reason: WebSocketError.Reason) { self.reason = reason }
}
