import Bytes

extension ByteReader {
    public mutating func int32Array(flexible: Bool) throws(BytesError) -> [Int32] {
        let count = try count(flexible: flexible, eachAtLeast: 4)
        var items: [Int32] = []
        items.reserveCapacity(count)
        for _ in 0..<count { items.append(try int32()) }
        return items
    }

    public mutating func int64Array(flexible: Bool) throws(BytesError) -> [Int64] {
        let count = try count(flexible: flexible, eachAtLeast: 8)
        var items: [Int64] = []
        items.reserveCapacity(count)
        for _ in 0..<count { items.append(try int64()) }
        return items
    }

    public mutating func stringArray(flexible: Bool) throws(BytesError) -> [String] {
        let count = try count(flexible: flexible, eachAtLeast: flexible ? 1 : 2)
        return try strings(count, flexible: flexible)
    }

    public mutating func nullableStringArray(flexible: Bool) throws(BytesError) -> [String]? {
        let least = flexible ? 1 : 2
        guard let count = try nullableCount(flexible: flexible, eachAtLeast: least) else {
            return nil
        }
        return try strings(count, flexible: flexible)
    }

    private mutating func strings(_ count: Int, flexible: Bool) throws(BytesError) -> [String] {
        var items: [String] = []
        items.reserveCapacity(min(count, elementsReservedMax))
        for _ in 0..<count { items.append(try string(flexible: flexible)) }
        return items
    }
}
