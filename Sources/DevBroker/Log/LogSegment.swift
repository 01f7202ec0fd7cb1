import Glibc

/// A piece of a partition's log: one block of memory that is filled once, batch behind batch, and
/// never moved, so that a fetch is a copy of a range.
final class LogSegment {
    /// The place of the first byte in the whole log.
    let start: Int
    let capacity: Int
    private(set) var count = 0
    private let base: UnsafeMutableRawPointer

    init(start: Int, capacity: Int) {
        guard let base = malloc(max(capacity, 1)) else {
            preconditionFailure("out of memory for a log segment of \(capacity) bytes")
        }
        self.start = start
        self.capacity = capacity
        self.base = base
    }

    deinit { free(base) }

    var end: Int { start + count }
    var room: Int { capacity - count }

    /// Room for `count` bytes, which must be there; the caller fills them at once.
    func extend(_ count: Int) -> UnsafeMutableRawBufferPointer {
        precondition(count <= room, "log segment overflow")
        defer { self.count += count }
        return UnsafeMutableRawBufferPointer(start: base + self.count, count: count)
    }

    /// Forgets the bytes from `place` on.
    func truncate(to place: Int) {
        count = min(count, max(0, place - start))
    }

    /// The bytes of the places `range` of the whole log; valid while the segment lives.
    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        precondition(range.lowerBound >= start && range.upperBound <= end, "outside of the segment")
        return UnsafeRawBufferPointer(start: base + (range.lowerBound - start), count: range.count)
    }

    func mutableBytes(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
        precondition(range.lowerBound >= start && range.upperBound <= end, "outside of the segment")
        return UnsafeMutableRawBufferPointer(
            start: base + (range.lowerBound - start), count: range.count)
    }
}
