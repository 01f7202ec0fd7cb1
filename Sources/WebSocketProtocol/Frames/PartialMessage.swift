import Bytes

/// A message whose last frame has not come yet, in one contiguous run however it is cut.
struct PartialMessage: ~Copyable {
    /// nil between messages.
    var opcode: Opcode?
    var isCompressed = false
    var utf8 = UTF8Validator()
    var fragmentCount = 0
    var buffer = ByteWriter()

    mutating func begin(_ header: FrameHeader) {
        opcode = header.opcode
        isCompressed = header.isCompressed
        utf8 = UTF8Validator()
        fragmentCount = 0
    }

    /// Text can be checked on its way, unless it has to be inflated first.
    var isPlainText: Bool { opcode == .text && !isCompressed }

    /// Appends a piece of the frame under way; `expected` is how many bytes of it are still to
    /// come, so that a message of one large frame ends in memory of its size. What is only
    /// announced takes none. Fragments may be many and small: there the memory doubles.
    mutating func append(_ piece: UnsafeMutableRawBufferPointer, expected: Int) {
        let needed = buffer.count + piece.count
        if needed > buffer.allocatedBytes {
            let doubled = max(needed, 2 * buffer.allocatedBytes)
            buffer.reserve(capacity: fragmentCount > 0 ? doubled : min(doubled, needed + expected))
        }
        buffer.bytes(UnsafeRawBufferPointer(piece))
    }
}

/// The part of a data frame that is still to come.
struct PartialFrame {
    /// Whether a header was read whose payload has not ended.
    var isOpen = false
    var isFinal = false
    var remaining = 0
    /// The masking key, turned so that its first byte is for the next byte of payload.
    var mask: UInt32 = 0
}
