/// The hashes by which clients find the partition of a key. Records with one key stay together
/// only if all their producers agree.
enum KeyHashes {
    /// MurmurHash2 as Kafka's own client computes it: seed 0x9747b28c, 32 bits.
    static func murmur2(_ key: UnsafeRawBufferPointer) -> UInt32 {
        let multiplier: UInt32 = 0x5bd1_e995
        var hash = 0x9747_b28c ^ UInt32(truncatingIfNeeded: key.count)
        var at = 0
        while key.count - at >= 4 {
            var word = UInt32(littleEndian: key.loadUnaligned(fromByteOffset: at, as: UInt32.self))
            word = word &* multiplier
            word = (word ^ (word >> 24)) &* multiplier
            hash = (hash &* multiplier) ^ word
            at += 4
        }
        if at < key.count {
            for index in (at..<key.count).reversed() {
                hash ^= UInt32(key[index]) << (8 * UInt32(index - at))
            }
            hash = hash &* multiplier
        }
        hash = (hash ^ (hash >> 13)) &* multiplier
        return hash ^ (hash >> 15)
    }

    /// FNV-1a, 32 bits, as librdkafka's `fnv1a` and Sarama have it.
    static func fnv1a(_ key: UnsafeRawBufferPointer) -> UInt32 {
        var hash: UInt32 = 0x811c_9dc5
        for byte in key { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return hash
    }
}
