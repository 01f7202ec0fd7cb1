import Timing

/// When sessions want to be looked at: a binary heap of moments. An entry is never removed early.
/// A session remembers the moment it is in for and ignores the others, so that putting a deadline
/// off (what every message does to the keepalive) costs nothing.
struct TimerQueue {
    struct Entry {
        var moment: Instant
        var session: SessionID
    }

    private var heap: [Entry] = []

    var first: Instant? { heap.first?.moment }
    var count: Int { heap.count }

    mutating func add(_ moment: Instant, _ session: SessionID) {
        heap.append(Entry(moment: moment, session: session))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].moment < heap[parent].moment else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// The earliest entry if it is due.
    mutating func popDue(_ now: Instant) -> Entry? {
        guard let first = heap.first, first.moment <= now else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        sink()
        return first
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].moment < heap[least].moment { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
