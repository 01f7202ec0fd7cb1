import Bytes
import KafkaMirror
import KafkaProtocol
import KafkaTestCodecs
import Testing

@testable import DevBroker

/// Java's transactions of four releases, once more: the answers are the real broker's, byte for
/// byte. Version 2 of transactions (KIP-890) is that of 4.1.1.
@Suite struct TransactionTranscriptTests {
    static let releases: [(release: String, profile: BrokerProfile, exchanges: Int)] = [
        ("2.1.1", .kafka2_1, 35), ("2.8.0", .kafka2_8, 35), ("3.9.1", .kafka3_9, 35),
        ("4.1.1", .kafka4_1, 26),
    ]

    @Test("answers to transactional producers are the real broker's", arguments: releases)
    func transcript(release: String, profile: BrokerProfile, exchanges: Int) throws {
        let replay = try TransactionReplay(release, profile)
        var count = 0
        while let step = replay.next() {
            #expect(hex(step.answer) == hex(step.real), "\(step.place)")
            count += 1
        }
        #expect(count == exchanges && replay.isDone)
    }
}

/// The requests of several clients, each in its order; the offsets that the real broker gave out
/// tell how they overlapped.
private final class TransactionReplay {
    private struct Step {
        let exchange: Exchange
        /// The first one is taken that may come next.
        let rank: Int
        /// Where a batch was stored.
        var baseOffset: Int64?
        var topic: String?
    }

    private static let keys: Set<Int16> = [0, 22, 24, 25, 26, 28]
    private let bench: Bench
    private var clients: [(client: BenchClient, steps: [Step])] = []

    init(_ release: String, _ profile: BrokerProfile) throws {
        bench = Bench { $0.profile = profile }
        let all = Exchange.all(release: release).filter { $0.file == "transactions-java.jsonl" }
        for exchange in all where exchange.apiKey == MetadataResponse.apiKey {
            for topic in try exchange.answer(MetadataResponse.self).topics {
                guard topic.errorCode == 0, let name = topic.name, bench.cluster.topics[name] == nil
                else { continue }
                bench.cluster.makeTopic(
                    name, Int32(topic.partitions.count), TopicSettings(), id: topic.topicID)
            }
        }
        var places: [String: Int] = [:]
        for exchange in all where Self.keys.contains(exchange.apiKey) {
            let id = try #require(exchange.header.clientID)
            // Real markers take their time: a first request behind them is asked again.
            if exchange.apiKey == 24, hex(exchange.response).contains("0033") { continue }
            if places[id] == nil {
                places[id] = clients.count
                clients.append((try bench.client(), []))
            }
            clients[places[id] ?? 0].steps.append(try step(exchange, id))
        }
    }

    private func step(_ exchange: Exchange, _ id: String) throws -> Step {
        switch exchange.apiKey {
        case ProduceRequest.apiKey:
            let topic = try #require(try exchange.answer(ProduceResponse.self).responses.first)
            let partition = try #require(topic.partitionResponses.first)
            let name =
                topic.name.isEmpty
                ? bench.cluster.topicsByID[topic.topicID]?.name ?? "" : topic.name
            // A producer is refused when it has been fenced.
            guard partition.errorCode == 0 else { return Step(exchange: exchange, rank: 4) }
            return Step(
                exchange: exchange, rank: 1, baseOffset: partition.baseOffset, topic: name)
        case EndTxnRequest.apiKey: return Step(exchange: exchange, rank: 2)
        default: return Step(exchange: exchange, rank: id.hasSuffix("fencer") ? 3 : 0)
        }
    }

    var isDone: Bool { clients.allSatisfy { $0.steps.isEmpty } }

    func next() -> (place: String, answer: [UInt8], real: [UInt8])? {
        let ready = clients.indices.filter { isReady(clients[$0].steps.first) }
        let first = ready.min { rank($0) < rank($1) }
        guard let first else { return nil }
        let exchange = clients[first].steps.removeFirst().exchange
        // Ids of producers are told in the order of their asking, as the real ones were.
        if let real = try? exchange.answer(InitProducerIdResponse.self), real.producerEpoch == 0 {
            bench.cluster.nextProducerID = real.producerID
        }
        clients[first].client.send(frame: exchange.request)
        guard let answer = try? clients[first].client.frame() else { return nil }
        return (exchange.place, answer, exchange.response)
    }

    private func rank(_ index: Int) -> Int { clients[index].steps.first?.rank ?? .max }

    private func isReady(_ step: Step?) -> Bool {
        guard let step else { return false }
        guard let offset = step.baseOffset, let topic = step.topic else { return true }
        return bench.cluster.logEnd(topic) == offset
    }
}

extension Exchange {
    fileprivate var header: RequestHeader {
        get throws {
            try request.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                return try RequestHeader.decode(&reader)
            }
        }
    }

    /// Throws for another API's.
    fileprivate func answer<R: KafkaResponse>(_ type: R.Type) throws -> R {
        guard R.apiKey == apiKey else { throw BytesError(.invalidLength, at: 0) }
        return try response.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            _ = try ResponseHeader.decode(
                &reader, flexible: R.hasFlexibleHeader(version: version))
            return try R.decode(&reader, version: version)
        }
    }
}
