import Timing

/// Moments with tokens, the earliest first. Tokens that mean nothing any more stay until they come
/// up or until they are more than the others.
struct DeadlineHeap<Token> {
    private var entries: [(at: Instant, token: Token)] = []

    var count: Int { entries.count }
    var earliest: Instant? { entries.first?.at }

    mutating func insert(_ token: Token, at: Instant) {
        entries.append((at, token))
        var child = entries.count - 1
        while child > 0, entries[child].at < entries[(child - 1) / 2].at {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popFirst(notAfter now: Instant) -> Token? {
        guard let first = entries.first, first.at <= now else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            siftDown(0)
        }
        return first.token
    }

    mutating func removeAll(where isStale: (Token) -> Bool) {
        entries.removeAll { isStale($0.token) }
        for parent in stride(from: entries.count / 2 - 1, through: 0, by: -1) { siftDown(parent) }
    }

    private mutating func siftDown(_ start: Int) {
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
