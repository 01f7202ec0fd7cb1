/// How far a gateway has gone out of service.
struct DrainState {
    /// Counts the loops that still have sessions.
    var latch: Latch?
    /// `pubsubgw_drain` was called: an event is owed.
    var isAsked = false
    var isTold = false
}

extension Gateway {
    /// A loop has lost its last session while draining.
    func loopDrained() {
        guard let latch = state.withLock({ $0.drain.latch }) else { return }
        latch.countDown()
        if latch.isOpen { tellDrained(.ok) }
    }

    /// The time given to `pubsubgw_drain` is over.
    func drainTimedOut() { tellDrained(.timeout) }

    /// Tells every queue once for each call of `pubsubgw_drain` that was not answered yet.
    func tellDrained(_ status: Status) {
        let isOwed = state.withLock { state in
            defer { state.drain.isTold = state.drain.isAsked }
            return state.drain.isAsked && !state.drain.isTold
        }
        guard isOwed else { return }
        var event = QueueEvent(.drained)
        let left = census.total
        event.status = left == 0 ? .ok : status
        event.number = Int64(left)
        for queue in queues { queue.push(event) }
    }
}
