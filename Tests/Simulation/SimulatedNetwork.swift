import Bytes
import DevBroker
import Glibc
import KafkaCore
import KafkaProtocol
import Timing

/// Connections of one client to the brokers of an in-memory cluster. Bytes take random times on
/// their way, and arrive in random pieces, all from one seed; connections break where a test or
/// the seed wants it.
public final class SimulatedNetwork {
    public let clock: SimulatedClock
    public let brokers: BrokerCluster
    public unowned(unsafe) var client: any SimulatedClient
    public var random: SeededRandom

    /// The longest one-way delay, in milliseconds.
    public var delayMax: Int64
    /// The longest time between two pieces of one answer, in milliseconds; 0: they come together.
    public var pieceDelayMax: Int64 = 0
    /// Bytes of the largest piece in which an answer arrives.
    public var pieceBytesMax = 65_536
    /// Ports at which the brokers listen. Nobody listens at others.
    public var ports: [UInt16: Int32] = [:]
    /// Ports of these cannot be reached just now.
    public var unreachable: Set<UInt16> = []
    /// What becomes of connections to brokers that are not there.
    public var refusal = ConnectionFailure(.refused, "connection refused")
    /// Looks at a request frame before the broker does: an answer instead, or nil.
    public var answer: ((Int32, RequestHeader, inout ByteReader) -> Answer?)?

    public enum Answer {
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

    /// Connections that the client wanted.
    public private(set) var connects: [(endpoint: Endpoint, tls: TLSSettings?)] = []
    /// Requests that left the client: API key and version.
    public private(set) var requests: [(key: Int16, version: Int16, broker: Int32)] = []
    public var connectionCount: Int { owners.count }

    private struct Pipe {
        var broker: Int32
        var peer: ClientConnectionID?
        var toBrokerAt = Instant.zero
        /// Of a request that comes in several blocks.
        var unfinished: [UInt8] = []
        /// On its way to the client, in order.
        var arrivals: [Arrival] = []
        /// The first of them has its event.
        var isArriving = false
    }

    private struct Arrival {
        /// Not earlier.
        var at: Instant
        var content: Content

        enum Content {
            case bytes(ArraySlice<UInt8>)
            case end(ConnectionFailure)
        }
    }

    private var pipes: [BrokerConnectionID: Pipe] = [:]
    private var owners: [ClientConnectionID: BrokerConnectionID] = [:]

    public init(
        _ brokers: BrokerCluster, client: any SimulatedClient, clock: SimulatedClock, seed: UInt64,
        delayMax: Int64
    ) {
        self.brokers = brokers
        self.client = client
        self.clock = clock
        self.delayMax = delayMax
        random = SeededRandom(seed: seed)
        for id in brokers.brokerIDs { ports[UInt16(9091 + id)] = id }
    }

    private var now: Instant { clock.now }
    private var delay: Int64 { Int64.random(in: 0...delayMax, using: &random) }

    // MARK: The client's side

    public func connect(_ id: BrokerConnectionID, _ endpoint: Endpoint, _ tls: TLSSettings?) {
        connects.append((endpoint, tls))
        let broker = ports[endpoint.port]
        pipes[id] = Pipe(broker: broker ?? 0)
        clock.later(delay) { [unowned self] in
            guard pipes[id] != nil else { return }
            let isThere = !unreachable.contains(endpoint.port)
            guard isThere, let peer = broker.flatMap({ brokers.open(broker: $0, now: now) }) else {
                pipes[id] = nil
                return client.closed(id, refusal, now: now)
            }
            pipes[id]?.peer = peer
            owners[peer] = id
            client.opened(id, now: now)
        }
    }

    public func send(_ id: BrokerConnectionID, _ block: ByteBlock) {
        guard pipes[id] != nil else { return }
        pipes[id]?.unfinished += block.bytes
        while let frame = nextRequest(id) { send(id, frame) }
    }

    private func nextRequest(_ id: BrokerConnectionID) -> [UInt8]? {
        guard let bytes = pipes[id]?.unfinished, bytes.count >= 4 else { return nil }
        let size = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count >= 4 + size else { return nil }
        pipes[id]?.unfinished.removeFirst(4 + size)
        return Array(bytes.prefix(4 + size))
    }

    private func send(_ id: BrokerConnectionID, _ frame: [UInt8]) {
        guard var pipe = pipes[id] else { return }
        note(frame, pipe.broker)
        if let answer = scripted(frame, pipe.broker) { return deliver(answer, to: id) }
        pipe.toBrokerAt = max(pipe.toBrokerAt, now.adding(milliseconds: delay))
        pipes[id] = pipe
        clock.schedule(at: pipe.toBrokerAt) { [unowned self] in
            guard let peer = pipes[id]?.peer else { return }
            frame.withUnsafeBytes { brokers.receive(peer, $0, now: now) }
            perform()
        }
    }

    public func close(_ id: BrokerConnectionID) {
        guard let peer = forget(id) else { return }
        clock.later(delay) { [unowned self] in
            brokers.closed(peer, now: now)
            perform()
        }
    }

