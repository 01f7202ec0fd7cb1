import Glibc

/// Bytes on their way to the host, in blocks that never move: the host reads them without a lock,
/// while the loop appends behind them. Sendable, because that is the only sharing there is.
struct OutputBlocks: ~Copyable, @unchecked Sendable {
    private struct Block {
        let base: UnsafeMutableRawPointer
        let capacity: Int
        /// Taken by the host.
        var from = 0
        /// Written by the loop.
        var to = 0
    }

    private static let blockBytesMin = 1024
    private static let blockBytesMax = 64 << 10
    /// A block up to this size is used again instead of being freed.
    private static let blockBytesKept = 4096

    private var blocks: [Block] = []
    private(set) var count = 0

    deinit { for block in blocks { free(block.base) } }

    var isEmpty: Bool { count == 0 }

    /// Copies as much as there is memory for; how much.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Int {
        var done = 0
        while done < bytes.count {
            let room = blocks.last.map { $0.capacity - $0.to } ?? 0
            guard room > 0 || addBlock(bytes.count - done) else { break }
            done += fill(UnsafeRawBufferPointer(rebasing: bytes[done...]))
        }
        count += done
        return done
    }

    private mutating func fill(_ bytes: UnsafeRawBufferPointer) -> Int {
        let last = blocks.count - 1
        let part = min(blocks[last].capacity - blocks[last].to, bytes.count)
        guard part > 0, let from = bytes.baseAddress else { return 0 }
        (blocks[last].base + blocks[last].to).copyMemory(from: from, byteCount: part)
        blocks[last].to += part
        return part
    }

    private mutating func addBlock(_ wanted: Int) -> Bool {
        let grown = blocks.last.map { 4 * $0.capacity } ?? 0
        let capacity = min(max(wanted, grown, Self.blockBytesMin), Self.blockBytesMax)
        guard let base = malloc(capacity) else { return false }
        blocks.append(Block(base: base, capacity: capacity))
        return true
    }

    /// Hands out the first pieces, in order; how many.
    func slices(max: Int, _ body: (Int, UnsafeRawBufferPointer) -> Void) -> Int {
        var number = 0
        for block in blocks where block.to > block.from {
            if number == max { break }
            let start = block.base + block.from
            body(number, UnsafeRawBufferPointer(start: start, count: block.to - block.from))
            number += 1
        }
        return number
    }

    /// Takes bytes off the front, of which there are so many.
    mutating func consume(_ bytes: Int) {
        precondition(bytes <= count, "more was consumed than there is")
        count -= bytes
        var left = bytes
        var done = 0
        while left > 0 {
            let part = min(left, blocks[done].to - blocks[done].from)
            blocks[done].from += part
            left -= part
            if blocks[done].from == blocks[done].to { done += 1 }
        }
        release(done)
    }

    /// The first blocks are empty.
    private mutating func release(_ done: Int) {
        guard done > 0 else { return }
        if done == blocks.count, blocks[done - 1].capacity <= Self.blockBytesKept {
            blocks[done - 1].from = 0
            blocks[done - 1].to = 0
            if done == 1 { return }
            for block in blocks[..<(done - 1)] { free(block.base) }
            blocks.removeFirst(done - 1)
        } else {
            for block in blocks[..<done] { free(block.base) }
            blocks.removeFirst(done)
        }
    }
}
