import Statuses

/// How far a gateway has gone out of service.
struct DrainState {
    /// It drains for a successor (1012): clients are still let in, and closed.
    var isRestart = false
    /// Counts the loops that still have sessions.
    var latch: Latch?
    /// Calls of `pubsubgw_drain`, and how many of them have been answered by an event.
    var calls = 0
    var told = 0
}

extension Gateway {
    /// A loop has lost its last session while draining.
    func loopDrained() {
        guard let latch = state.withLock({ $0.drain.latch }) else { return }
        latch.countDown()
        if latch.isOpen { tellDrained(.ok) }
    }

    /// The time given to that call of `pubsubgw_drain` is over. A later one has a time of its own.
    func drainTimedOut(call: Int) {
        if state.withLock({ $0.drain.calls == call }) { tellDrained(.timeout) }
    }

    /// Tells every queue, if a call of `pubsubgw_drain` was not answered yet.
    func tellDrained(_ status: Status) {
        let isOwed = state.withLock { state in
            defer { state.drain.told = state.drain.calls }
            return state.drain.told < state.drain.calls
        }
        guard isOwed else { return }
        var event = QueueEvent(.drained)
        let left = census.total
        event.status = left == 0 ? .ok : status
        event.number = Int64(left)
        for queue in queues { queue.push(event) }
    }
}
