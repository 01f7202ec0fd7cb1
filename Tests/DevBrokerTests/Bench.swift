import Bytes
import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing
import Timing

/// A cluster on a table: time stands still until the test moves it.
final class Bench {
    let cluster: BrokerCluster
    var now = Instant(nanoseconds: 1_000_000_000)
    /// What clients have received, frame by frame, without the lengths.
    var frames: [ClientConnectionID: [[UInt8]]] = [:]
    var hungUp: Set<ClientConnectionID> = []
    var listening: [Int32: Bool] = [:]

    init(_ change: (inout BrokerSettings) -> Void = { _ in }) {
        var settings = BrokerSettings()
        change(&settings)
        cluster = BrokerCluster(settings)
    }

    func client(of broker: Int32 = 1) throws -> BenchClient {
        BenchClient(self, try #require(cluster.open(broker: broker, now: now)))
    }

    func perform() {
        for effect in cluster.takeEffects() {
            switch effect {
            case .send(let id, let block):
                var reader = ByteReader(block.bytes)
                guard let count = try? reader.int32(), let body = try? reader.slice(Int(count)),
                    reader.isAtEnd
                else {
                    // A frame that was cut on purpose.
                    frames[id, default: []].append([UInt8](block.bytes))
                    continue
                }
                frames[id, default: []].append([UInt8](body))
            case .close(let id): hungUp.insert(id)
            case .listening(let broker, let isUp): listening[broker] = isUp
            }
        }
    }

    /// Lets time go by, timers at their moments.
    func pass(milliseconds: Int64) {
        let end = now.adding(milliseconds: milliseconds)
        while let due = cluster.nextDeadline, due <= end {
            now = max(now, due)
            cluster.tick(now: now)
            perform()
        }
        now = end
    }
}

/// A client that encodes and decodes with the library's own codecs.
final class BenchClient {
    let bench: Bench
    let id: ClientConnectionID
    private var correlationID: Int32 = 100

    init(_ bench: Bench, _ id: ClientConnectionID) {
        self.bench = bench
        self.id = id
    }

    var isHungUp: Bool { bench.hungUp.contains(id) }
    var waitingFrames: Int { bench.frames[id]?.count ?? 0 }

    /// Sends without waiting for the answer.
    func send<Q: KafkaRequest>(_ request: Q, version: Int16) {
        correlationID += 1
        var writer = ByteWriter()
        request.encodeFrame(
            &writer, version: version, correlationID: correlationID, clientID: "bench")
        writer.withBytes { bench.cluster.receive(id, $0, now: bench.now) }
        bench.perform()
    }

    func send(frame: [UInt8]) {
        var writer = ByteWriter()
        writer.int32(Int32(frame.count))
        writer.bytes(frame)
        writer.withBytes { bench.cluster.receive(id, $0, now: bench.now) }
        bench.perform()
    }

    /// The next answer's bytes.
    func frame() throws -> [UInt8] {
        let frames = bench.frames[id] ?? []
        let first = try #require(frames.first, "no answer")
        bench.frames[id]?.removeFirst()
        return first
    }

    /// The next answer, which must be used up to its last byte.
    func answer<R: KafkaResponse>(_ type: R.Type, version: Int16) throws -> R {
        try frame().withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            _ = try ResponseHeader.decode(
                &reader, flexible: R.hasFlexibleHeader(version: version))
            let response = try R.decode(&reader, version: version)
            #expect(reader.isAtEnd)
            return response
        }
    }

    func ask<Q: KafkaRequest>(_ request: Q, version: Int16) throws -> Q.Response {
        send(request, version: version)
        return try answer(Q.Response.self, version: version)
    }
}

/// A Fetch answer with its records.
struct Fetched {
    var response: FetchResponse
    private let frame: [UInt8]

    init(_ client: BenchClient, version: Int16) throws {
        let frame = try client.frame()
        self.frame = frame
        response = try frame.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            _ = try ResponseHeader.decode(
                &reader, flexible: FetchResponse.hasFlexibleHeader(version: version))
            let response = try FetchResponse.decode(&reader, version: version)
            #expect(reader.isAtEnd)
            return response
        }
    }

    var partitions: [FetchResponse.Partition] { response.responses.flatMap(\.partitions) }
    var first: FetchResponse.Partition { get throws { try #require(partitions.first) } }

    func bytes(_ index: Int = 0) -> [UInt8] {
        guard index < partitions.count, let range = partitions[index].records else { return [] }
        return frame.withUnsafeBytes { range.bytes(of: $0).map { [UInt8]($0) } ?? [] }
    }

    /// Base and last offsets of the whole batches.
    func batches(_ index: Int = 0) throws -> [ClosedRange<Int64>] {
        try bytes(index).withUnsafeBytes { bytes in
            var reader = RecordSetReader(bytes)
            var found: [ClosedRange<Int64>] = []
            while let batch = try reader.next() {
                try batch.verifyChecksum()
                found.append(batch.header.baseOffset...batch.header.lastOffset)
            }
            return found
        }
    }
}

extension BenchClient {
    struct Ask {
        var topic: String
        var partition: Int32 = 0
        var offset: Int64
        var maxBytes: Int32 = 1 << 20
        var leaderEpoch: Int32 = -1
        var lastFetchedEpoch: Int32 = -1
    }

    /// A Fetch request by names or, from version 13 on, ids.
    func fetchRequest(
        _ asks: [Ask], version: Int16, maxWait: Int32 = 0, minBytes: Int32 = 1,
        maxBytes: Int32 = 50 << 20, committed: Bool = false, session: (Int32, Int32) = (0, -1),
        forgotten: [(String, Int32)] = []
    ) -> FetchRequest {
        var request = FetchRequest(
            maxWaitMilliseconds: maxWait, minBytes: minBytes, maxBytes: maxBytes,
            isolationLevel: committed ? 1 : 0, sessionID: session.0, sessionEpoch: session.1)
        for ask in asks {
            request.topics.append(
                .init(
                    topic: version >= 13 ? "" : ask.topic,
                    topicID: version >= 13 ? bench.cluster.topicID(ask.topic) ?? .zero : .zero,
                    partitions: [
                        .init(
                            partition: ask.partition, currentLeaderEpoch: ask.leaderEpoch,
                            fetchOffset: ask.offset, lastFetchedEpoch: ask.lastFetchedEpoch,
                            partitionMaxBytes: ask.maxBytes)
                    ]))
        }
        request.forgottenTopicsData = forgotten.map {
            .init(
                topic: version >= 13 ? "" : $0.0,
                topicID: version >= 13 ? bench.cluster.topicID($0.0) ?? .zero : .zero,
                partitions: [$0.1])
        }
        return request
    }

    func fetch(_ request: FetchRequest, version: Int16) throws -> Fetched {
        send(request, version: version)
        return try Fetched(self, version: version)
    }

    func fetch(
        _ asks: Ask..., version: Int16 = 17, committed: Bool = false, maxBytes: Int32 = 50 << 20
    ) throws -> Fetched {
        try fetch(
            fetchRequest(asks, version: version, maxBytes: maxBytes, committed: committed),
            version: version)
    }
}

/// `count` records whose values tell their offsets.
func numbered(_ range: Range<Int>, size: Int = 0) -> [DevRecord] {
    range.map { DevRecord("\($0)" + String(repeating: ".", count: size), key: "k\($0)") }
}
