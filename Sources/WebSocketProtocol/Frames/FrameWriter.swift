import Bytes

/// The frames of a server: never masked (RFC 6455 section 5.1).
public enum FrameWriter {
    /// Writes a header; the caller sends `length` bytes of payload behind it.
    /// - `isCompressed`: RSV1, only on the first frame of a message (RFC 7692 section 6).
    @inlinable
    public static func header(
        _ opcode: Opcode, length: Int, isFinal: Bool = true, isCompressed: Bool = false,
        into output: inout ByteWriter
    ) {
        precondition(length >= 0, "a frame of negative length")
        let first = opcode.rawValue | (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0)
        if length < 126 {
            output.uint16(UInt16(first) << 8 | UInt16(truncatingIfNeeded: length))
        } else if length <= 0xFFFF {
            output.uint32(
                UInt32(first) << 24 | 126 << 16 | UInt32(truncatingIfNeeded: length))
        } else {
            output.uint16(UInt16(first) << 8 | 127)
            output.int64(Int64(length))
        }
    }

    /// A whole message in one frame.
    @inlinable
    public static func frame(
        _ opcode: Opcode, _ payload: UnsafeRawBufferPointer, into output: inout ByteWriter
    ) {
        guard payload.count < 126, let from = payload.baseAddress else {
            header(opcode, length: payload.count, into: &output)
            return output.bytes(payload)
        }
        let place = output.extend(2 + payload.count)
        place.storeBytes(of: opcode.rawValue | 0x80, as: UInt8.self)
        place.storeBytes(
            of: UInt8(truncatingIfNeeded: payload.count), toByteOffset: 1, as: UInt8.self)
        (place + 2).copyMemory(from: from, byteCount: payload.count)
    }

    /// A Close frame. Without a code it is empty and carries no reason; a reason of more than 123
    /// bytes of UTF-8 is cut between two characters (RFC 6455 section 5.5.1).
    public static func close(
        _ code: CloseCode?, reason: String = "", into output: inout ByteWriter
    ) {
        guard let code else { return header(.close, length: 0, into: &output) }
        precondition(code.isAllowedOnTheWire, "a close code that no frame may carry")
        var text = reason
        text.withUTF8 { text in
            let kept = cut(text, to: FrameHeader.controlLengthMax - 2)
            header(.close, length: 2 + kept, into: &output)
            output.uint16(code.rawValue)
            output.bytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text)[..<kept]))
        }
    }

    private static func cut(_ text: UnsafeBufferPointer<UInt8>, to bytesMax: Int) -> Int {
        guard text.count > bytesMax else { return text.count }
        var kept = bytesMax
        while kept > 0 && text[kept] & 0xC0 == 0x80 { kept -= 1 }
        return kept
    }
}
