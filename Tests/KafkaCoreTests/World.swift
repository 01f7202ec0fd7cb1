import Bytes
import Compression
import DevBroker
import KafkaMirror
import KafkaProducing
import KafkaProtocol
import SASL
import Simulation
import Timing

@testable import KafkaCore

/// A client and an in-memory Kafka cluster on one virtual clock, with a simulated network between
/// them, all from one seed.
final class World: SimulatedClient {
    typealias Answer = SimulatedNetwork.Answer

    let client: Cluster
    let cache: LogCache
    let server: BrokerCluster
    let clock = SimulatedClock()
    private(set) var network: SimulatedNetwork!
    /// The loop does not come to what is left for the end of its turns.
    var isBusy = false
    /// Of each call of `work`.
    var workBytes = 64 << 10
    /// Something happens between two of them.
    var betweenPieces: (() -> Void)?
    /// Looks at each read's outcome when it comes.
    var onOutcome: ((ReadToken, ReadOutcome) -> Void)?
    /// Looks at what a follower that stays is told; else it goes on where it may.
    var onTold: ((ReadToken, RecordSlice) -> Void)?

    private(set) var outcomes: [ReadToken: ReadOutcome] = [:]
    /// What followers were told that are not over by that.
    private(set) var brought: [ReadToken: [RecordSlice]] = [:]
    /// By the tokens of their reads, which are their tags.
    private(set) var followers: [ReadToken: Follower] = [:]
    /// Those that are not over with what they are told first.
    private var lasting: Set<ReadToken> = []
    private(set) var listed: [RequestToken: Result<ListedOffset, KafkaFailure>] = [:]
    /// Followers that are told to be held up.
    private(set) var stalls: [(token: ReadToken, failure: KafkaFailure)] = []
    private(set) var described: [RequestToken: Result<[TopicDescription], KafkaFailure>] = [:]
    private(set) var logs: [(level: LogLevel, text: String)] = []
    private(set) var derivations = 0
    /// What producers tell, in order.
    private(set) var reports: [DeliveryReport] = []
    var roomAgain: Set<ProducerID> = []
    private(set) var flushed: [FlushToken] = []
    private(set) var ended: Set<ProducerID> = []
    private(set) var outcomesOfTransactions: [TransactionOutcome] = []
    /// Reports are given back after so many milliseconds.
    var reportDelay: Int64 = 0
    /// Of what logins ask for beside keys.
    var loginWork: (LoginWork) -> LoginWork.Result = { _ in .failed("nobody does it") }

    private var lastToken: UInt64 = 0
    private var idleSteps = 0

    init(
        brokers: Int = 1, seed: UInt64 = 1, bootstrap: [Endpoint]? = nil,
        cacheBytes: Int = 64 << 20, limits: KafkaLimits = KafkaLimits(),
        _ adjust: (inout BrokerSettings, inout ClusterSettings) -> Void = { _, _ in }
    ) {
        var serverSettings = BrokerSettings()
        serverSettings.brokers = brokers
        var settings = ClusterSettings(
            bootstrap: bootstrap ?? [Endpoint(host: "127.0.0.1", port: 9092)], clientID: "world")
        adjust(&serverSettings, &settings)
        server = BrokerCluster(serverSettings, seed: seed)
        cache = LogCache(budgetBytes: cacheBytes)
        client = Cluster(
            settings: settings, cache: cache, limits: limits,
            random: SeededRandom(seed: seed &+ 1),
            nonces: NonceSource(fixed: Array("world".utf8)), connectionIDs: BrokerConnectionIDs())
        network = SimulatedNetwork(server, client: self, clock: clock, seed: seed, delayMax: 2)
    }

    /// What a driver owes a cluster, whose parts know each other.
    deinit {
        var effects: [ClusterEffect] = []
        client.shutDown(now: now, &effects)
    }

    var now: Instant { clock.now }
    var random: SeededRandom {
        get { network.random }
        set { network.random = newValue }
    }
    var answer: ((Int32, RequestHeader, inout ByteReader) -> Answer?)? {
        get { network.answer }
        set { network.answer = newValue }
    }
    var connects: [(endpoint: Endpoint, tls: TLSSettings?)] { network.connects }
    var requests: [(key: Int16, version: Int16, broker: Int32)] { network.requests }

    // MARK: What tests ask

    /// `wait` `.max`: a follower, which is over with the first records that it is told of.
    @discardableResult
    func read(
        _ topic: String, _ partition: Int32 = 0, at offset: Int64, maxBytes: Int = 1 << 20,
        minBytes: Int = 1, _ isolation: Isolation = .readUncommitted, wait: Int64? = nil,
        _ adjust: (inout ReadRequest) -> Void = { _ in }
    ) -> ReadToken {
        lastToken += 1
        let token = ReadToken(raw: lastToken)
        let until = wait.map { $0 == .max ? nil : now.adding(milliseconds: $0) } ?? nil
        var request = ReadRequest(
            topic: topic, partition: partition, offset: offset, maxBytes: maxBytes,
            minBytes: minBytes, isolation: isolation, waitUntil: until)
        adjust(&request)
        if wait == .max {
            follow(token, request)
            return token
        }
        with { client.read(token, request, now: now, &$0) }
        return token
    }

