import Bytes
import KafkaCore

/// What waits to be written to one client, in order. Replies of this turn lie in the loop's arena;
/// records are places in a log, never memory. Only what a write left over of small bytes is copied.
struct Output {
    enum Item {
        case arena(start: Int, count: Int)
        case owned(OwnedBytes)
        /// `from`: written up to there.
        case shared(SharedBytes, from: Int)
        case records(RecordCursor)
        case chunked(ChunkedReply)
    }

    /// Older than the tail. Empty (and without memory) for a client that gets small replies only.
    private(set) var items: [Item] = []
    private(set) var first = 0
    /// The last bytes, in the arena.
    private(set) var tailStart = 0
    private(set) var tailCount = 0
    /// Bytes that are promised and not written, those of records included.
    private(set) var unsentBytes = 0
    /// Of those, what lies in memory of the session's own, or in memory that is kept for it: nobody
    /// knows who of many will be the last.
    private(set) var ownedBytes = 0

    var isEmpty: Bool { first == items.count && tailCount == 0 }

    // MARK: Adding

    mutating func addArena(start: Int, count: Int) {
        guard count > 0 else { return }
        unsentBytes += count
        if tailCount > 0, tailStart + tailCount == start {
            tailCount += count
            return
        }
        pushTail()
        tailStart = start
        tailCount = count
    }

    mutating func addRecords(_ cursor: RecordCursor) {
        guard !cursor.isAtEnd else { return }
        unsentBytes += cursor.remainingBytes
        pushTail()
        items.append(.records(cursor))
    }

    mutating func addChunked(_ reply: ChunkedReply) {
        unsentBytes += reply.promisedBytes
        pushTail()
        items.append(.chunked(reply))
    }

    /// Bytes of the session's own, which are appended to the last if those are such too.
    mutating func addOwned(_ bytes: UnsafeRawBufferPointer) {
        pushTail()
        if first < items.count, case .owned(let owned)? = items.last {
            owned.bytes.bytes(bytes)
        } else {
            let owned = OwnedBytes()
            owned.bytes.bytes(bytes)
            items.append(.owned(owned))
        }
        unsentBytes += bytes.count
        ownedBytes += bytes.count
    }

    mutating func addShared(_ bytes: SharedBytes) {
        pushTail()
        items.append(.shared(bytes, from: 0))
        unsentBytes += bytes.count
        ownedBytes += bytes.count
    }

    /// The records in front are there as bytes, up to `rest`.
    mutating func keepFront(_ bytes: UnsafeRawBufferPointer, rest: RecordCursor) {
        guard bytes.count > 0 else { return }
        let owned = OwnedBytes()
        owned.bytes.bytes(bytes)
        ownedBytes += bytes.count
        items[first] = .owned(owned)
        if !rest.isAtEnd { items.insert(.records(rest), at: first + 1) }
    }

    private mutating func pushTail() {
        guard tailCount > 0 else { return }
        items.append(.arena(start: tailStart, count: tailCount))
        tailCount = 0
    }

    // MARK: Taking

    /// Takes bytes off the front, of which a write offered at least so many.
    mutating func consume(_ count: Int, _ cache: LogCache) {
        var left = count
        while left > 0, first < items.count { consumeItem(&left, cache) }
        if first == items.count, first > 0 {
            items = []
            first = 0
        }
        let tail = min(left, tailCount)
        tailStart += tail
        tailCount -= tail
        unsentBytes -= tail
        assert(left == tail, "more was written than was offered")
    }

    private mutating func consumeItem(_ left: inout Int, _ cache: LogCache) {
        switch items[first] {
        case .arena(let start, let count):
            let taken = min(left, count)
            unsentBytes -= taken
            left -= taken
            if taken == count {
                first += 1
            } else {
                items[first] = .arena(start: start + taken, count: count - taken)
            }
        case .owned(let owned):
            let taken = min(left, owned.count)
            unsentBytes -= taken
            ownedBytes -= taken
            left -= taken
            owned.from += taken
            if owned.count == 0 { first += 1 }
        case .shared(let shared, let from):
            let taken = min(left, shared.count - from)
            unsentBytes -= taken
            ownedBytes -= taken
            left -= taken
            if from + taken == shared.count {
                first += 1
            } else {
                items[first] = .shared(shared, from: from + taken)
            }
        case .records(let cursor) where cursor.remainingBytes <= left:
            unsentBytes -= cursor.remainingBytes
            left -= cursor.remainingBytes
            first += 1
        case .records(var cursor):
            let taken = Self.advance(&cursor, by: left, cache)
            unsentBytes -= taken
            left -= taken
            if cursor.isAtEnd { first += 1 } else { items[first] = .records(cursor) }
        case .chunked(let reply):
            left -= reply.consume(left)
            guard reply.isDone else { return }
            unsentBytes -= reply.promisedBytes
            first += 1
        }
    }

    private static func advance(
        _ cursor: inout RecordCursor, by count: Int, _ cache: LogCache
    ) -> Int {
        var left = count
        while left > 0, !cursor.isAtEnd {
            guard let piece = cache.bytes(at: cursor, upTo: left), piece.count > 0 else {
                preconditionFailure("records that were just written are gone")
            }
            cache.advance(&cursor, by: piece.count)
            left -= piece.count
        }
        return count - left
    }

    /// Moves what lies in the arena to memory of the session's own.
    mutating func spill(_ arena: borrowing ByteWriter) {
        guard !isEmpty else { return }
        pushTail()
        for place in items.indices.dropFirst(first) {
            guard case .arena(let start, let count) = items[place] else { continue }
            let owned = OwnedBytes()
            arena.withBytes { bytes in
                owned.bytes.bytes(UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
            }
            items[place] = .owned(owned)
            ownedBytes += count
        }
    }

    var memoryBytes: Int {
        guard first < items.count, case .chunked(let reply) = items[first] else {
            return ownedBytes
        }
        return ownedBytes + reply.rest.count
    }

    /// The item that comes first, if it is not in the arena's tail.
    var front: Item? { first < items.count ? items[first] : nil }
}
