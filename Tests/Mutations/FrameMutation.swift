import Timing

/// Bytes changed at random, as a faulty or a hostile broker would.
enum FrameMutation {
    /// Changes some bytes of `range`, whose length stays.
    static func damage(
        _ bytes: inout [UInt8], in range: Range<Int>, _ random: inout SeededRandom
    ) {
        guard !range.isEmpty else { return }
        for _ in 0...random.below(4) {
            let place = range.lowerBound + random.below(range.count)
            switch random.below(4) {
            case 0: bytes[place] ^= 1 << UInt8(random.below(8))
            case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 2:
                let width = random.one(of: [1, 2, 4, 8])
                put(random.extreme(), width, at: place, in: range, of: &bytes)
            default: putLongVarint(at: place, in: range, of: &bytes, &random)
            }
        }
    }

    /// The last `width` bytes of `value`, the most significant first.
    static func put(
        _ value: Int64, _ width: Int, at place: Int, in range: Range<Int>,
        of bytes: inout [UInt8]
    ) {
        for number in 0..<width where range.contains(place + number) {
            bytes[place + number] = UInt8(truncatingIfNeeded: value >> (8 * (width - 1 - number)))
        }
    }

    /// The varint of a large number.
    private static func putLongVarint(
        at place: Int, in range: Range<Int>, of bytes: inout [UInt8], _ random: inout SeededRandom
    ) {
        let length = random.one(of: [2, 4, 5, 9, 10])
        for number in 0..<length where range.contains(place + number) {
            bytes[place + number] = 0xff
        }
        let last = place + length - 1
        if range.contains(last) { bytes[last] = UInt8(random.below(16)) }
    }

    /// Cuts, repeats or inserts something: lengths in front of it are wrong then.
    static func shift(
        _ bytes: inout [UInt8], from start: Int, _ random: inout SeededRandom
    ) {
        guard bytes.count > start else { return }
        let place = start + random.below(bytes.count - start)
        let end = min(bytes.count, place + 1 + random.below(24))
        switch random.below(4) {
        case 0: bytes.removeSubrange(place...)
        case 1: bytes.removeSubrange(place..<end)
        case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
        default:
            bytes += (0...random.below(9)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        }
    }
}
