import Testing
import TestSupport

@testable import KafkaProducing

@Suite("Partitioners")
struct PartitionerTests {
    /// Key; its partition of 4 and of 7. Kafka's own, librdkafka's and Sarama's code has told.
    struct Row: Sendable {
        let key: String
        let java: [Int32]
        let consistent: [Int32]
        let hash: Int32
        let referenceHash: Int32
        let fnv1a: Int32
    }

    static let rows = [
        Row(key: "", java: [1, 2], consistent: [0, 0], hash: 2, referenceHash: 0, fnv1a: 2),
        Row(key: "61", java: [0, 5], consistent: [3, 4], hash: 6, referenceHash: 3, fnv1a: 5),
        Row(
            key: "61626364", java: [0, 5], consistent: [1, 4], hash: 1, referenceHash: 1, fnv1a: 3),
        Row(
            key: "666f6f626172", java: [2, 0], consistent: [1, 6], hash: 4, referenceHash: 5,
            fnv1a: 0),
        Row(key: "3231", java: [0, 3], consistent: [0, 6], hash: 3, referenceHash: 6, fnv1a: 1),
        Row(
            key: "757365722d3432", java: [0, 1], consistent: [3, 1], hash: 6, referenceHash: 6,
            fnv1a: 6),
        Row(key: "00", java: [0, 0], consistent: [1, 2], hash: 5, referenceHash: 5, fnv1a: 5),
        Row(key: "fffefd", java: [0, 5], consistent: [1, 4], hash: 1, referenceHash: 1, fnv1a: 3),
        Row(
            key: "e697a5e69cac", java: [3, 1], consistent: [0, 0], hash: 3, referenceHash: 6,
            fnv1a: 1),
    ]

    @Test("a key goes where the other clients send it", arguments: rows)
    func keys(_ row: Row) {
        hex(row.key).withUnsafeBytes { key in
            func place(_ partitioner: Partitioner, _ count: Int32) -> Partitioner.Choice {
                partitioner.choose(key, partitionCount: count)
            }
            for (count, at) in [(Int32(4), 0), (7, 1)] {
                #expect(place(.sticky, count) == .partition(row.java[at]))
                #expect(place(.murmur2, count) == .partition(row.java[at]))
                #expect(place(.murmur2Random, count) == .partition(row.java[at]))
                #expect(place(.consistent, count) == .partition(row.consistent[at]))
                let random = place(.consistentRandom, count)
                #expect(random == (key.isEmpty ? .random : .partition(row.consistent[at])))
            }
            #expect(place(.hash, 7) == .partition(row.hash))
            #expect(place(.referenceHash, 7) == .partition(row.referenceHash))
            #expect(place(.fnv1a, 7) == .partition(row.fnv1a))
            #expect(place(.fnv1aRandom, 7) == .partition(row.fnv1a))
        }
    }

    @Test("a record without a key is hashed, spread or stays, as its client does")
    func none() {
        let expected: [(Partitioner, Partitioner.Choice)] = [
            (.sticky, .sticky), (.murmur2, .partition(1)), (.murmur2Random, .random),
            (.consistent, .partition(0)), (.consistentRandom, .random), (.fnv1aRandom, .random),
            (.hash, .random), (.referenceHash, .random), (.random, .random), (.roundRobin, .next),
            (.manual, .refused),
        ]
        for (partitioner, choice) in expected {
            #expect(partitioner.choose(nil, partitionCount: 4) == choice, "\(partitioner)")
        }
    }

    @Test("partitions with fewer waiting batches are chosen more often")
    func weights() {
        let weights = LoadWeights([(0, 0), (1, 3), (2, 1)])
        #expect(weights.sums == [4, 5, 8])
        #expect((0..<8).map { weights.pick($0) } == [0, 0, 0, 0, 1, 2, 2, 2])
        #expect(LoadWeights([(0, 2), (1, 2)]) == LoadWeights())
    }
}
