/// A topic id and its like: 16 bytes, opaque but for zero, which means none.
public struct KafkaUUID: Hashable, Sendable, Comparable {
    public var high: UInt64
    public var low: UInt64

    public static let zero = KafkaUUID(high: 0, low: 0)

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static func < (a: Self, b: Self) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

extension KafkaUUID: CustomStringConvertible {
    /// URL-safe base64 without padding, as Kafka's tools print it.
    public var description: String {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        for index in 0..<21 { text.append(alphabet[sixBits(at: 122 - 6 * index)]) }
        text.append(alphabet[Int(low & 3) << 4])
        return String(decoding: text, as: UTF8.self)
    }

    /// Six bits of the 128, the lowest of them with the weight 2 to the power of `shift`.
    private func sixBits(at shift: Int) -> Int {
        let value = shift >= 64 ? high >> (shift - 64) : (low >> shift) | (high << (64 - shift))
        return Int(value & 63)
    }
}
