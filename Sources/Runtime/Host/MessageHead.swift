import WebSocketProtocol

/// What stands in front of each message in a pipe's input.
struct MessageHead {
    static let byteCount = 8

    let opcode: Opcode
    let count: Int

    init(opcode: Opcode, count: Int) {
        self.opcode = opcode
        self.count = count
    }

    /// The head of the first message; nil: none waits.
    init?(first input: borrowing ByteQueue) {
        guard input.count >= Self.byteCount else { return nil }
        let word = input.bytes.loadUnaligned(as: UInt64.self)
        guard let opcode = Opcode(rawValue: UInt8(truncatingIfNeeded: word)) else {
            preconditionFailure("a head that we did not write")
        }
        self.opcode = opcode
        count = Int(word >> 8)
    }

    /// Adds head and message as a whole, or neither.
    func append(_ bytes: UnsafeRawBufferPointer, to input: inout ByteQueue) -> Bool {
        let word = UInt64(count) << 8 | UInt64(opcode.rawValue)
        return withUnsafeBytes(of: word) { input.append($0, bytes) }
    }
}
