import Digests

/// Who chooses the partition of a record that names none.
public enum Partitioner: String, Hashable, Sendable, CaseIterable {
    /// Kafka's own client: MurmurHash2 of a key; without one, a partition at a time (KIP-794).
    case sticky = "default"
    /// librdkafka's names. The plain forms take a record without a key for one with an empty key.
    case murmur2
    case murmur2Random = "murmur2_random"
    case consistent
    /// Spreads empty keys too.
    case consistentRandom = "consistent_random"
    case fnv1a
    case fnv1aRandom = "fnv1a_random"
    case random
    /// Sarama's `NewHashPartitioner`; its choice without a key is random.
    case hash
    /// Sarama's `NewReferenceHashPartitioner`.
    case referenceHash = "reference_hash"
    case roundRobin = "round_robin"
    /// The record has to say.
    case manual

    /// What is to be done with one record.
    enum Choice: Equatable {
        case partition(Int32)
        case sticky, random, next, refused
    }

    func choose(_ key: UnsafeRawBufferPointer?, partitionCount: Int32) -> Choice {
        switch self {
        case .manual: .refused
        case .roundRobin: .next
        case .random: .random
        default: choose(key, UInt32(bitPattern: partitionCount))
        }
    }

    private func choose(_ key: UnsafeRawBufferPointer?, _ count: UInt32) -> Choice {
        guard let key = key ?? keyOfNone else { return self == .sticky ? .sticky : .random }
        if self == .consistentRandom && key.isEmpty { return .random }
        return .partition(Int32(bitPattern: place(of: key, count)))
    }

    /// The key of a record without one, for those that hash it as well.
    private var keyOfNone: UnsafeRawBufferPointer? {
        switch self {
        case .murmur2, .consistent, .fnv1a: UnsafeRawBufferPointer(start: nil, count: 0)
        default: nil
        }
    }

    private func place(of key: UnsafeRawBufferPointer, _ count: UInt32) -> UInt32 {
        switch self {
        case .consistent, .consistentRandom: return crc32(key) % count
        case .fnv1a, .fnv1aRandom: return KeyHashes.fnv1a(key) % count
        case .hash:
            // The remainder of a signed division, without its sign.
            let remainder = Int32(bitPattern: KeyHashes.fnv1a(key)) % Int32(bitPattern: count)
            return remainder.magnitude
        case .referenceHash:
            return (KeyHashes.fnv1a(key) & 0x7fff_ffff) % count
        default: return (KeyHashes.murmur2(key) & 0x7fff_ffff) % count
        }
    }
}
