import Bytes

/// The head of a tagged field (KIP-482): its number, and where its bytes end.
public struct KafkaTag: Equatable, Sendable {
    public var number: UInt32
    public var end: Int
}

extension ByteReader {
    /// How many tagged fields follow. Each takes at least two bytes.
    public mutating func tagCount() throws(BytesError) -> Int {
        let start = position
        let count = Int(try uvarint())
        guard count <= remaining / 2 else { throw BytesError(.invalidLength, at: start) }
        return count
    }

    public mutating func tag() throws(BytesError) -> KafkaTag {
        let number = try uvarint()
        let start = position
        let size = Int(try uvarint())
        guard size <= remaining else { throw BytesError(.invalidLength, at: start) }
        return KafkaTag(number: number, end: position + size)
    }

    /// Leaves out a field that this version of the definitions does not know.
    public mutating func skip(_ tag: KafkaTag) throws(BytesError) {
        try skip(tag.end - position)
    }

    /// Checks that a field took exactly the bytes that its head announced.
    public mutating func end(_ tag: KafkaTag) throws(BytesError) {
        guard position == tag.end else { throw BytesError(.invalidLength, at: position) }
    }

    public mutating func skipTags() throws(BytesError) {
        var tags = try tagCount()
        while tags > 0 {
            let tag = try tag()
            try skip(tag)
            tags -= 1
        }
    }
}