    /// The peer, if there was one.
    private func forget(_ id: BrokerConnectionID) -> ClientConnectionID? {
        guard let peer = pipes.removeValue(forKey: id)?.peer else { return nil }
        owners[peer] = nil
        return peer
    }

    private func note(_ frame: [UInt8], _ broker: Int32) {
        frame.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard (try? reader.skip(4)) != nil, let key = try? reader.int16(),
                let version = try? reader.int16()
            else { return }
            requests.append((key, version, broker))
        }
    }

    private func scripted(_ frame: [UInt8], _ broker: Int32) -> Answer? {
        guard let answer else { return nil }
        return frame.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard (try? reader.skip(4)) != nil, let header = try? RequestHeader.decode(&reader)
            else { return nil }
            return answer(broker, header, &reader)
        }
    }

    // MARK: The brokers' side

    /// Takes on its way what the brokers have to say.
    public func perform() {
        for effect in brokers.takeEffects() {
            switch effect {
            case .send(let peer, let block):
                if let id = owners[peer] { toClient(id, .bytes([UInt8](block.bytes)[...])) }
            case .close(let peer):
                if let id = owners[peer] { toClient(id, .end(Self.endOfStream)) }
            case .listening: break
            }
        }
    }

    private func deliver(_ answer: Answer, to id: BrokerConnectionID) {
        switch answer {
        case .frame(let bytes):
            let size = UInt32(bytes.count)
            let head = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) }
            toClient(id, .bytes((head + bytes)[...]))
        case .late(let milliseconds, let bytes):
            clock.later(milliseconds) { [unowned self] in deliver(.frame(bytes), to: id) }
        case .raw(let bytes): toClient(id, .bytes(bytes[...]))
        case .silence: break
        case .reset: toClient(id, .end(Self.reset))
        case .end: toClient(id, .end(Self.endOfStream))
        }
    }

    /// A random one of the connections breaks now, with whatever is on its way, be it half of an
    /// answer.
    public func breakOne() {
        let ids = pipes.keys.sorted { $0.raw < $1.raw }
        guard let id = ids.randomElement(using: &random) else { return }
        breakOff(id, Self.reset)
    }

    private func breakOff(_ id: BrokerConnectionID, _ failure: ConnectionFailure) {
        guard pipes[id] != nil else { return }
        if let peer = forget(id) { brokers.closed(peer, now: now) }
        client.closed(id, failure, now: now)
    }

    // MARK: Arriving

    private func toClient(_ id: BrokerConnectionID, _ content: Arrival.Content) {
        let at = now.adding(milliseconds: delay)
        pipes[id]?.arrivals.append(Arrival(at: at, content: content))
        arrive(id)
    }

    private func arrive(_ id: BrokerConnectionID) {
        guard let pipe = pipes[id], !pipe.isArriving, let next = pipe.arrivals.first else { return }
        pipes[id]?.isArriving = true
        clock.schedule(at: max(now, next.at)) { [unowned self] in goOn(id) }
    }

    private func goOn(_ id: BrokerConnectionID) {
        guard let next = pipes[id]?.arrivals.first else { return }
        switch next.content {
        case .end(let failure): return breakOff(id, failure)
        case .bytes(let bytes):
            guard let rest = deliver(bytes, to: id) else { return }
            if rest.isEmpty {
                pipes[id]?.arrivals.removeFirst()
                pipes[id]?.isArriving = false
                return arrive(id)
            }
            pipes[id]?.arrivals[0].content = .bytes(rest)
            clock.later(Int64.random(in: 1...pieceDelayMax, using: &random)) { [unowned self] in
                goOn(id)
            }
        }
    }

    /// In pieces, some of them received in place. Answers what comes later; nil: the connection is
    /// no more.
    private func deliver(
        _ bytes: ArraySlice<UInt8>, to id: BrokerConnectionID
    ) -> ArraySlice<UInt8>? {
        var rest = bytes
        while !rest.isEmpty {
            let most = Int.random(in: 1...pieceBytesMax, using: &random)
            rest.removeFirst(receive(id, rest.prefix(most)))
            client.endOfPiece()
            guard pipes[id] != nil else { return nil }
            if pieceDelayMax > 0, Bool.random(using: &random) { break }
        }
        return rest
    }

    private func receive(_ id: BrokerConnectionID, _ part: ArraySlice<UInt8>) -> Int {
        if let space = client.receiveSpace(id), Bool.random(using: &random) {
            let count = min(part.count, space.count)
            space.copyBytes(from: part.prefix(count))
            client.didReceive(id, count, now: now)
            return count
        }
        var lent = Array(part)
        lent.withUnsafeMutableBytes { lent in
            client.received(id, UnsafeRawBufferPointer(lent), now: now)
            // A driver's next read overwrites what it lent.
            if let start = lent.baseAddress { memset(start, 0xdd, lent.count) }
        }
        return part.count
    }

    private static let endOfStream = ConnectionFailure(.closed, "end of stream")
    private static let reset = ConnectionFailure(.reset, "connection reset by peer")
}
