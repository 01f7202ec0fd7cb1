import Glibc

/// A block of bytes from malloc with reference-counted ownership. It belongs to one loop.
public final class ByteBlock {
    public let base: UnsafeMutableRawPointer?
    public let count: Int
    /// What the block really takes from the allocator; budgets count this.
    public let capacity: Int
    /// Who gets the memory back; nil: malloc.
    private let spares: SpareBlocks?

    /// Takes ownership of `base`, which came from malloc (or is nil with count 0).
    public init(adopting base: UnsafeMutableRawPointer?, count: Int, capacity: Int) {
        precondition(count <= capacity && (base != nil || count == 0))
        self.base = base
        self.count = count
        self.capacity = capacity
        spares = nil
    }

    /// Takes ownership of a block with `count` bytes in it, which is given to `spares` in the end.
    public init(adopting block: SpareBlocks.Block, count: Int, spares: SpareBlocks) {
        precondition(count <= block.capacity)
        base = block.base
        self.count = count
        capacity = block.capacity
        self.spares = spares
    }

    /// Uninitialised memory of `count` bytes.
    public convenience init(count: Int) {
        let base = count > 0 ? malloc(count) : nil
        precondition(count == 0 || base != nil, "out of memory for \(count) bytes")
        self.init(adopting: base, count: count, capacity: count)
    }

    public convenience init(copying source: UnsafeRawBufferPointer) {
        self.init(count: source.count)
        if let from = source.baseAddress, source.count > 0 {
            base.unsafelyUnwrapped.copyMemory(from: from, byteCount: source.count)
        }
    }

    deinit {
        if let spares, let base {
            spares.give(SpareBlocks.Block(base: base, capacity: capacity))
        } else {
            free(base)
        }
    }

    /// Valid while the block lives.
    public var bytes: UnsafeRawBufferPointer {
        @inlinable get { UnsafeRawBufferPointer(start: base, count: count) }
    }

    public var mutableBytes: UnsafeMutableRawBufferPointer {
        @inlinable get { UnsafeMutableRawBufferPointer(start: base, count: count) }
    }
}
