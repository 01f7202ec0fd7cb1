/// A state that lasts, as a log tells of it: when it begins, once for each cause, and when it
/// ends. One that comes and goes is told again only after a while.
public struct Trouble: Sendable {
    /// Causes that are told of one state: a peer that words its refusal anew each time fills no
    /// log with that.
    public static let causesMax = 8
    /// How long after an end nothing is told of the next beginning, so that what comes and goes
    /// many times a second does so quietly.
    public static let quietMilliseconds: Int64 = 10_000

    private var told: [String] = []
    private var quietUntil = Instant.zero

    public init() {}

    /// Whether to tell that the state has begun, or has this cause too.
    public mutating func begins(_ cause: String, now: Instant) -> Bool {
        guard now >= quietUntil, told.count < Self.causesMax, !told.contains(cause) else {
            return false
        }
        told.append(cause)
        return true
    }

    /// Whether to tell that it has ended: only if its beginning was told.
    public mutating func ends(now: Instant) -> Bool {
        guard !told.isEmpty else { return false }
        told = []
        quietUntil = now.adding(milliseconds: Self.quietMilliseconds)
        return true
    }
}
