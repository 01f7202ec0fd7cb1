import DevBroker
import KafkaMirror
import KafkaProducing
import KafkaProtocol
import TestSupport
import Testing
import Timing

@testable import KafkaCore

private let chosenSeeds = simulationSeeds(usual: 1...40)

/// Brokers answer producers with whatever numbers: nothing traps, and each record is told of once.
@Suite struct HostileProduceTests {
    @Test(arguments: chosenSeeds)
    func anyNumbersAreBorne(_ seed: UInt64) {
        if chosenSeeds.count > 40 { print("hostile produce: seed \(seed)") }
        let world = World(brokers: 2, seed: seed) { server, client in
            server.profile = BrokerProfile.allCases[Int(seed) % BrokerProfile.allCases.count]
            client.requestTimeoutMilliseconds = 1_000
        }
        world.server.createTopic("t", partitions: 2)
        world.answer = { [unowned world] _, header, _ in
            guard Int.random(in: 0..<3, using: &world.random) > 0 else { return nil }
            return Self.answer(header, world.server.topicID("t") ?? .zero, &world.random)
                .map { .frame($0) }
        }
        let isTransactional = seed % 3 == 0
        let producer = world.producer {
            $0.acks = seed % 3 == 1 ? .leader : .all
            $0.isIdempotent = $0.acks == .all
            $0.transactionalID = isTransactional ? "x" : nil
            $0.deliveryTimeoutMilliseconds = 20_000
            $0.requestTimeoutMilliseconds = 1_000
            $0.lingerMilliseconds = 1
        }
        if isTransactional {
            _ = world.transact { $0.initializeTransactions(producer, now: $1, &$2) }
            world.run(5_000) { !world.outcomesOfTransactions.isEmpty }
        }
        var accepted = 0
        for token in 0..<60 as Range<UInt64> {
            if isTransactional, token % 20 == 0 {
                _ = world.transact { $0.abortTransaction(producer, now: $1, &$2) }
                world.run(2_000)
                _ = world.transact { $0.beginTransaction(producer, now: $1, &$2) }
            }
            if world.produce(producer, "t", Int32(token % 2), token: token) == .accepted {
                accepted += 1
            }
            world.run(Int64.random(in: 0...200, using: &world.random))
        }
        world.run(60_000) { world.results.count == accepted }
        #expect(world.results.count == accepted)
        #expect(world.results.values.allSatisfy { $0.count == 1 })
        world.shutDown()
    }

    // MARK: Answers

    private static func answer(
        _ header: RequestHeader, _ topicID: KafkaUUID, _ random: inout SeededRandom
    ) -> [UInt8]? {
        let version = header.apiVersion
        switch header.apiKey {
        case 0:
            let response = produce(topicID, &random)
            return Frames.response(header) { response.encode(&$0, version: version) }
        case 10:
            let coordinator = FindCoordinatorResponse.Coordinator(
                key: "x", nodeID: number(&random), host: "127.0.0.1",
                port: [9092, 0, -1, .max].randomElement(using: &random) ?? 0,
                errorCode: code(&random))
            let response = FindCoordinatorResponse(
                throttleTimeMilliseconds: 0, errorCode: code(&random),
                nodeID: number(&random), host: "127.0.0.1", port: 9093,
                coordinators: Bool.random(using: &random) ? [coordinator] : [])
            return Frames.response(header) { response.encode(&$0, version: version) }
        case 22:
            let response = InitProducerIdResponse(
                errorCode: code(&random), producerID: long(&random),
                producerEpoch: [0, -1, .max, .min, .max - 1].randomElement(using: &random) ?? 0)
            return Frames.response(header) { response.encode(&$0, version: version) }
        case 24:
            let response = AddPartitionsToTxnResponse(
                resultsByTopicV3AndBelow: [
                    .init(
                        name: ["t", "", "u"].randomElement(using: &random) ?? "",
                        resultsByPartition: [
                            .init(
                                partitionIndex: number(&random), partitionErrorCode: code(&random))
                        ])
                ])
            return Frames.response(header) { response.encode(&$0, version: version) }
        case 26:
            let response = EndTxnResponse(errorCode: code(&random))
            return Frames.response(header) { response.encode(&$0, version: version) }
        default: return nil
        }
    }

    private static func produce(
        _ topicID: KafkaUUID, _ random: inout SeededRandom
    ) -> ProduceResponse {
        var topics: [ProduceResponse.Topic] = []
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            topics.append(
                .init(
                    name: ["t", "t", "", "u"].randomElement(using: &random) ?? "",
                    topicID: Bool.random(using: &random) ? topicID : .zero,
                    partitionResponses: (0..<Int.random(in: 0...4, using: &random)).map { _ in
                        partition(&random)
                    }))
        }
        return ProduceResponse(
            responses: topics,
            nodeEndpoints: [
                .init(nodeID: number(&random), host: "127.0.0.1", port: number(&random))
            ])
    }

    private static func partition(
        _ random: inout SeededRandom
    ) -> ProduceResponse.Partition {
        .init(
            index: [0, 1, 2, -1, .max, .min].randomElement(using: &random) ?? 0,
            errorCode: code(&random), baseOffset: long(&random),
            logAppendTimeMilliseconds: long(&random), logStartOffset: long(&random),
            recordErrors: (0..<Int.random(in: 0...3, using: &random)).map { _ in
                .init(batchIndex: number(&random), batchIndexErrorMessage: "no")
            }, errorMessage: "why",
            currentLeader: .init(leaderID: number(&random), leaderEpoch: number(&random)))
    }

    private static func code(_ random: inout SeededRandom) -> Int16 {
        let usual: [Int16] = [0, 0, 0, 6, 7, 10, 45, 46, 47, 51, 59, 87, 90, 16, 48, 49, -1]
        return Int.random(in: 0..<6, using: &random) > 0
            ? usual.randomElement(using: &random) ?? 0
            : Int16.random(in: .min ... .max, using: &random)
    }

    private static func number(_ random: inout SeededRandom) -> Int32 {
        [0, 1, 2, 3, -1, .max, .min].randomElement(using: &random) ?? 0
    }

    private static func long(_ random: inout SeededRandom) -> Int64 {
        [0, 1, -1, 1_000, .max, .max - 1, .min].randomElement(using: &random) ?? 0
    }
}
