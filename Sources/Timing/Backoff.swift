/// Exponential backoff with jitter (KIP-580): `initial`, doubled up to `maximum`, each spread by
/// ±20 % so that the clients of a broker that came back don't return in one instant.
public struct Backoff: Sendable {
    public let initialMilliseconds: Int64
    public let maximumMilliseconds: Int64
    public private(set) var attempts = 0

    public init(initialMilliseconds: Int64, maximumMilliseconds: Int64) {
        precondition(initialMilliseconds > 0 && maximumMilliseconds >= initialMilliseconds)
        self.initialMilliseconds = initialMilliseconds
        self.maximumMilliseconds = maximumMilliseconds
    }

    /// The wait before the next attempt, in milliseconds.
    public mutating func next(_ random: inout SeededRandom) -> Int64 {
        var wait = initialMilliseconds
        for _ in 0..<attempts where wait < maximumMilliseconds { wait *= 2 }
        wait = min(wait, maximumMilliseconds)
        attempts += 1
        let spread = wait / 5
        guard spread > 0 else { return wait }
        return wait - spread + Int64.random(in: 0...(2 * spread), using: &random)
    }

    /// An attempt that nobody waits for; it makes the next wait longer all the same.
    public mutating func skip() { attempts += 1 }

    public mutating func reset() { attempts = 0 }
}
