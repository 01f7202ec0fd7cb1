import Glibc

/// Bytes that go in at one end and out at the other, in one piece of memory. What is small is kept
/// when it runs empty, so that a session's messages need no allocation; what is large is given
/// back, so that an idle session holds none. Nobody else has its memory: hence Sendable.
struct ByteQueue: ~Copyable, @unchecked Sendable {
    private static let capacityMin = 512
    /// Kept by an empty queue.
    private static let capacityKept = 4096

    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private var head = 0
    private var tail = 0

    deinit { Glibc.free(base) }

    var count: Int { tail - head }
    var isEmpty: Bool { head == tail }

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base.map { $0 + head }, count: count)
    }

    /// False: no memory, and nothing was added.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let from = bytes.baseAddress, bytes.count > 0 else { return true }
        guard makeRoom(bytes.count), let base else { return false }
        (base + tail).copyMemory(from: from, byteCount: bytes.count)
        tail += bytes.count
        return true
    }

    /// Both or, without memory, none.
    mutating func append(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> Bool {
        guard makeRoom(first.count + second.count) else { return false }
        return append(first) && append(second)
    }

    /// Moves as much as there is, and as there is room for.
    mutating func take(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let taken = min(count, buffer.count)
        guard taken > 0, let base else { return 0 }
        buffer.copyMemory(from: UnsafeRawBufferPointer(start: base + head, count: taken))
        drop(taken)
        return taken
    }

    /// Takes bytes off the front, of which there are so many.
    mutating func drop(_ count: Int) {
        precondition(count <= self.count, "more was taken than there is")
        head += count
        guard head == tail else { return }
        head = 0
        tail = 0
        guard capacity > Self.capacityKept else { return }
        Glibc.free(base)
        base = nil
        capacity = 0
    }

    private mutating func makeRoom(_ more: Int) -> Bool {
        if capacity - tail >= more { return true }
        // Half empty in front: moving costs no more than what was taken.
        if head >= count, capacity - count >= more, let base {
            base.copyMemory(from: base + head, byteCount: count)
        } else {
            let wanted = max(Self.capacityMin, count + more, min(2 * capacity, 1 << 20))
            guard let larger = malloc(wanted) else { return false }
            if let base { larger.copyMemory(from: base + head, byteCount: count) }
            Glibc.free(base)
            base = larger
            capacity = wanted
        }
        tail -= head
        head = 0
        return true
    }
}
