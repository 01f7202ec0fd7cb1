/// A moment on a monotonic clock. The machines below the drivers never read a clock: they are
/// given an `Instant`, so that a simulated run replays from its seed.
public struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since an arbitrary start; only differences mean something.
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Later than every moment that a clock can show.
    public static let distantFuture = Instant(nanoseconds: .max)
    public static let zero = Instant(nanoseconds: 0)

    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Saturates at `distantFuture`: a time limit from a configuration or from the wire may be
    /// as large as its integer type.
    public func adding(milliseconds: Int64) -> Instant {
        let (scaled, scaleOverflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, sumOverflow) = nanoseconds.addingReportingOverflow(scaled)
        return scaleOverflow || sumOverflow ? .distantFuture : Instant(nanoseconds: sum)
    }

    /// Whole milliseconds from `earlier` to this moment; 0 if `earlier` is later.
    public func milliseconds(since earlier: Instant) -> Int64 {
        guard self > earlier else { return 0 }
        let (difference, overflow) = nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        return overflow ? .max : difference / 1_000_000
    }
}
