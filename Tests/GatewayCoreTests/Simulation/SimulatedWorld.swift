import Compression
import DevBroker
import GatewayCore
import Testing
import Timing

/// A gateway, three brokers and a few dozen clients, driven by one seed.
final class SimulatedWorld {
    let rig: Rig
    let seed: UInt64
    private var random: SeededRandom
    private var readers: [SimulatedReader] = []
    private(set) var logs: [SimulatedLog] = []
    private var lastProducer: Int64 = 0
    private(set) var checked = 0
    private(set) var recordsChecked = 0
    /// Of everything that clients have got.
    private(set) var digest: UInt64 = 14_695_981_039_346_656_037

    static let topics = ["a", "b", "c"]
    static let partitions = 2

    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededRandom(seed: seed)
        var settings = GatewaySettings()
        settings.cacheBytes = seed % 3 == 0 ? 8 << 20 : 64 << 10
        var brokers = BrokerSettings()
        brokers.brokers = 3
        brokers.profile = BrokerProfile.allCases[Int(seed) % BrokerProfile.allCases.count]
        let pubsub =
            #"{"request_timeout_ms":5000,"compression":true,"#
            + #""limits":{"unsent_bytes":100000,"commands_in_flight":16}}"#
        rig = try Rig(
            routes: [Rig.route(pubsub)], settings: settings, brokers: brokers, seed: seed)
        shapeNetwork()
        for topic in Self.topics {
            rig.brokers.createTopic(topic, partitions: Int32(Self.partitions))
            for partition in 0..<Self.partitions {
                logs.append(SimulatedLog(topic: topic, partition: partition))
            }
        }
        for _ in 0..<30 { try produce() }
    }

    /// Every fourth seed has a network that takes no time.
    private func shapeNetwork() {
        guard seed % 4 != 0 else { return }
        rig.network.delayMax = Int64.random(in: 0...40, using: &random)
        rig.network.pieceBytesMax = [3, 900, 65_536].randomElement(using: &random) ?? 900
        // A large answer in small pieces would not come in time.
        guard rig.network.pieceBytesMax > 100 else { return }
        rig.network.pieceDelayMax = Int64.random(in: 0...3, using: &random)
    }

    func log(_ topic: String, _ partition: Int) -> SimulatedLog? {
        logs.first { $0.topic == topic && $0.partition == partition }
    }

    // MARK: One step

    func step() throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<15: try produce()
        case 15..<20: endTransaction()
        case 20..<28 where readers.count < 30: try join()
        case 28..<60: readers.randomElement(using: &random)?.ask(logs)
        case 60..<66: fault()
        case 66..<70: brokersChange()
        case 70..<72: leave()
        case 72..<73: deleteRecords()
        case 73..<84: crowd()
        default: rig.pass(Int64.random(in: 1...400, using: &random))
        }
        rig.settle()
        try check()
    }

    private func check() throws {
        for reader in readers { try take(reader) }
    }

    private func take(_ reader: SimulatedReader) throws {
        for message in reader.client.takeMessages() {
            checked += 1
            for byte in message { digest = (digest ^ UInt64(byte)) &* 1_099_511_628_211 }
            recordsChecked += try reader.check(message, self)
        }
    }

    private func produce() throws {
        let index = logs.indices.randomElement(using: &random) ?? 0
        let count = Int.random(in: 1...40, using: &random)
        var producer: DevProducer?
        var kind = SimulatedLog.Kind.plain
        if Int.random(in: 0..<4, using: &random) == 0, logs[index].openProducer == nil {
            lastProducer += 1
            producer = DevProducer(id: lastProducer, isTransactional: true)
            kind = .open(lastProducer)
        }
        let log = logs[index]
        let records = (log.end..<log.end + Int64(count)).map { DevRecord(log.value($0)) }
        let codec = Codec.allCases.randomElement(using: &random) ?? .none
        // Old brokers don't let zstd in.
        let base = try rig.brokers.append(
            log.topic, partition: Int32(log.partition), records,
            codec: codec == .zstd ? .none : codec, producer: producer, now: rig.now)
        #expect(base == log.end, "seed \(seed): the model and the broker differ")
        logs[index].append(kind, count)
    }

    private func endTransaction() {
        let open = logs.indices.filter { logs[$0].openProducer != nil }
        guard let index = open.randomElement(using: &random),
            let id = logs[index].openProducer
        else { return }
        end(index, id, commits: Bool.random(using: &random))
    }

    private func end(_ index: Int, _ id: Int64, commits: Bool) {
        let log = logs[index]
        rig.brokers.endTransaction(
            log.topic, Int32(log.partition), producer: DevProducer(id: id, isTransactional: true),
            committed: commits, now: rig.now)
        logs[index].end(id, commits: commits)
    }

    private func join() throws {
        let formats = ["pubsub.proto", "pubsub.proto", "pubsub.proto", "pubsub.text"]
        let format = formats.randomElement(using: &random) ?? formats[0]
        var headers = ["Sec-WebSocket-Protocol: \(format)"]
        if Bool.random(using: &random) {
            let window = ["", "; server_max_window_bits=9"].randomElement(using: &random) ?? ""
            headers.append("Sec-WebSocket-Extensions: permessage-deflate" + window)
        }
        let client = rig.accept()
        client.sendRaw(Rig.head("/kafka", headers))
        try #require(client.takeHead()?.hasPrefix("HTTP/1.1 101") == true)
        readers.append(
            SimulatedReader(client, isText: format == "pubsub.text", seed: random.next()))
    }

    private func leave() {
        guard readers.count > 5, let index = readers.indices.randomElement(using: &random)
        else { return }
        let reader = readers.remove(at: index)
        if Bool.random(using: &random) {
            reader.client.sendClose(1000)
        } else {
            reader.client.endOfStream()
        }
    }

    // MARK: What goes wrong

    private func fault() {
        let damage = RecordDamage.allCases.randomElement(using: &random) ?? .cut
        let actions: [Fault.Action] = [
            .delay(milliseconds: Int64.random(in: 1...800, using: &random)), .close,
            .cut(bytes: Int.random(in: 0...2000, using: &random)), .silence, .error(6),
            .error(74), .error(-1), .throttle(milliseconds: 50), .damage(damage),
            .wrongCorrelation,
        ]
        let api: Int16? = [1, 1, 1, 2, 3].randomElement(using: &random)
        rig.brokers.inject(
            Fault(actions.randomElement(using: &random) ?? .close, apiKey: api))
    }

    private func brokersChange() {
        let broker = Int32.random(in: 1...3, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            // Now and then nobody else may lead.
            let elects = Int.random(in: 0..<4, using: &random) > 0
            _ = rig.brokers.takeDown(broker, elects: elects, now: rig.now)
        case 1: bringUp()
        case 2: rig.brokers.dropFetchSessions(broker: broker)
        case 3:
            let log = logs.randomElement(using: &random) ?? logs[0]
            _ = rig.brokers.moveLeader(
                log.topic, Int32(log.partition), to: broker, now: rig.now)
        case 4: rig.network.breakOne()
        default: rig.brokers.closeConnections(broker: broker)
        }
    }

    private func bringUp() {
        for id in 1...3 { _ = rig.brokers.bringUp(Int32(id), now: rig.now) }
    }

    private func deleteRecords() {
        guard let index = logs.indices.randomElement(using: &random) else { return }
        let log = logs[index]
        let quarter = (log.end - log.start) / 4
        let offset = Int64.random(in: log.start...log.start + quarter, using: &random)
        rig.brokers.deleteRecords(log.topic, Int32(log.partition), before: offset)
        logs[index].start = rig.brokers.logStart(log.topic, Int32(log.partition)) ?? 0
    }

    /// A client that reads little, or in small pieces, or all again.
    private func crowd() {
        guard let reader = readers.randomElement(using: &random) else { return }
        switch Int.random(in: 0..<3, using: &random) {
        case 0: reader.client.room = Int.random(in: 0...5_000, using: &random)
        case 1: reader.client.writeMax = Int.random(in: 1...3_000, using: &random)
        default:
            reader.client.writeMax = .max
            reader.client.read()
        }
        reader.client.keepAlive()
    }

    // MARK: The end

    /// All brokers up, all clients reading: everything that was asked is answered, and who follows
    /// a partition is at its end.
    func finish() throws {
        rig.brokers.clearFaults()
        bringUp()
        for index in logs.indices {
            if let id = logs[index].openProducer { end(index, id, commits: true) }
        }
        for round in 0..<40 {
            for reader in readers {
                reader.client.writeMax = .max
                reader.client.read()
                if round % 5 == 0 { reader.client.keepAlive() }
                reader.grantEverything()
            }
            rig.pass(1_000)
            try check()
        }
        for reader in readers where !reader.client.isClosed {
            reader.expectCaughtUp(self)
        }
        for reader in readers { reader.client.sendClose(1000) }
        rig.pass(10_000)
        #expect(rig.engine.sessionCount == 0, "seed \(seed)")
        let metrics = rig.engine.metrics()
        #expect(metrics.unsentBytes == 0 && metrics.subscriptions == 0, "seed \(seed)")
    }
}
