import Timing

/// Choices from one seed.
extension SeededRandom {
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(limit, 1))) }

    /// True once in `times`.
    mutating func once(in times: Int) -> Bool { below(times) == 0 }

    mutating func one<T>(of list: [T]) -> T { list[below(list.count)] }

    /// Numbers near the ends of the types that Kafka's fields have, where sums overflow.
    mutating func extreme() -> Int64 {
        let ends: [Int64] = [
            0, .max, .min, Int64(Int32.max), Int64(Int32.min), Int64(Int16.max), Int64(Int16.min),
            Int64(Int8.max), Int64(UInt32.max), 1 << 40,
        ]
        return one(of: ends) &+ Int64(below(7)) &- 3
    }
}
