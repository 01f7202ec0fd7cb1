import Bytes
import KafkaMirror
import KafkaProtocol
import SASL
import Timing

@testable import KafkaCore

/// One machine of the client alone, with connections under it that a test answers: what it sends is
/// looked at, what it tells is written down, and nothing happens by itself.
final class Stage {
    /// A request that left.
    struct Sent {
        let connection: BrokerConnectionID
        let header: RequestHeader
        let body: [UInt8]

        func decoded<R>(
            _ decode: (inout ByteReader, Int16) throws(BytesError) -> R
        ) throws -> R {
            try body.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                return try decode(&reader, header.apiVersion)
            }
        }
    }

    let context: ClusterContext
    let router = StageRouter()
    let cache = LogCache()
    private(set) lazy var links = Links(
        context, router: router, ids: BrokerConnectionIDs(), spares: cache.spares,
        nonces: NonceSource(fixed: Array("nonce".utf8)))
    private(set) var connects: [(id: BrokerConnectionID, endpoint: Endpoint)] = []
    private(set) var closed: [BrokerConnectionID] = []
    private(set) var logs: [String] = []
    /// Not looked at yet, set-ups left out.
    private(set) var sent: [Sent] = []
    private(set) var effects: [ClusterEffect] = []
    private(set) var now = Instant.zero.adding(milliseconds: 1_000)
    private var opened = 0

    /// The newest versions that the brokers speak.
    var versions: [Int16: Int16] = [
        FetchRequest.apiKey: 12, ListOffsetsRequest.apiKey: 7, MetadataRequest.apiKey: 12,
    ]

    init(
        limits: KafkaLimits = KafkaLimits(), _ adjust: (inout ClusterSettings) -> Void = { _ in }
    ) {
        var settings = ClusterSettings(bootstrap: [Stage.endpoint(0)])
        adjust(&settings)
        context = ClusterContext(
            settings: settings, limits: limits, random: SeededRandom(seed: 1))
    }

    static func endpoint(_ number: Int) -> Endpoint {
        Endpoint(host: "broker-\(number)", port: 9_092)
    }

    /// The brokers of these node ids are the cluster.
    func know(_ nodeIDs: ClosedRange<Int32>) {
        perform { links.update(nodeIDs.map { ($0, Stage.endpoint(Int($0))) }) }
    }

    func broker(_ nodeID: Int32) throws -> Broker {
        guard let broker = links.broker(nodeID) else { throw MissingRecords() }
        return broker
    }

    func topic(_ name: String, _ partitions: Int32, on leader: Broker?) -> Topic {
        let topic = router.addTopic(name, now)
        for index in 0..<partitions {
            let partition = Partition(topic, index)
            partition.leader = leader
            partition.leaderEpoch = 3
            topic.partitions[index] = partition
            topic.indexes.append(index)
        }
        topic.state = .known
        return topic
    }

    // MARK: Time

    func pass(_ milliseconds: Int64) { now = now.adding(milliseconds: milliseconds) }

    func perform(_ body: () -> Void) {
        var produced: [ClusterEffect] = []
        context.handle(now, &produced, body)
        for effect in produced { note(effect) }
    }

    private func note(_ effect: ClusterEffect) {
        switch effect {
        case .connect(let id, let endpoint, _): connects.append((id, endpoint))
        case .close(let id): closed.append(id)
        case .log(_, let text): logs.append(text)
        case .send(let id, let block): note(id, block)
        default: effects.append(effect)
        }
    }

    private func note(_ id: BrokerConnectionID, _ block: ByteBlock) {
        var reader = ByteReader(block.bytes)
        guard (try? reader.skip(4)) != nil, let header = try? RequestHeader.decode(&reader) else {
            return
        }
        let body = Array(block.bytes.suffix(reader.remaining))
        sent.append(Sent(connection: id, header: header, body: body))
    }

    // MARK: The brokers' side

    /// Connections that were asked for are there, and know the versions.
    func connect() {
        while opened < connects.count {
            let id = connects[opened].id
            opened += 1
            perform { links.opened(id) }
            guard let asked = take(ApiVersionsRequest.apiKey) else { continue }
            let keys = versions.sorted { $0.key < $1.key }.map {
                ApiVersionsResponse.Key(apiKey: $0.key, minVersion: 1, maxVersion: $0.value)
            }
            answer(asked) { ApiVersionsResponse(apiKeys: keys).encode(&$0, version: $1) }
        }
    }

    /// The oldest request of that API that was not looked at.
    func take(_ apiKey: Int16) -> Sent? {
        guard let place = sent.firstIndex(where: { $0.header.apiKey == apiKey }) else { return nil }
        return sent.remove(at: place)
    }

    func answer(_ asked: Sent, _ encode: (inout ByteWriter, Int16) -> Void) {
        let frame = Frames.response(asked.header) { encode(&$0, asked.header.apiVersion) }
        let size = UInt32(frame.count)
        let head = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) }
        (head + frame).withUnsafeBytes { bytes in
            perform { links.received(asked.connection, bytes) }
        }
    }

    func lose(_ id: BrokerConnectionID, _ kind: ConnectionFailure.Kind = .reset) {
        perform { links.closed(id, ConnectionFailure(kind, "gone")) }
    }
}