    private func follow(_ token: ReadToken, _ request: ReadRequest) {
        let follower = client.follow(
            FollowRequest(
                topic: request.topic, partition: request.partition, offset: request.offset,
                maxBytes: request.maxBytes, isolation: request.isolation, log: request.log),
            tag: FollowerTag(raw: token.raw), credit: FollowCredit())
        followers[token] = follower
        client.goOn(follower)
    }

    /// A follower that stays. Nothing comes of it yet.
    func follow(
        _ topic: String, _ partition: Int32 = 0, at offset: Int64, maxBytes: Int = 1 << 20,
        _ isolation: Isolation = .readUncommitted, credit: FollowCredit = FollowCredit()
    ) -> Follower {
        lastToken += 1
        let token = ReadToken(raw: lastToken)
        let follower = client.follow(
            FollowRequest(
                topic: topic, partition: partition, offset: offset, maxBytes: maxBytes,
                isolation: isolation),
            tag: FollowerTag(raw: token.raw), credit: credit)
        followers[token] = follower
        lasting.insert(token)
        return follower
    }

    /// What it was told.
    func told(_ follower: Follower) -> [RecordSlice] {
        brought[ReadToken(raw: follower.tag.raw), default: []]
    }

    func failure(_ follower: Follower) -> KafkaFailure? {
        failure(outcomes[ReadToken(raw: follower.tag.raw)])
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
        network.perform()
    }

    /// Something happens to the cluster of brokers.
    func change(_ body: (BrokerCluster, Instant) -> Void) {
        body(server, now)
        network.perform()
    }

    // MARK: Time

    /// Runs until `isDone`, or until so many milliseconds have passed. Whether it is done.
    @discardableResult
    func run(_ milliseconds: Int64 = 60_000, until isDone: () -> Bool = { false }) -> Bool {
        let end = now.adding(milliseconds: milliseconds)
        settle()
        while !isDone() {
            let next = min(
                clock.nextEvent ?? .distantFuture, client.nextDeadline ?? .distantFuture,
                server.nextDeadline ?? .distantFuture)
            guard next <= end else {
                clock.now = end
                return isDone()
            }
            idleSteps = next > now ? 0 : idleSteps + 1
            precondition(idleSteps < 100_000, "time does not pass: a deadline is never cleared")
            clock.now = max(now, next)
            step()
        }
        return true
    }

    private func step() {
        clock.perform()
        if let at = server.nextDeadline, at <= now {
            server.tick(now: now)
            network.perform()
        }
        if let at = client.nextDeadline, at <= now { with { client.tick(now: now, &$0) } }
        settle()
    }

