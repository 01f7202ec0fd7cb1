import Bytes
import KafkaMirror
import KafkaProtocol
import KafkaTestCodecs
import Testing

/// What real brokers told real producers. `VectorTests` reads and writes every byte again; here is
/// what the bytes say.
@Suite struct ProducerMessageTests {
    @Test("traffic holds every message of a producer, in these versions")
    func versions() {
        var seen: [Int16: Set<Int16>] = [:]
        for vector in Vector.brokers.flatMap(Vector.all) {
            guard let key = vector.apiKey, Self.versions[key] != nil, vector.response != nil,
                let request = MessageCodec(key: key, isRequest: true),
                let response = MessageCodec(key: key, isRequest: false),
                request.encodes(vector.apiVersion), response.decodes(vector.apiVersion)
            else { continue }
            seen[key, default: []].insert(vector.apiVersion)
        }
        #expect(seen == Self.versions)
    }
    static let versions: [Int16: Set<Int16>] = [
        0: [7, 9, 10, 11, 13], 10: [2, 3, 6], 22: [1, 4, 5], 24: [1, 3], 25: [1, 3, 4],
        26: [1, 3, 4, 5], 28: [2, 3, 4, 5],
    ]

    @Test("a refused batch names the new leader and where it lives (KIP-951)")
    func leaderHint() throws {
        let refused = try answers(ProduceResponse.self, broker: "4.1.1").filter { _, answer in
            answer.responses.contains { topic in
                topic.partitionResponses.contains { $0.errorCode == 6 }
            }
        }
        let hints = refused.flatMap(\.answer.responses).flatMap(\.partitionResponses)
            .map(\.currentLeader)
        // One of a topic made anew, one of a leader that moved.
        #expect(
            hints == [.init(leaderID: 1, leaderEpoch: 0), .init(leaderID: 2, leaderEpoch: 1)])
        let topic = try #require(refused.last?.answer.responses.first)
        #expect(refused.last?.version == 13 && topic.name.isEmpty && topic.topicID != .zero)
        let node = try #require(refused.last?.answer.nodeEndpoints.first)
        #expect(node == .init(nodeID: 2, host: "localhost", port: 19_292, rack: "r2"))
    }

    @Test("the end of a transaction of version 2 hands out the next epoch (KIP-890)")
    func nextEpoch() throws {
        let ends = try answers(EndTxnResponse.self, broker: "4.1.1").filter { $0.version == 5 }
        #expect(ends.count > 3)
        #expect(ends.allSatisfy { $0.answer.errorCode != 0 || $0.answer.producerEpoch > 0 })
    }

    @Test(
        "finalized features tell whether transactions are of version 2",
        arguments: [("2.8.0", nil), ("3.9.1", nil), ("4.1.1", 2)] as [(String, Int16?)])
    func transactionVersion(broker: String, level: Int16?) throws {
        let modern = try answers(ApiVersionsResponse.self, broker: broker)
            .filter { $0.version >= 3 && $0.answer.errorCode == 0 }
        #expect(!modern.isEmpty)
        for (_, answer) in modern {
            let feature = answer.finalizedFeatures.first { $0.name == "transaction.version" }
            #expect(feature?.maxVersionLevel == level)
        }
    }

    private func answers<R: KafkaResponse>(
        _ type: R.Type, broker: String
    ) throws -> [(version: Int16, answer: R)] {
        try Vector.all(broker: broker).compactMap { vector in
            guard vector.apiKey == R.apiKey, let frame = vector.response,
                R.versions.contains(vector.apiVersion), frame.count < 6 || frame[5] != 35
            else { return nil }
            return try frame.withUnsafeBytes { bytes in
                var r = ByteReader(bytes)
                let flexible = R.hasFlexibleHeader(version: vector.apiVersion)
                _ = try ResponseHeader.decode(&r, flexible: flexible)
                return (vector.apiVersion, try R.decode(&r, version: vector.apiVersion))
            }
        }
    }
}