/// What is above a machine: writes down what it tells, and knows of the topics what a test says.
final class StageRouter: BrokerRouter, MetadataRouter, ReadRouter, OffsetRouter, ProduceRouter {
    private(set) var told: [String] = []
    private var topics: [String: Topic] = [:]
    var isInUse = true
    var isWaitedFor = false
    var currentOutage: KafkaFailure?
    var hasDescription = true
    /// For whoever asks for a place, instead of what the topics say.
    var place: TopicPlace?

    func takeTold() -> [String] {
        defer { told = [] }
        return told
    }

    func addTopic(_ name: String, _ now: Instant) -> Topic {
        let topic = Topic(name, now: now)
        topic.number = UInt64(topics.count)
        topics[name] = topic
        return topic
    }

    private func tell(_ text: String) { told.append(text) }
    private func name(_ broker: Broker?) -> String { broker.map { "\($0.nodeID ?? -1)" } ?? "none" }

    func brokerFailed(_ broker: Broker, _ failure: KafkaFailure, hasServed: Bool) {
        tell("broker \(name(broker)) failed\(hasServed ? ", has served" : "")")
    }
    func brokerHasHungUp(_ broker: Broker) {}
    func brokerRefuses(_ broker: Broker) { tell("broker \(name(broker)) refuses") }
    func brokerIsLate(_ broker: Broker) { tell("broker \(name(broker)) is late") }
    func brokerServes(_ broker: Broker) { tell("broker \(name(broker)) serves") }
    func brokerMayBeTriedAgain(_ broker: Broker) { tell("broker \(name(broker)) again") }
    func brokersChanged() { tell("brokers changed") }
    func brokerIsGone(_ broker: Broker) { tell("broker \(name(broker)) gone") }
    func awaits(_ role: ConnectionRole, _ broker: Broker) -> Bool { isWaitedFor }

    func partitionChanged(_ change: PartitionChange) {
        let partition = change.partition
        tell(
            "\(partition.name): \(name(change.oldLeader))/\(change.oldEpoch)"
                + " -> \(name(partition.leader))/\(partition.leaderEpoch)")
    }
    func partitionIsGone(_ partition: Partition) { tell("\(partition.name) gone") }
    func partitionIsForgotten(_ partition: Partition) { tell("\(partition.name) forgotten") }
    func topicIsKnown(_ topic: Topic) { tell("\(topic.name) known") }
    func topicFailed(_ topic: Topic, _ failure: KafkaFailure) {
        tell("\(topic.name) failed: \(failure.text)")
    }
    func topicIsOutOfReach(_ topic: Topic, _ failure: KafkaFailure) {
        tell("\(topic.name) out of reach")
    }
    func topicIsVoid(_ topic: Topic) { tell("\(topic.name) void") }
    func brokersAreAway(_ outage: KafkaFailure) { tell("brokers away") }
    func isAwaited(_ topic: Topic) -> Bool { isInUse }
    func isInUse(_ partition: Partition) -> Bool { isInUse }
    func topicsAsked(of broker: Broker) -> [Topic] { [] }

    func place(_ topic: String, _ partition: Int32) -> TopicPlace {
        if let place { return place }
        guard let known = topics[topic]?.partitions[partition] else {
            return .none(.unknownTopic(cause: topic))
        }
        return .partition(known)
    }
    func awaited(_ topic: Topic) -> TopicPlace { .awaited(topic) }
    func topic(_ name: String) -> Topic { topics[name] ?? addTopic(name, .zero) }
    func knownTopic(_ name: String) -> Topic? { topics[name] }
    func want(_ topic: Topic) { tell("\(topic.name) wanted") }
    func wantAgain(_ topic: Topic) { tell("\(topic.name) wanted again") }
    func leaderIsNamed(_ hint: LeaderHint) {
        tell("\(hint.partition.name): hint \(hint.nodeID)/\(hint.epoch)")
    }
    func reason(_ topic: String, _ partition: Int32, _ last: KafkaFailure?) -> KafkaFailure {
        last ?? .timeout(cause: topic)
    }
    func lookUp(
        _ topic: String, _ partition: Int32, timestamp: Int64, deadline: Instant,
        _ then: @escaping (Int64) -> Void
    ) { tell("\(topic)-\(partition): look-up of \(timestamp)") }
    func endIsTold(_ partition: Partition, _ offset: Int64, sentAt: Instant) {
        tell("\(partition.name) ends at \(offset)")
    }
    func startIsTold(_ partition: Partition, _ offset: Int64) {
        tell("\(partition.name) starts at \(offset)")
    }
    func rightIsGone(_ partition: Partition) { tell("\(partition.name): no right") }
}
