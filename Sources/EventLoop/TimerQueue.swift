import Timing

/// A timer of a loop, for cancelling it.
public struct TimerID: Hashable, Sendable { let raw: UInt64 }

/// Actions by the time at which they are due: a binary heap, in which cancelled timers stay until
/// they come up or outnumber the live ones.
struct TimerQueue {
    private struct Entry {
        let due: Instant
        let id: UInt64

        /// Equal times keep the order in which they were scheduled.
        func precedes(_ other: Entry) -> Bool { due == other.due ? id < other.id : due < other.due }
    }

    private var heap: [Entry] = []
    private var actions: [UInt64: () -> Void] = [:]
    private var lastID: UInt64 = 0

    var count: Int { actions.count }

    mutating func schedule(at due: Instant, _ action: @escaping () -> Void) -> TimerID {
        lastID += 1
        actions[lastID] = action
        heap.append(Entry(due: due, id: lastID))
        siftUp(heap.count - 1)
        return TimerID(raw: lastID)
    }

    mutating func cancel(_ timer: TimerID) {
        actions[timer.raw] = nil
        if heap.count > 2 * actions.count + 64 { compact() }
    }

    /// When the next timer is due.
    mutating func nextDue() -> Instant? {
        dropCancelled()
        return heap.first?.due
    }

    /// The timer that was scheduled last.
    var newest: TimerID { TimerID(raw: lastID) }

    /// The next action that is due by `now`, removed; none that was scheduled behind `newest`.
    mutating func popDue(_ now: Instant, upTo newest: TimerID) -> (() -> Void)? {
        dropCancelled()
        guard let first = heap.first, first.due <= now, first.id <= newest.raw else { return nil }
        return actions.removeValue(forKey: removeFirst().id)
    }

    private mutating func dropCancelled() {
        while let first = heap.first, actions[first.id] == nil { _ = removeFirst() }
    }

    private mutating func compact() {
        let live = heap.filter { actions[$0.id] != nil }
        heap.removeAll(keepingCapacity: true)
        for entry in live {
            heap.append(entry)
            siftUp(heap.count - 1)
        }
    }

    private mutating func removeFirst() -> Entry {
        let first = heap[0]
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            siftDown()
        }
        return first
    }

    private mutating func siftUp(_ start: Int) {
        var at = start
        while at > 0, heap[at].precedes(heap[(at - 1) / 2]) {
            heap.swapAt(at, (at - 1) / 2)
            at = (at - 1) / 2
        }
    }

    private mutating func siftDown() {
        var at = 0
        while true {
            var first = at
            for child in [2 * at + 1, 2 * at + 2]
            where child < heap.count && heap[child].precedes(heap[first]) { first = child }
            if first == at { return }
            heap.swapAt(at, first)
            at = first
        }
    }
}
