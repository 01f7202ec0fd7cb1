import Bytes
import Compression
import DevBroker
import Glibc
import KafkaMirror
import KafkaProtocol
import SASL
import Timing

@testable import KafkaCore

/// A client and an in-memory Kafka cluster on one virtual clock. Bytes take random times on their
/// way, and arrive in random pieces, all from one seed.
final class World {
    let client: Cluster
    let cache: LogCache
    let server: BrokerCluster
    private(set) var now = Instant.zero
    var random: SeededRandom
    /// Longest one-way delay, in milliseconds.
    var delayMax: Int64 = 2
    /// Ports at which the brokers listen; tests add others.
    var ports: [UInt16: Int32] = [:]
    /// Host names that tests dial besides 127.0.0.1.
    /// What happens to connections to brokers that are not there.
    var refusal = ConnectionFailure(.refused, "connection refused")
    /// The loop does not come to what is left for the end of its turns.
    var isBusy = false
    /// Looks at a request frame before the broker does: an answer instead, or nil.
    var answer: ((Int32, RequestHeader, inout ByteReader) -> Answer?)?
    /// Looks at each read's outcome when it comes.
    var onOutcome: ((ReadToken, ReadOutcome) -> Void)?

    enum Answer {
        /// The frame behind its length.
        case frame([UInt8])
        /// The same, after a while.
        case late(milliseconds: Int64, [UInt8])
        /// Bytes as they are, without a length.
        case raw([UInt8])
        case silence
        case reset
        case end
    }

    private(set) var outcomes: [ReadToken: ReadOutcome] = [:]
    private(set) var listed: [RequestToken: Result<ListedOffset, KafkaFailure>] = [:]
    /// Live reads that are told to be held up.
    private(set) var stalls: [(token: ReadToken, failure: KafkaFailure)] = []
    private(set) var described: [RequestToken: Result<[TopicDescription], KafkaFailure>] = [:]
    private(set) var logs: [(level: LogLevel, text: String)] = []
    private(set) var connects: [(endpoint: Endpoint, tls: TLSSettings?)] = []
    /// Requests that left the client: API key and version.
    private(set) var requests: [(key: Int16, version: Int16, broker: Int32)] = []
    private(set) var derivations = 0

    private struct Pipe {
        var broker: Int32
        var server: ClientConnectionID?
        var toServerAt = Instant.zero
        var toClientAt = Instant.zero
    }

    private var pipes: [BrokerConnectionID: Pipe] = [:]
    private var peers: [ClientConnectionID: BrokerConnectionID] = [:]
    private var queue = DeadlineHeap<Int>()
    private var events: [Int: () -> Void] = [:]
    private var lastEvent = 0
    private var lastToken: UInt64 = 0
    private var idleSteps = 0
    private var effects: [ClusterEffect] = []

    init(
        brokers: Int = 1, seed: UInt64 = 1, bootstrap: [Endpoint]? = nil,
        cacheBytes: Int = 64 << 20, limits: KafkaLimits = KafkaLimits(),
        _ adjust: (inout BrokerSettings, inout ClusterSettings) -> Void = { _, _ in }
    ) {
        random = SeededRandom(seed: seed)
        var serverSettings = BrokerSettings()
        serverSettings.brokers = brokers
        var settings = ClusterSettings(
            bootstrap: bootstrap ?? [Endpoint(host: "127.0.0.1", port: 9092)], clientID: "world")
        adjust(&serverSettings, &settings)
        server = BrokerCluster(serverSettings, seed: seed)
        cache = LogCache(budgetBytes: cacheBytes)
        client = Cluster(
            settings: settings, cache: cache, limits: limits,
            random: SeededRandom(seed: seed &+ 1), connectionIDs: BrokerConnectionIDs())
        for id in server.brokerIDs { ports[UInt16(9091 + id)] = id }
    }

    /// What a driver owes a cluster, whose parts know each other.
    deinit {
        var effects: [ClusterEffect] = []
        client.shutDown(now: now, &effects)
    }

