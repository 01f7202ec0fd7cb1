/// A field with a tag of one byte whose values are near each other: the tag and what the values
/// have in common is kept as it is written, so that a value costs a comparison and a store.
///
/// `lowBits` is always the same for one field: how many bits differ from value to value, 7 or 14.
@usableFromInline
struct NearbyVarint {
    /// The values' bits above the low ones; `nothing` if no value is held.
    @usableFromInline var high = NearbyVarint.nothing
    @usableFromInline var word: UInt64 = 0
    /// Of the tag and the varint.
    @usableFromInline var byteCount = 0

    /// No value of less than 49 bits has it.
    @usableFromInline static let nothing = UInt64.max

    @inlinable
    init() {}

    @inlinable var isHeld: Bool { high != NearbyVarint.nothing }

    /// 0 if `put` can write the value.
    @inlinable @inline(__always)
    func difference(_ value: UInt64, lowBits: UInt64) -> UInt64 { value &>> lowBits ^ high }

    /// Holds nothing unless the value has more bits than `lowBits`, and 49 at most.
    @usableFromInline @inline(never)
    static func around(_ value: UInt64, _ tag: UInt8, _ lowBits: UInt64) -> NearbyVarint {
        var field = NearbyVarint()
        guard value >> lowBits != 0, value >> 49 == 0 else { return field }
        field.high = value >> lowBits
        field.word = UInt64(tag)
        field.byteCount = 1
        var rest = field.high << lowBits
        while true {
            let isLast = rest < 0x80
            field.word |= (rest & 0x7f | (isLast ? 0 : 0x80)) << UInt64(8 * field.byteCount)
            field.byteCount += 1
            if isLast { return field }
            rest >>= 7
        }
    }

    /// Writes a value that is held; eight bytes are written.
    @inlinable @inline(__always)
    func put(_ value: UInt64, lowBits: UInt64, at place: inout UnsafeMutableRawPointer) {
        var word = word | (value & 0x7f) &<< 8
        if lowBits == 14 { word |= (value & 0x3f80) &<< 9 }
        place.storeBytes(of: word.littleEndian, as: UInt64.self)
        place += byteCount
    }
}
