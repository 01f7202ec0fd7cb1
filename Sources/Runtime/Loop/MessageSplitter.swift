import Bytes

/// Takes a server's frames apart into messages, whatever the pieces that they come in. They are
/// our own engine's: without a mask, without extensions, well-formed.
struct MessageSplitter: ~Copyable {
    private static let headBytesMax = 10
    private static let controlOpcodeMin: UInt8 = 8

    /// A message of several pieces, while it is put together.
    private var partial = ByteWriter()
    private var head: [UInt8] = []
    private var opcode: UInt8 = 0
    private var isControl = false
    private var isFinal = false
    /// Payload of the frame that is still to come; nil: its head is.
    private var left: Int?

    mutating func take(
        _ bytes: UnsafeRawBufferPointer, _ body: (UInt8, UnsafeRawBufferPointer) -> Void
    ) {
        var place = 0
        while place < bytes.count || left == 0 {
            guard let left else {
                readHead(bytes[place])
                place += 1
                continue
            }
            let part = min(left, bytes.count - place)
            let piece = UnsafeRawBufferPointer(rebasing: bytes[place..<place + part])
            place += part
            self.left = left - part
            if part == left { finish(piece, body) } else if !isControl { partial.bytes(piece) }
        }
    }

    private mutating func readHead(_ byte: UInt8) {
        head.append(byte)
        guard head.count >= 2 else { return }
        let short = Int(head[1])
        let lengthBytes = short < 126 ? 0 : short == 126 ? 2 : 8
        guard head.count == 2 + lengthBytes else { return }
        left = short < 126 ? short : head[2...].reduce(0) { $0 << 8 | Int($1) }
        let code = head[0] & 0x0f
        isControl = code >= Self.controlOpcodeMin
        isFinal = head[0] & 0x80 != 0
        if !isControl, code != 0 { opcode = code }
        head.removeAll(keepingCapacity: true)
    }

    /// The frame ends with this piece.
    private mutating func finish(
        _ piece: UnsafeRawBufferPointer, _ body: (UInt8, UnsafeRawBufferPointer) -> Void
    ) {
        left = nil
        if isControl { return }
        if isFinal, partial.count == 0 { return body(opcode, piece) }
        partial.bytes(piece)
        guard isFinal else { return }
        partial.withBytes { body(opcode, $0) }
        partial = ByteWriter()
    }
}