    // MARK: What tests ask

    @discardableResult
    func read(
        _ topic: String, _ partition: Int32 = 0, at offset: Int64, maxBytes: Int = 1 << 20,
        minBytes: Int = 1, _ isolation: Isolation = .readUncommitted, wait: Int64? = nil,
        _ adjust: (inout ReadRequest) -> Void = { _ in }
    ) -> ReadToken {
        lastToken += 1
        let token = ReadToken(raw: lastToken)
        let until = wait.map { $0 == .max ? Instant.distantFuture : now.adding(milliseconds: $0) }
        var request = ReadRequest(
            topic: topic, partition: partition, offset: offset, maxBytes: maxBytes,
            minBytes: minBytes, isolation: isolation, waitUntil: until)
        adjust(&request)
        with { client.read(token, request, now: now, &$0) }
        return token
    }

    func list(
        _ topic: String, _ partition: Int32 = 0, _ timestamp: Int64,
        _ isolation: Isolation = .readUncommitted
    ) -> RequestToken {
        lastToken += 1
        let token = RequestToken(raw: lastToken)
        with {
            client.listOffset(
                token, topic: topic, partition: partition, timestamp: timestamp,
                isolation: isolation, now: now, &$0)
        }
        return token
    }

    func metadata(_ topics: [String]?) -> RequestToken {
        lastToken += 1
        let token = RequestToken(raw: lastToken)
        with { client.metadata(token, topics: topics, now: now, &$0) }
        return token
    }

    func fill(
        _ topic: String, _ partition: Int32 = 0, _ count: Int, batch: Int = 1,
        valueBytes: Int = 20, codec: Codec = .none, producer: DevProducer? = nil
    ) throws {
        var left = count
        while left > 0 {
            let size = min(left, batch)
            let start = server.logEnd(topic, partition) ?? 0
            let records = (0..<Int64(size)).map {
                DevRecord(key: nil, value: TestBatch.value(start + $0, valueBytes))
            }
            try server.append(
                topic, partition: partition, records, codec: codec, producer: producer, now: now)
            left -= size
        }
        performServer()
    }

    /// Something happens to the cluster of brokers.
    func change(_ body: (BrokerCluster, Instant) -> Void) {
        body(server, now)
        performServer()
    }

    // MARK: Time

    /// Runs until `isDone`, or until so many milliseconds have passed. Whether it is done.
    @discardableResult
    func run(_ milliseconds: Int64 = 60_000, until isDone: () -> Bool = { false }) -> Bool {
        let end = now.adding(milliseconds: milliseconds)
        settle()
        while !isDone() {
            let next = min(
                queue.earliest ?? .distantFuture, client.nextDeadline ?? .distantFuture,
                server.nextDeadline ?? .distantFuture)
            guard next <= end else {
                now = end
                return isDone()
            }
            idleSteps = next > now ? 0 : idleSteps + 1
            precondition(idleSteps < 100_000, "time does not pass: a deadline is never cleared")
            now = max(now, next)
            step()
        }
        return true
    }

    private func step() {
        while let (_, number) = queue.popFirst(notAfter: now) {
            events.removeValue(forKey: number)?()
        }
        if let at = server.nextDeadline, at <= now {
            server.tick(now: now)
            performServer()
        }
        if let at = client.nextDeadline, at <= now { with { client.tick(now: now, &$0) } }
        settle()
    }

    private func settle() {
        while client.hasWork, !isBusy {
            with { client.work(budgetBytes: 64 << 10, now: now, &$0) }
        }
    }

    func outcome(_ token: ReadToken, within milliseconds: Int64 = 60_000) -> ReadOutcome? {
        run(milliseconds) { outcomes[token] != nil }
        return outcomes[token]
    }

    func offset(_ token: RequestToken) -> Result<ListedOffset, KafkaFailure>? {
        run { listed[token] != nil }
        return listed[token]
    }