    private func settle() {
        while client.hasWork, !isBusy {
            with { client.work(budgetBytes: workBytes, now: now, &$0) }
            betweenPieces?()
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
        let inFlight = client.links.ordered.reduce(0) { $0 + $1.connection.pipeline.requests.count }
        let sent = client.counters.requests.values.reduce(0, +)
        return client.counters.endings.values.reduce(0, +) + UInt64(inFlight) == sent
    }

    func cancel(_ token: ReadToken) {
        if let follower = followers[token] { client.detach(follower) } else { client.cancel(token) }
    }

    // MARK: Producers

    func producer(_ adjust: (inout ProducerSettings) -> Void = { _ in }) -> ProducerID {
        var settings = ProducerSettings()
        adjust(&settings)
        return settings.transactionalID == nil
            ? client.producer(settings, now: now) : client.ownProducer(settings, now: now)
    }

    /// A record whose value is its token.
    @discardableResult
    func produce(
        _ producer: ProducerID, _ topic: String, _ partition: Int32? = nil, key: String? = nil,
        token: UInt64, padding: Int = 0
    ) -> Acceptance {
        var acceptance = Acceptance.refused(ProduceFailure(.closed, "there is no such producer"))
        let value = Array("\(token)".utf8) + [UInt8](repeating: 0x20, count: padding)
        let keyBytes = key.map { Array($0.utf8) }
        with {
            client.produce(producer, now: now, &$0) { sink in
                value.withUnsafeBytes { value in
                    (keyBytes ?? []).withUnsafeBytes { key in
                        let record = ProducedRecord(
                            key: keyBytes == nil ? nil : key, value: value, timestamp: 1,
                            token: token)
                        acceptance = sink.append(
                            record, to: sink.topic(topic), partition: partition)
                    }
                }
            }
        }
        return acceptance
    }

    func flush(_ producer: ProducerID) -> FlushToken? {
        var token: FlushToken?
        with { token = client.flush(producer, now: now, &$0) }
        return token
    }

    func endProducer(_ producer: ProducerID) {
        with { client.endProducer(producer, now: now, &$0) }
    }

    func transact(
        _ step: (Cluster, Instant, inout [ClusterEffect]) -> ProduceFailure?
    ) -> ProduceFailure? {
        var failure: ProduceFailure?
        with { failure = step(client, now, &$0) }
        return failure
    }

    /// The results of the record with each token, as many as were told.
    var results: [UInt64: [DeliveryReport.Result]] {
        var results: [UInt64: [DeliveryReport.Result]] = [:]
        for report in reports {
            for token in report.tokens { results[token, default: []].append(report.result) }
        }
        return results
    }

    /// The tokens in a partition's log, in order, of records that committed readers see, or all.
    func stored(
        _ topic: String, _ partition: Int32, _ isolation: Isolation = .readUncommitted
    ) throws -> [UInt64] {
        var stored: [UInt64] = []
        var next: Int64 = 0
        while true {
            let outcome = outcome(read(topic, partition, at: next, isolation))
            switch outcome {
            case .records(let slice):
                for message in try messages(outcome) ?? [] {
                    let text = String(decoding: message.value ?? [], as: UTF8.self)
                    let digits = text.prefix { $0 != " " }
                    if let token = UInt64(digits) { stored.append(token) }
                }
                next = slice.nextOffset
            case .empty(_, let after):
                guard after > next else { return stored }
                next = after
            default: return stored
            }
        }
    }

    func shutDown() { with { client.shutDown(now: now, &$0) } }

    // MARK: Effects

    /// An event that no driver has.
    func inside(_ body: (Cluster) -> Void) { with { client.handle(now, &$0) { body(client) } } }

    private func with(_ body: (inout [ClusterEffect]) -> Void) {
        var produced: [ClusterEffect] = []
        body(&produced)
        for effect in produced { perform(effect) }
    }

    private func worked(_ work: LoginWork) -> LoginWork.Result {
        guard case .derive(let derivation) = work else { return loginWork(work) }
        return .key(derivation.saltedPassword())
    }

    private func perform(_ effect: ClusterEffect) {
        switch effect {
        case .connect(let id, let endpoint, let tls): network.connect(id, endpoint, tls)
        case .send(let id, let block): network.send(id, block)
        case .close(let id): network.close(id)
        case .work(let id, let work):
            if case .derive = work { derivations += 1 }
            clock.later(5) { [unowned self] in
                with { client.worked(id, worked(work), now: now, &$0) }
            }
        case .readFinished(let token, let outcome):
            precondition(outcomes[token] == nil, "a read is finished twice")
            outcomes[token] = outcome
            onOutcome?(token, outcome)
        case .followerTold(let tag, let records):
            resumed(tag)
            told(ReadToken(raw: tag.raw), records.slice)
        case .followerPassed(let tag, let position):
            resumed(tag)
            let token = ReadToken(raw: tag.raw)
            guard let follower = followers[token] else { return }
            end(token, .empty(position, nextOffset: follower.offset))
        case .followerStalled(let tag, let failure):
            resumed(tag)
            stalls.append((ReadToken(raw: tag.raw), failure))
        case .followerResumed(let tag): resumed(tag)
        case .followerFailed(let tag, let failure):
            end(ReadToken(raw: tag.raw), .failed(failure))
        case .offsetFinished(let token, let result): listed[token] = result
        case .metadataFinished(let token, let result): described[token] = result
        case .produced(let producer, let report):
            reports.append(report)
            clock.later(reportDelay) { [unowned self] in
                with { client.taken(report.bufferBytes, of: producer, now: now, &$0) }
            }
        case .producerHasRoom(let producer): roomAgain.insert(producer)
        case .producerFlushed(_, let token): flushed.append(token)
        case .producerTransaction(_, let outcome): outcomesOfTransactions.append(outcome)
        case .producerEnded(let producer): ended.insert(producer)
        case .log(let level, let text): logs.append((level, text))
        }
    }

    private func told(_ token: ReadToken, _ slice: RecordSlice) {
        precondition(outcomes[token] == nil, "a follower that is over is told of something")
        guard lasting.contains(token) else { return end(token, .records(slice)) }
        brought[token, default: []].append(slice)
        onTold?(token, slice)
    }

    private func resumed(_ tag: FollowerTag) { stalls.removeAll { $0.token.raw == tag.raw } }

    private func end(_ token: ReadToken, _ outcome: ReadOutcome) {
        precondition(outcomes[token] == nil, "a follower is over twice")
        if let follower = followers[token] {
            if lasting.contains(token), !follower.isOver { return client.goOn(follower) }
            client.detach(follower)
        }
        outcomes[token] = outcome
        onOutcome?(token, outcome)
    }

    // MARK: The network's end

    func endOfPiece() { settle() }

    func opened(_ id: BrokerConnectionID, now: Instant) {
        with { client.opened(id, now: now, &$0) }
    }

    func closed(_ id: BrokerConnectionID, _ failure: ConnectionFailure, now: Instant) {
        with { client.closed(id, failure, now: now, &$0) }
    }

    func received(_ id: BrokerConnectionID, _ bytes: UnsafeRawBufferPointer, now: Instant) {
        with { client.received(id, bytes, now: now, &$0) }
    }

    func receiveSpace(_ id: BrokerConnectionID) -> UnsafeMutableRawBufferPointer? {
        client.receiveSpace(id)
    }

    func didReceive(_ id: BrokerConnectionID, _ count: Int, now: Instant) {
        with { client.didReceive(id, count, now: now, &$0) }
    }
}
