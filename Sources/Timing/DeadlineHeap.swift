/// Moments with tokens, the earliest first: a binary heap. No entry is removed early: tokens that
/// mean nothing any more stay until they come up, or until `removeAll` is called because they are
/// more than the others.
public struct DeadlineHeap<Token> {
    public typealias Entry = (at: Instant, token: Token)

    @usableFromInline var entries: [Entry] = []

    @inlinable
    public init() {}

    @inlinable public var count: Int { entries.count }
    @inlinable public var earliest: Instant? { entries.first?.at }
    /// The earliest entry.
    @inlinable public var first: Entry? { entries.first }

    @inlinable
    public mutating func insert(_ token: Token, at: Instant) {
        entries.append((at, token))
        var child = entries.count - 1
        while child > 0, entries[child].at < entries[(child - 1) / 2].at {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// The earliest entry if it is due.
    @inlinable
    public mutating func popFirst(notAfter now: Instant) -> Entry? {
        guard let first = entries.first, first.at <= now else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            siftDown(0)
        }
        return first
    }

    @inlinable
    public mutating func removeAll(where isStale: (Token) -> Bool) {
        entries.removeAll { isStale($0.token) }
        for parent in stride(from: entries.count / 2 - 1, through: 0, by: -1) { siftDown(parent) }
    }

    @usableFromInline
    mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < entries.count && entries[child].at < entries[least].at { least = child }
            if least == parent { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