    func topics(_ token: RequestToken) -> Result<[TopicDescription], KafkaFailure>? {
        run { described[token] != nil }
        return described[token]
    }

    func messages(_ outcome: ReadOutcome?) throws -> [DecodedMessage]? {
        guard case .records(let slice) = outcome, let bytes = cache.bytes(of: slice) else {
            return nil
        }
        return try DecodedMessage.all(bytes)
    }

    func offsets(_ outcome: ReadOutcome?) throws -> [Int64]? {
        try messages(outcome)?.map(\.offset)
    }

    func failure(_ outcome: ReadOutcome?) -> KafkaFailure? {
        if case .failed(let failure) = outcome { failure } else { nil }
    }

    func count(_ key: Int16) -> Int { requests.count { $0.key == key } }

    func endings(_ key: Int16, _ result: RequestEnding.Result) -> UInt64 {
        client.counters.endings[RequestEnding(apiKey: key, result)] ?? 0
    }

    /// Every request that was sent has ended once, or is in flight.
    var areCounted: Bool {
        let inFlight = client.links.ordered.count { $0.inFlight != nil }
        let sent = client.counters.requests.values.reduce(0, +)
        return client.counters.endings.values.reduce(0, +) + UInt64(inFlight) == sent
    }

    func cancel(_ token: ReadToken) { client.cancel(token) }

    func shutDown() { with { client.shutDown(now: now, &$0) } }

    // MARK: Effects

    private func with(_ body: (inout [ClusterEffect]) -> Void) {
        var produced: [ClusterEffect] = []
        body(&produced)
        for effect in produced { perform(effect) }
    }

    private func perform(_ effect: ClusterEffect) {
        switch effect {
        case .connect(let id, let endpoint, let tls): connect(id, endpoint, tls)
        case .send(let id, let block): send(id, block)
        case .close(let id): close(id)
        case .derive(let id, let work):
            derivations += 1
            later(5) { [unowned self] in
                with { client.derived(id, saltedPassword: work.saltedPassword(), now: now, &$0) }
            }
        case .readFinished(let token, let outcome):
            precondition(outcomes[token] == nil, "a read is finished twice")
            outcomes[token] = outcome
            onOutcome?(token, outcome)
        case .readStalled(let token, let failure):
            stalls.removeAll { $0.token == token }
            stalls.append((token, failure))
        case .readResumed(let token): stalls.removeAll { $0.token == token }
        case .offsetFinished(let token, let result): listed[token] = result
        case .metadataFinished(let token, let result): described[token] = result
        case .log(let level, let text): logs.append((level, text))
        }
    }

    func schedule(at: Instant, _ body: @escaping () -> Void) {
        lastEvent += 1
        events[lastEvent] = body
        queue.insert(lastEvent, at: at)
    }

    func later(_ milliseconds: Int64, _ body: @escaping () -> Void) {
        schedule(at: now.adding(milliseconds: milliseconds), body)
    }

    private var delay: Int64 { Int64.random(in: 0...delayMax, using: &random) }

    private func connect(_ id: BrokerConnectionID, _ endpoint: Endpoint, _ tls: TLSSettings?) {
        connects.append((endpoint, tls))
        let broker = ports[endpoint.port] ?? 0
        pipes[id] = Pipe(broker: broker)
        later(delay) { [unowned self] in
            guard pipes[id] != nil else { return }
            guard let peer = server.open(broker: broker, now: now) else {
                pipes[id] = nil
                return with {
                    client.closed(
                        id, refusal, now: now, &$0)
                }
            }
            pipes[id]?.server = peer
            peers[peer] = id
            with { client.opened(id, now: now, &$0) }
        }
    }

    private func send(_ id: BrokerConnectionID, _ block: ByteBlock) {
        guard var pipe = pipes[id] else { return }
        note(block, pipe.broker)
        if let answer = scripted(block, pipe.broker) { return deliver(answer, to: id) }
        pipe.toServerAt = max(pipe.toServerAt, now.adding(milliseconds: delay))
        pipes[id] = pipe
        schedule(at: pipe.toServerAt) { [unowned self] in
            guard let peer = pipes[id]?.server else { return }
            server.receive(peer, block.bytes, now: now)
            performServer()
        }
    }

