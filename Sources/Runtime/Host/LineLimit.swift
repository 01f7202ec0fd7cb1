import Timing

/// How many log lines go out: a broker that is away must not fill a disk.
struct LineLimit: Sendable {
    static let linesPerSecond: Int64 = 100
    static let burst: Int64 = 200

    /// In thousandths of a line, so that fractions of a second count.
    private var credit = burst * 1000
    private var refilledAt: Instant
    private var suppressed = 0

    init(now: Instant) { refilledAt = now }

    /// Nil: the line is not written. Else how many were suppressed before it.
    mutating func pass(now: Instant) -> Int? {
        let elapsed = min(now.milliseconds(since: refilledAt), 10_000)
        if elapsed > 0 {
            credit = min(Self.burst * 1000, credit + elapsed * Self.linesPerSecond)
            refilledAt = now
        }
        guard credit >= 1000 else {
            suppressed += 1
            return nil
        }
        credit -= 1000
        defer { suppressed = 0 }
        return suppressed
    }
}
