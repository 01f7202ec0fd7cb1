import Glibc

/// Large blocks of memory that are used again. What comes fresh from the kernel costs a page fault
/// for every 4 KiB, and with that more than the decoding of what is then written to it.
///
/// It belongs to one loop.
public final class SpareBlocks {
    public struct Block {
        public let base: UnsafeMutableRawPointer
        public let capacity: Int

        @inlinable
        public init(base: UnsafeMutableRawPointer, capacity: Int) {
            self.base = base
            self.capacity = capacity
        }
    }

    public let bytesMax: Int
    /// What lies here unused.
    public private(set) var byteCount = 0
    /// In the order of their giving.
    private var blocks: [Block] = []

    /// Smaller blocks are malloc's, which keeps such itself.
    public static let blockBytesMin = 16 << 10
    /// Capacities are multiples of it, so that a block fits those who come later too.
    static let stepBytes = 8 << 10

    public init(bytesMax: Int) { self.bytesMax = bytesMax }

    deinit { for block in blocks { free(block.base) } }

    /// Memory of at least `count` bytes, which must be over 0; a spare block may have up to
    /// `excess` bytes more.
    public func take(_ count: Int, excess: Int = .max / 2) -> Block {
        guard let block = takeIfPossible(count, excess: excess) else {
            preconditionFailure("out of memory for \(count) bytes")
        }
        return block
    }

    /// The same for sizes that a peer has chosen; nil: there is no memory for it.
    public func takeIfPossible(_ count: Int, excess: Int = .max / 2) -> Block? {
        if let number = closest(count, excess) {
            let block = blocks.remove(at: number)
            byteCount -= block.capacity
            return block
        }
        let step = count < Self.blockBytesMin ? 16 : Self.stepBytes
        let capacity = (count + step - 1) / step * step
        return malloc(capacity).map { Block(base: $0, capacity: capacity) }
    }

    /// Takes over a block that malloc made. One that is small, or large beyond all others, is
    /// freed; beyond `bytesMax` those go that have lain here longest.
    public func give(_ block: Block) {
        guard block.capacity >= Self.blockBytesMin, block.capacity <= bytesMax / 2 else {
            return free(block.base)
        }
        while byteCount + block.capacity > bytesMax, !blocks.isEmpty {
            let oldest = blocks.removeFirst()
            byteCount -= oldest.capacity
            free(oldest.base)
        }
        byteCount += block.capacity
        blocks.append(block)
    }

    /// The smallest that is large enough.
    private func closest(_ count: Int, _ excess: Int) -> Int? {
        guard count >= Self.blockBytesMin else { return nil }
        var best: Int?
        for number in blocks.indices
        where blocks[number].capacity >= count && blocks[number].capacity - count <= excess
            && blocks[number].capacity < best.map({ blocks[$0].capacity }) ?? .max
        { best = number }
        return best
    }
}
