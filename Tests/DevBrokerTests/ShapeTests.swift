import Bytes
import KafkaMirror
import KafkaProtocol
import KafkaTestCodecs
import Testing

@testable import DevBroker

/// DevBroker's answers to the requests of real clients have the shape of real brokers' answers.
@Suite struct ShapeTests {
    static let releases: [(release: String, profile: BrokerProfile)] = [
        ("2.1.1", .kafka2_1), ("2.8.0", .kafka2_8), ("3.9.1", .kafka3_9), ("4.1.1", .kafka4_1),
    ]
    /// Requests that mean the same to another cluster: no member ids, no transactions.
    private static let replayed: Set<Int16> = [0, 1, 2, 3, 9, 10, 18, 22, 23, 60]
    /// Deliberate differences, by the beginning of the place.
    private static let deliberate = [
        // The list of APIs is that of the mirror, the features those that clients act on.
        "ApiVersions"
    ]

    @Test("answers to real requests", arguments: releases)
    func answers(_ release: String, _ profile: BrokerProfile) throws {
        let exchanges = Exchange.all(release: release)
        var real: [String: Shape] = [:]
        for exchange in exchanges {
            guard let message = response(exchange, exchange.response) else { continue }
            real[name(exchange), default: Shape()].add(message, name(exchange))
        }
        var compared = 0
        var differences: [String: String] = [:]
        let replay = Replay(profile, exchanges)
        for exchange in exchanges where Self.replayed.contains(exchange.apiKey) {
            guard let frame = try replay.answer(to: exchange),
                let message = response(exchange, frame), let shape = real[name(exchange)]
            else { continue }
            compared += 1
            for difference in shape.differences(message, name(exchange))
            where !Self.deliberate.contains(where: difference.hasPrefix) {
                differences[difference] = differences[difference] ?? exchange.place
            }
        }
        #expect(compared > 300, "\(compared) answers compared")
        for (difference, place) in differences.sorted(by: { $0.key < $1.key }) {
            Issue.record("\(place): \(difference)")
        }
    }

    private func name(_ exchange: Exchange) -> String {
        "\(KafkaAPI.with(key: exchange.apiKey)?.name ?? "?") v\(exchange.version)"
    }

    private func response(_ exchange: Exchange, _ frame: [UInt8]) -> (any CodecMessage)? {
        guard let codec = MessageCodec(key: exchange.apiKey, isRequest: false),
            codec.decodes(exchange.version)
        else { return nil }
        return frame.withUnsafeBytes { bytes in
            guard let start = try? codec.bodyStart(bytes, version: exchange.version) else {
                return nil
            }
            let body = UnsafeRawBufferPointer(rebasing: bytes[start...])
            return try? codec.decode(body, version: exchange.version)
        }
    }
}

/// Sends the requests of transcripts to a cluster that has the same topics, with the same ids.
private final class Replay {
    private let bench: Bench
    private var client: BenchClient
    /// Fetch sessions: the real broker's ids and ours, with the epoch that comes next.
    private var sessions: [String: (id: Int32, epoch: Int32)] = [:]

    init(_ profile: BrokerProfile, _ exchanges: [Exchange]) {
        bench = Bench { $0.profile = profile }
        guard let id = bench.cluster.open(broker: 1, now: bench.now) else {
            preconditionFailure("the one broker is up")
        }
        client = BenchClient(bench, id)
        for exchange in exchanges where exchange.apiKey == MetadataResponse.apiKey {
            guard let metadata = decode(MetadataResponse.self, exchange) else { continue }
            for topic in metadata.topics where topic.errorCode == 0 { make(topic) }
        }
    }

    private func make(_ topic: MetadataResponse.Topic) {
        guard let name = topic.name, bench.cluster.topics[name] == nil else { return }
        bench.cluster.makeTopic(
            name, Int32(topic.partitions.count), TopicSettings(), id: topic.topicID)
        for index in 0..<Int32(topic.partitions.count) {
            _ = try? bench.cluster.append(
                name, partition: index, numbered(0..<120), now: bench.now)
        }
    }

    private func decode<R: KafkaResponse>(_ type: R.Type, _ exchange: Exchange) -> R? {
        exchange.response.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            let flexible = R.hasFlexibleHeader(version: exchange.version)
            _ = try? ResponseHeader.decode(&reader, flexible: flexible)
            return try? R.decode(&reader, version: exchange.version)
        }
    }

    /// nil for a request that has no meaning here.
    func answer(to exchange: Exchange) throws -> [UInt8]? {
        var request = exchange.request
        var opened: String?
        if exchange.apiKey == FetchRequest.apiKey {
            // The library neither writes nor reads the versions below its own.
            guard FetchRequest.versions.contains(exchange.version),
                let fetch = translated(exchange)
            else { return nil }
            request = fetch.frame
            opened = fetch.opens
        }
        if exchange.apiKey == ProduceRequest.apiKey, isTransactional(exchange) { return nil }
        if client.isHungUp, let id = bench.cluster.open(broker: 1, now: bench.now) {
            client = BenchClient(bench, id)
        }
        client.send(frame: request)
        if client.waitingFrames == 0 { bench.pass(milliseconds: 60_000) }
        #expect(!client.isHungUp, "\(exchange.place)")
        guard client.waitingFrames > 0 else { return nil }
        let frame = try client.frame()
        if let opened { remember(opened, exchange, frame) }
        return frame
    }

    private func isTransactional(_ exchange: Exchange) -> Bool {
        exchange.request.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard (try? RequestHeader.decode(&reader)) != nil,
                let request = try? ProduceRequest.decode(&reader, version: exchange.version)
            else { return true }
            return request.transactionalID != nil || request.acks == 0
        }
    }

    /// The Fetch with our session's id in it.
    private func translated(_ exchange: Exchange) -> (frame: [UInt8], opens: String?)? {
        exchange.request.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard let header = try? RequestHeader.decode(&reader),
                var fetch = try? FetchRequest.decode(&reader, version: exchange.version),
                let real = decode(FetchResponse.self, exchange)
            else { return nil }
            let key = "\(exchange.file) \(fetch.sessionID)"
            var opens: String?
            if fetch.sessionID != 0 {
                // Thinned runs skip epochs; what follows has no session here.
                guard let ours = sessions[key], fetch.sessionEpoch == ours.epoch else {
                    return nil
                }
                fetch.sessionID = ours.id
                sessions[key]?.epoch += 1
            } else if fetch.sessionEpoch == 0 {
                opens = "\(exchange.file) \(real.sessionID)"
            }
            var writer = ByteWriter()
            header.encode(&writer, flexible: exchange.version >= FetchRequest.flexibleFrom)
            fetch.encode(&writer, version: exchange.version)
            return (writer.array, opens)
        }
    }

    private func remember(_ key: String, _ exchange: Exchange, _ frame: [UInt8]) {
        frame.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            let flexible = FetchResponse.hasFlexibleHeader(version: exchange.version)
            _ = try? ResponseHeader.decode(&reader, flexible: flexible)
            if let ours = try? FetchResponse.decode(&reader, version: exchange.version) {
                sessions[key] = (ours.sessionID, 1)
            }
        }
    }
}
