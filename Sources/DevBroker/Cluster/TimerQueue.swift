import Timing

/// Events with a moment each, handed out in the order of time; equal moments in the order of
/// arrival. Nothing is ever taken out early: an event that has lost its meaning is ignored by who
/// gets it.
struct TimerQueue<Event> {
    private struct Entry {
        let due: Instant
        let sequence: UInt64
        let event: Event
    }

    /// A binary heap.
    private var entries: [Entry] = []
    private var sequence: UInt64 = 0

    var nextDue: Instant? { entries.first?.due }

    mutating func add(_ event: Event, due: Instant) {
        sequence += 1
        entries.append(Entry(due: due, sequence: sequence, event: event))
        siftUp(entries.count - 1)
    }

    mutating func next(now: Instant) -> Event? {
        guard let first = entries.first, first.due <= now else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        siftDown()
        return first.event
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let (a, b) = (entries[left], entries[right])
        return (a.due, a.sequence) < (b.due, b.sequence)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0, case let parent = (child - 1) / 2, precedes(child, parent) {
            entries.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while case let left = 2 * parent + 1, left < entries.count {
            let right = left + 1
            let child = right < entries.count && precedes(right, left) ? right : left
            guard precedes(child, parent) else { return }
            entries.swapAt(child, parent)
            parent = child
        }
    }
}
