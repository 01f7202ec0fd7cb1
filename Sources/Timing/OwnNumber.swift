/// A name that we hand out ourselves, one number after the other: nobody else chooses them, so that
/// tables need no protection against chosen keys, which costs 20 ns for each look-up.
public protocol OwnNumber: Hashable {
    var raw: UInt64 { get }
}

extension OwnNumber {
    @inlinable public static func == (left: Self, right: Self) -> Bool { left.raw == right.raw }

    @inlinable public func hash(into hasher: inout Hasher) { hasher.combine(raw) }

    /// What `Dictionary` and `Set` really call: the product with 2^64 and the golden ratio.
    @inlinable
    public func _rawHashValue(seed: Int) -> Int {
        Int(truncatingIfNeeded: (raw &* 0x9e37_79b9_7f4a_7c15) >> 32) ^ seed
    }
}
