/// What is known by numbers that were handed out one after the other, of which there may be very
/// many. It grows by small parts: a dictionary of a hundred thousand takes 10 ms to move.
@frozen
public struct NumberTable<Number: OwnNumber, Value> {
    @usableFromInline var parts: ContiguousArray<[Number: Value]>
    @usableFromInline var items = 0

    @inlinable public var count: Int { items }

    @usableFromInline static var partCount: Int { 64 }

    @inlinable
    public init() {
        parts = ContiguousArray(repeating: [:], count: Self.partCount)
    }

    @inlinable public var isEmpty: Bool { items == 0 }

    @inlinable
    func part(_ number: Number) -> Int {
        Int(truncatingIfNeeded: number.raw) & (Self.partCount - 1)
    }

    public subscript(number: Number) -> Value? {
        @inlinable get { parts[part(number)][number] }
        @inlinable set {
            let index = part(number)
            let before = parts[index].count
            parts[index][number] = newValue
            items += parts[index].count - before
        }
    }

    @discardableResult @inlinable
    public mutating func removeValue(forKey number: Number) -> Value? {
        let value = parts[part(number)].removeValue(forKey: number)
        if value != nil { items -= 1 }
        return value
    }

    /// In no order.
    @inlinable public var keys: [Number] { parts.flatMap(\.keys) }
    @inlinable public var values: [Value] { parts.flatMap(\.values) }
}
