/// Times in Prometheus' cumulative buckets.
public struct Histogram: Equatable, Sendable {
    /// Upper bounds in microseconds: 1 ms to 10 s, as OpenTelemetry advises, and some below.
    public static let bounds: [Int64] = [
        50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
        1_000_000, 2_500_000, 5_000_000, 10_000_000,
    ]
    /// Not cumulative; the last one has no bound.
    public private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    public private(set) var sumMicroseconds: Int64 = 0

    public init() {}

    public mutating func add(microseconds: Int64, times: UInt64 = 1) {
        let place = Self.bounds.firstIndex { microseconds <= $0 } ?? Self.bounds.count
        counts[place] += times
        sumMicroseconds &+= microseconds &* Int64(truncatingIfNeeded: times)
    }

    public mutating func add(_ other: Histogram) {
        for place in counts.indices { counts[place] += other.counts[place] }
        sumMicroseconds &+= other.sumMicroseconds
    }

    public static func sum(_ left: Histogram, _ right: Histogram) -> Histogram {
        var sum = left
        sum.add(right)
        return sum
    }

    public var count: UInt64 { counts.reduce(0, +) }
}
