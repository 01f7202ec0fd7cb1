import Bytes
import Compression
import DevBroker
import GatewayCore
import KafkaCore
import SASL
import Simulation
import Testing
import Timing

/// A whole gateway on one loop, its clients and its brokers, with a clock of its own and without
/// a socket. The network to the brokers takes no time unless a test wants it to.
final class Rig: SimulatedClient {
    let engine: GatewayEngine
    let census = SessionCensus()
    let brokers: BrokerCluster
    let clock = SimulatedClock(now: Instant(nanoseconds: 1_000_000_000))
    private(set) var network: SimulatedNetwork!
    /// A client that nobody looks at any more is one that reads everything.
    private var watched: [SessionID: Watched] = [:]
    var table = RouteTable()
    private(set) var events: [HostEvent] = []
    var hostCommands = HostCommandTable()
    var calls: [HostCall] = []
    var direct: [DirectEvent] = []
    var produced: [DirectProducerEvent] = []
    /// Tokens that came to nothing.
    private(set) var over: [HostToken] = []
    private(set) var logs: [(level: LogLevel, line: String)] = []
    private var lastSession: UInt64 = 0
    private(set) var connectionsMax = 0

    static let route =
        #"{"id":"kafka","uri":"/kafka","upstream":{"nodes":{"127.0.0.1:9092":1},"#
        + #""type":"none","scheme":"kafka"}}"#

    init(
        routes: [String] = [Rig.route], settings: GatewaySettings = GatewaySettings(),
        brokers: BrokerSettings = BrokerSettings(), seed: UInt64 = 1
    ) throws {
        engine = GatewayEngine(
            settings: settings, census: census, loop: 0, seed: seed,
            nonces: NonceSource(fixed: Array("rig".utf8)))
        self.brokers = BrokerCluster(brokers, seed: seed)
        network = SimulatedNetwork(
            self.brokers, client: self, clock: clock, seed: seed &+ 2, delayMax: 0)
        for route in routes {
            try table.put(route: route, hostSchemes: settings.hostSchemes)
        }
        engine.setRoutes(table, now: now)
        settle()
    }

    deinit { engine.shutDown(now: clock.now) }

    var now: Instant {
        get { clock.now }
        set { clock.now = newValue }
    }

    /// A route at /kafka with this `pubsub` object.
    static func route(_ pubsub: String) -> String {
        String(route.dropLast()) + ",\"pubsub\":\(pubsub)}"
    }

    /// The original's fixture: 30 records, one batch each.
    func fillTestConsumer() throws {
        brokers.createTopic("test-consumer")
        for number in 1...30 {
            try brokers.append("test-consumer", [DevRecord("testmsg\(number)")], now: now)
        }
    }

    // MARK: Clients

    func nextID() -> SessionID {
        lastSession += 1
        return SessionID(raw: lastSession)
    }

    /// A client whose connection was accepted; nothing was sent yet.
    func accept(
        address: String? = nil, _ change: (inout SessionOpening) -> Void = { _ in }
    ) -> TestClient {
        var opening = SessionOpening(start: .accepted, remoteAddress: address)
        change(&opening)
        return open(opening)
    }

    func open(_ opening: SessionOpening) -> TestClient {
        let client = TestClient(nextID(), self)
        watched[client.id] = Watched(client: client)
        engine.open(client.id, opening, now: now)
        settle()
        return client
    }

