import Timing

/// Causes of failed commands that the log was told of lately: a thousand clients that ask again
/// and again meet the same one.
struct Complaints {
    /// What is remembered: more causes at a time are told at the lowest level.
    static let causesMax = 1_000
    /// A cause that nobody has met for so long is news again.
    static let quietMilliseconds: Int64 = 60_000
    /// How often the table is looked through for room.
    static let sweepMilliseconds: Int64 = 1_000

    private var lastAt: [String: Instant] = [:]
    private var sweepAt = Instant.zero

    /// Whether the log has not been told of it lately.
    mutating func isNews(_ cause: String, now: Instant) -> Bool {
        if let last = lastAt[cause] {
            lastAt[cause] = now
            return now.milliseconds(since: last) >= Self.quietMilliseconds
        }
        guard hasRoom(now) else { return false }
        lastAt[cause] = now
        return true
    }

    private mutating func hasRoom(_ now: Instant) -> Bool {
        if lastAt.count >= Self.causesMax, sweepAt <= now {
            sweepAt = now.adding(milliseconds: Self.sweepMilliseconds)
            lastAt = lastAt.filter { now.milliseconds(since: $0.value) < Self.quietMilliseconds }
        }
        return lastAt.count < Self.causesMax
    }
}
