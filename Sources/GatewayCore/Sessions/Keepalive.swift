import Timing

/// Whether the peer of one session is there: after a time of silence it is pinged, and whatever it
/// sends is an answer.
struct Keepalive {
    enum Verdict {
        case ping
        /// Nothing was received since the last ping.
        case gone
    }

    private var lastReceived: Instant
    /// Of silence, before a ping; 0: no pings.
    private var intervalMilliseconds: Int64 = 0
    /// Of a ping that nothing was received after.
    private var pingSentAt: Instant?

    init(now: Instant) { lastReceived = now }

    /// 0: no pings.
    mutating func begin(intervalMilliseconds: Int64) {
        self.intervalMilliseconds = intervalMilliseconds
    }

    mutating func received(_ now: Instant) {
        lastReceived = now
        pingSentAt = nil
    }

    /// The next ping, or the end of the wait for an answer; `distantFuture`: none.
    func due(timeoutMilliseconds: Int64) -> Instant {
        guard intervalMilliseconds > 0 else { return .distantFuture }
        if let sent = pingSentAt { return sent.adding(milliseconds: timeoutMilliseconds) }
        return lastReceived.adding(milliseconds: intervalMilliseconds)
    }

    /// What is to be done when it is due. The answer to a ping is waited for from now on.
    mutating func take(_ now: Instant) -> Verdict {
        guard pingSentAt == nil else { return .gone }
        pingSentAt = now
        return .ping
    }
}
