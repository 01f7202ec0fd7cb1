import Glibc

/// Memory for so many bytes as a peer has announced, taken as they come: nothing is believed that
/// is not there yet. It belongs to one loop.
public final class FillingBlock {
    /// Bytes that were announced.
    public let count: Int
    /// Bytes that are there. Invariant: 0 <= filled <= min(count, block.capacity).
    public private(set) var filled = 0
    private var block: SpareBlocks.Block?
    private let spares: SpareBlocks

    /// Taken at once: no more than what an ordinary response needs.
    public static let firstBytesMax = 2 << 20

    /// nil: there is no memory for it. `count` is over 0.
    public init?(count: Int, from spares: SpareBlocks) {
        self.count = count
        self.spares = spares
        block = spares.takeIfPossible(min(count, Self.firstBytesMax))
        if block == nil { return nil }
    }

    deinit { if let block { spares.give(block) } }

    public var isFull: Bool { filled == count }

    /// Where the next bytes go; empty when all are there.
    public var space: UnsafeMutableRawBufferPointer {
        guard let block else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return UnsafeMutableRawBufferPointer(
            start: block.base + filled, count: min(block.capacity, count) - filled)
    }

    /// `more` bytes of `space` were filled. False: there is no memory for those to come.
    public func fill(_ more: Int) -> Bool {
        precondition(more >= 0 && more <= space.count, "more than the space has")
        filled += more
        guard let block, filled == block.capacity, !isFull else { return true }
        let capacity = min(count, 2 * block.capacity)
        guard let moved = realloc(block.base, capacity) else { return false }
        self.block = SpareBlocks.Block(base: moved, capacity: capacity)
        return true
    }

    /// Hands the bytes on; nothing is left here. All must be there.
    public func take() -> ByteBlock {
        guard let block, isFull else { preconditionFailure("bytes are missing") }
        self.block = nil
        return ByteBlock(adopting: block, count: count, spares: spares)
    }
}
