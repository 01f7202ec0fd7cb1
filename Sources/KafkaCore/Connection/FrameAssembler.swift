import Bytes

/// Cuts the stream of a broker into responses: four bytes of size, then so many bytes. A frame that
/// lies whole in what was received is lent in place; the rest is put together in a block.
struct FrameAssembler {
    /// The peer does not speak Kafka, or too much of it. The text says what it looks like.
    struct Fault: Error, Equatable {
        var text: String
    }

    enum Frame {
        /// Lent until the next call.
        case lent(UnsafeRawBufferPointer)
        case owned(ByteBlock)

        var bytes: UnsafeRawBufferPointer {
            switch self {
            case .lent(let bytes): bytes
            case .owned(let block): block.bytes
            }
        }
    }

    let frameBytesMax: Int
    private let spares: SpareBlocks
    private var head: [UInt8] = []
    private var block: FillingBlock?

    init(frameBytesMax: Int, spares: SpareBlocks) {
        self.frameBytesMax = frameBytesMax
        self.spares = spares
        head.reserveCapacity(4)
    }

    var isInsideFrame: Bool { !head.isEmpty || block != nil }

    /// Takes bytes from the front of `input` and answers the next whole frame.
    mutating func next(_ input: inout UnsafeRawBufferPointer) throws(Fault) -> Frame? {
        if block == nil, head.isEmpty, input.count >= 4 {
            let size = try checked(
                Int32(bigEndian: input.loadUnaligned(as: Int32.self)), start: (input[0], input[1]))
            if input.count - 4 >= size {
                let frame = UnsafeRawBufferPointer(rebasing: input[4..<4 + size])
                input = UnsafeRawBufferPointer(rebasing: input[(4 + size)...])
                return .lent(frame)
            }
        }
        try takeHead(&input)
        return try takeBody(&input)
    }

    /// Where the rest of the frame in work goes; nil outside of frames.
    var space: UnsafeMutableRawBufferPointer? {
        block?.space
    }

    /// `count` bytes of `space` were filled.
    mutating func filledSpace(_ count: Int) throws(Fault) -> Frame? {
        guard let block else { return nil }
        return try filled(block, count)
    }

    private mutating func takeHead(_ input: inout UnsafeRawBufferPointer) throws(Fault) {
        guard block == nil else { return }
        while head.count < 4, let byte = input.first {
            head.append(byte)
            input = UnsafeRawBufferPointer(rebasing: input.dropFirst())
        }
        guard head.count == 4 else { return }
        let size = head.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let count = try checked(Int32(bitPattern: size), start: (head[0], head[1]))
        block = FillingBlock(count: count, from: spares)
        if block == nil { throw outOfMemory(count) }
    }

    private mutating func takeBody(
        _ input: inout UnsafeRawBufferPointer
    ) throws(Fault) -> Frame? {
        while let block, !input.isEmpty {
            let space = block.space
            let part = UnsafeRawBufferPointer(rebasing: input.prefix(space.count))
            space.copyMemory(from: part)
            input = UnsafeRawBufferPointer(rebasing: input[part.count...])
            if let frame = try filled(block, part.count) { return frame }
        }
        return nil
    }

    private mutating func filled(_ block: FillingBlock, _ count: Int) throws(Fault) -> Frame? {
        guard block.fill(count) else { throw outOfMemory(block.count) }
        guard block.isFull else { return nil }
        self.block = nil
        head.removeAll(keepingCapacity: true)
        return .owned(block.take())
    }

    private func outOfMemory(_ size: Int) -> Fault {
        Fault(text: "no memory for a response of \(size) bytes")
    }

    /// The size in front of a frame, before anything is allocated for it.
    private func checked(_ size: Int32, start: (UInt8, UInt8)) throws(Fault) -> Int {
        // A response is a correlation id at least.
        if size >= 4 && Int(size) <= frameBytesMax { return Int(size) }
        throw Fault(text: diagnosis(size, start))
    }

    private func diagnosis(_ size: Int32, _ start: (UInt8, UInt8)) -> String {
        switch start {
        case (UInt8(ascii: "H"), UInt8(ascii: "T")):
            return "the peer speaks HTTP, not Kafka"
        // TLS record types alert (21) and handshake (22), version 3.x (RFC 8446 section 5.1).
        case (0x15, 0x03), (0x16, 0x03):
            return "the peer speaks TLS, but the connection is plain"
        default:
            return size < 4
                ? "the peer sent a response of \(size) bytes"
                : "the peer announced a response of \(size) bytes,"
                    + " over the limit of \(frameBytesMax)"
        }
    }
}