    private func note(_ block: ByteBlock, _ broker: Int32) {
        var reader = ByteReader(block.bytes)
        guard (try? reader.skip(4)) != nil, let key = try? reader.int16(),
            let version = try? reader.int16()
        else { return }
        requests.append((key, version, broker))
    }

    private func scripted(_ block: ByteBlock, _ broker: Int32) -> Answer? {
        guard let answer else { return nil }
        var reader = ByteReader(block.bytes)
        guard (try? reader.skip(4)) != nil, let header = try? RequestHeader.decode(&reader) else {
            return nil
        }
        return answer(broker, header, &reader)
    }

    private func deliver(_ answer: Answer, to id: BrokerConnectionID) {
        switch answer {
        case .frame(let bytes):
            let size = UInt32(bytes.count)
            let head = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) }
            toClient(id, head + bytes)
        case .late(let milliseconds, let bytes):
            later(milliseconds) { [unowned self] in deliver(.frame(bytes), to: id) }
        case .raw(let bytes): toClient(id, bytes)
        case .silence: break
        case .reset: end(id, ConnectionFailure(.reset, "connection reset by peer"))
        case .end: end(id, ConnectionFailure(.closed, "end of stream"))
        }
    }

    private func end(_ id: BrokerConnectionID, _ failure: ConnectionFailure) {
        guard var pipe = pipes[id] else { return }
        pipe.toClientAt = max(pipe.toClientAt, now.adding(milliseconds: delay))
        pipes[id] = pipe
        schedule(at: pipe.toClientAt) { [unowned self] in
            guard let pipe = pipes.removeValue(forKey: id) else { return }
            if let peer = pipe.server { server.closed(peer, now: now) }
            with { client.closed(id, failure, now: now, &$0) }
        }
    }

    private func close(_ id: BrokerConnectionID) {
        guard let pipe = pipes.removeValue(forKey: id), let peer = pipe.server else { return }
        later(delay) { [unowned self] in
            server.closed(peer, now: now)
            performServer()
        }
    }

    private func performServer() {
        for effect in server.takeEffects() {
            switch effect {
            case .send(let peer, let block):
                if let id = peers[peer] { toClient(id, [UInt8](block.bytes)) }
            case .close(let peer):
                if let id = peers[peer] { end(id, ConnectionFailure(.closed, "end of stream")) }
            case .listening: break
            }
        }
    }

    /// In pieces, some of them received in place.
    private func toClient(_ id: BrokerConnectionID, _ bytes: [UInt8]) {
        guard var pipe = pipes[id] else { return }
        pipe.toClientAt = max(pipe.toClientAt, now.adding(milliseconds: delay))
        pipes[id] = pipe
        schedule(at: pipe.toClientAt) { [unowned self] in
            var place = 0
            while place < bytes.count, pipes[id] != nil {
                place += piece(id, bytes, from: place)
            }
        }
    }

    private func piece(_ id: BrokerConnectionID, _ bytes: [UInt8], from place: Int) -> Int {
        var count = min(bytes.count - place, Int.random(in: 1...65_536, using: &random))
        if let space = client.receiveSpace(id), Bool.random(using: &random) {
            count = min(count, space.count)
            space.copyBytes(from: bytes[place..<place + count])
            with { client.didReceive(id, count, now: now, &$0) }
        } else {
            var lent = Array(bytes[place..<place + count])
            lent.withUnsafeMutableBytes { part in
                with { client.received(id, UnsafeRawBufferPointer(part), now: now, &$0) }
                // A driver's next read overwrites what it lent.
                if let start = part.baseAddress { memset(start, 0xdd, part.count) }
            }
        }
        settle()
        return count
    }
}