    static func head(_ path: String = "/kafka", _ more: [String] = []) -> String {
        let lines = [
            "GET \(path) HTTP/1.1", "Host: gateway", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ]
        return (lines + more).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// A client that has its 101.
    func connect(
        _ path: String = "/kafka", _ more: String..., address: String? = nil,
        policy: SessionPolicy? = nil
    ) throws -> TestClient {
        let client = accept(address: address) { $0.policy = policy }
        client.sendRaw(Self.head(path, more))
        let head = try #require(client.takeHead())
        try #require(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"), "\(head)")
        return client
    }

    // MARK: Driving

    /// Performs what is to be done until nothing is.
    func settle() {
        var rounds = 0
        while step() {
            rounds += 1
            precondition(rounds < 1_000_000, "the gateway does not come to rest")
        }
        engine.beginTurn()
        connectionsMax = max(connectionsMax, network.connectionCount)
    }

    private func step() -> Bool {
        var isBusy = performEffects()
        network.perform()
        if clock.perform() { isBusy = true }
        if !isBusy, engine.hasWork {
            engine.work(now: now)
            engine.beginTurn()
            return true
        }
        return isBusy
    }

    private func performEffects() -> Bool {
        let effects = engine.effects
        engine.effects.removeAll()
        for effect in effects { perform(effect) }
        return !effects.isEmpty
    }

    /// Lets time pass; what is due on the way happens when it is due.
    func pass(_ milliseconds: Int64) {
        let end = now.adding(milliseconds: milliseconds)
        var spins = 0
        while true {
            let dues = [engine.nextDeadline, brokers.nextDeadline, clock.nextEvent]
                .compactMap { $0 }
            guard let due = dues.min(), due <= end else { break }
            spins = due <= now ? spins + 1 : 0
            if spins == 3 { Issue.record("a deadline stays due: the loop would spin") }
            precondition(spins < 1_000, "a deadline stays due: the loop spins")
            now = max(now, due)
            engine.tick(now: now)
            brokers.tick(now: now)
            settle()
        }
        now = end
        settle()
    }

    private struct Watched {
        weak var client: TestClient?
    }

    private func client(_ id: SessionID) -> TestClient? { watched[id]?.client }

    private func sink(_ id: SessionID) {
        while engine.writeOutput(id, now: now, { $0.reduce(0) { $0 + $1.iov_len } }) == .more {}
    }

    func write(_ client: TestClient) {
        guard !client.isClosed, !client.isBlocked else { return }
        var state = OutputState.more
        while state == .more {
            state = engine.writeOutput(client.id, now: now) { client.write($0) }
        }
        client.isBlocked = state == .blocked
    }

    private func perform(_ effect: GatewayEffect) {
        switch effect {
        case .wantsWrite(let id): if let client = client(id) { write(client) } else { sink(id) }
        case .pauseReading(let id): client(id)?.isReadingPaused = true
        case .resumeReading(let id): client(id)?.isReadingPaused = false
        case .closeSocket(let id, let linger):
            #expect(client(id)?.isClosed != true, "a socket is closed once")
            client(id)?.isClosed = true
            client(id)?.lingered = linger
        case .event(let event):
            events.append(event)
            if case .command(let call) = event { calls.append(call) }
            guard case .closed(let closed) = event else { return }
            #expect(client(closed.session)?.closed == nil, "closed comes once")
            client(closed.session)?.closed = closed
            watched[closed.session] = nil
        case .commandOver(let token): over.append(token)
        case .direct(let event): direct.append(event)
        case .producer(let event): produced.append(event)
        case .log(let level, let line): logs.append((level, line))
        case .brokerConnect(let id, let endpoint, let settings):
            network.connect(id, endpoint, settings.tls)
        case .brokerSend(let id, let block): network.send(id, block)
        case .brokerClose(let id): network.close(id)
        case .brokerWork(let connection, let work):
            guard case .derive(let derivation) = work else { return }
            engine.brokerWorked(connection, .key(derivation.saltedPassword()), now: now)
        }
    }

    // MARK: The network's end

    func opened(_ id: BrokerConnectionID, now: Instant) { engine.brokerOpened(id, now: now) }

    func closed(_ id: BrokerConnectionID, _ failure: ConnectionFailure, now: Instant) {
        engine.brokerClosed(id, failure, now: now)
    }

    func received(_ id: BrokerConnectionID, _ bytes: UnsafeRawBufferPointer, now: Instant) {
        engine.brokerReceived(id, bytes, now: now)
    }

    func receiveSpace(_ id: BrokerConnectionID) -> UnsafeMutableRawBufferPointer? {
        engine.brokerReceiveSpace(id)
    }

    func didReceive(_ id: BrokerConnectionID, _ count: Int, now: Instant) {
        engine.brokerDidReceive(id, count, now: now)
    }

    func endOfPiece() { _ = performEffects() }

    // MARK: Compression

    private let inflater = RawInflate()

    func inflate(_ bytes: [UInt8]) -> [UInt8] {
        var plain = ByteWriter()
        do {
            try bytes.withUnsafeBytes {
                try inflater.inflate(
                    $0, restoresMarker: true, into: &plain, bytesMax: 1 << 30)
            }
        } catch { Issue.record("not a compressed message: \(error)") }
        return plain.array
    }

    func deflate(_ bytes: [UInt8]) -> [UInt8] {
        var packed = ByteWriter()
        bytes.withUnsafeBytes { RawDeflate().deflate($0, into: &packed) }
        return Array(packed.array.dropLast(RawDeflate.markerByteCount))
    }
}
