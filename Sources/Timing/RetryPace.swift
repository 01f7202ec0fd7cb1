/// When what did not help may be tried again: each pause is longer than the one before (`Backoff`),
/// until there is progress.
public struct RetryPace: Sendable {
    private var backoff: Backoff
    /// Nothing is tried before; nil: nothing is to be waited for.
    public private(set) var retryAt: Instant?

    /// Milliseconds of the first and of the longest pause.
    public init(initialMilliseconds: Int64, maximumMilliseconds: Int64) {
        let longest = max(1, maximumMilliseconds)
        backoff = Backoff(
            initialMilliseconds: min(max(1, initialMilliseconds), longest),
            maximumMilliseconds: longest)
    }

    public var maximumMilliseconds: Int64 { backoff.maximumMilliseconds }

    public func allows(_ now: Instant) -> Bool { (retryAt ?? .zero) <= now }

    /// The attempt did not help. Attempts that fail together, because they were under way at the
    /// same time, make one pause. `atLeast`: its length in milliseconds, up to the longest one.
    public mutating func delay(
        from now: Instant, atLeast least: Int64 = 0, _ random: inout SeededRandom
    ) {
        let shortest = now.adding(milliseconds: min(least, maximumMilliseconds))
        let pause = allows(now) ? now.adding(milliseconds: backoff.next(&random)) : retryAt ?? now
        retryAt = max(pause, shortest)
    }

    /// The same, but the first attempt after progress may be repeated at once: elsewhere, or
    /// because the failure itself has told how to do better.
    public mutating func delayButFirst(from now: Instant, _ random: inout SeededRandom) {
        guard backoff.attempts > 0 else { return backoff.skip() }
        delay(from: now, &random)
    }

    /// The pause is over; the next is longer all the same.
    public mutating func endPause() { retryAt = nil }

    /// There was progress: the next pause is a short one.
    public mutating func reset() {
        retryAt = nil
        backoff.reset()
    }
}
