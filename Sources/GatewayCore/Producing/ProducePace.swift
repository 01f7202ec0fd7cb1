import Timing

/// How much one session may produce in a second: a bucket of a second's worth, filled evenly. Who
/// finds anything in it may take more than there is, and makes up for it: a command that is larger
/// than a second's worth is not refused for ever.
struct ProducePace {
    private static let second: Int64 = 1_000_000_000

    let perSecond: Int
    /// When the bucket will be full again, which is all that there is to know about it.
    private var fullAt: Int64 = 0

    /// nil: no limit.
    init?(perSecond: Int) {
        guard perSecond > 0 else { return nil }
        self.perSecond = perSecond
    }

    func isEmpty(_ now: Instant) -> Bool { fullAt - now.nanoseconds >= Self.second }
    func isFull(_ now: Instant) -> Bool { fullAt <= now.nanoseconds }

    mutating func take(_ amount: Int, _ now: Instant) {
        let (product, overflow) = Int64(amount).multipliedReportingOverflow(by: Self.second)
        let time = overflow ? Int64.max / 4 : product / Int64(perSecond)
        fullAt = max(fullAt, now.nanoseconds) &+ min(time, Int64.max / 4)
    }
}
