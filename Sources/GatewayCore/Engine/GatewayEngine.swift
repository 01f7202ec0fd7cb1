import Bytes
import Glibc
import KafkaCore
import SASL
import Timing
import WebSocketProtocol

/// The gateway on one loop, without its I/O: sessions, and the Kafka clusters behind them. Events
/// come in with the time; what is to be done is appended to `effects`, which the driver takes and
/// performs after every call, in order. Not to be entered again from the performing of an effect.
public final class GatewayEngine {
    /// Taken (and left empty) by the driver after each call.
    public var effects: [GatewayEffect] = []

    let settings: GatewaySettings
    let loop: Int
    let census: SessionCensus
    let workshop: Workshop
    let nonces: NonceSource
    var random: SeededRandom
    /// The wall clock at `Instant.zero`, in milliseconds since 1970. The driver sets it now and
    /// then; records without a timestamp get theirs by it, and the delivery lag is measured.
    public var epochMilliseconds: Int64 = 0
    /// The time of the call under way.
    var now = Instant.zero

    var table = RouteTable()
    var served: [ObjectIdentifier: ServedRoute] = [:]
    var seats: [ClusterSeat] = []
    let connectionIDs = BrokerConnectionIDs()
    var brokerOwners: [BrokerConnectionID: ClusterSeat] = [:]
    var clusterEffects = ClusterEffectQueue()

    var sessions: [SessionID: Session] = [:]
    /// When sessions want to be looked at. A session remembers the moment that counts and ignores
    /// the others, so that to put a deadline off, as every message does, costs nothing.
    var timers = DeadlineHeap<SessionID>()
    var isDraining = false
    var drainCode = CloseCode.goingAway
    var drainReason = ""
    var hasToldDrained = false

    /// Replies of this turn that no write has taken yet.
    var arena = ByteWriter(capacity: GatewayEngine.arenaBytesKept)
    var arenaUsers = 0
    var commonPush = CommonPush()
    var iovecs = [iovec](repeating: iovec(), count: GatewayEngine.iovecsMax)

    var lastNumber: UInt64 = 0
    var reads = NumberTable<ReadToken, ReadPurpose>()
    var followers = FollowerTable()
    var requests: [RequestToken: RequestPurpose] = [:]
    let producing = ProduceService()
    var directClients: [DirectClientID: DirectClient] = [:]
    var directProducers: [DirectProducerID: DirectProducer] = [:]
    var producerOwners: [ProducerPlace: DirectProducer] = [:]
    var hostCommands = HostCommandTable()
    var hostRequests: [HostToken: HostPurpose] = [:]
    /// `Work` of all sessions since the start.
    var spent = 0
    var turns = TurnQueue()
    var memory = MemoryLedger()
    var rereads = RereadQueue()
    /// Sessions that have left, with what is yet to be taken back for them.
    var leaving: [Leaving] = []
    /// Those that are over and hold much, which is given back in turns.
    var ended: [Session] = []
    var counts = GatewayMetrics()
    var tally = CommandTally()
    /// Of commands that failed, as the log knows them.
    var complaints = Complaints()
    var refusals = Complaints()

    /// Buffers of one `write`.
    public static let iovecsMax = 64
    /// What the arena keeps from turn to turn, and how far it grows before replies are copied to
    /// memory of their sessions.
    static let arenaBytesKept = 64 << 10
    static let arenaBytesMax = 1 << 20
    /// Bytes of one session in one turn: what is left waits until the others had theirs.
    public static let turnBytesMax = 1 << 20
    /// How long a peer may take for the closing handshake, and for a refusal.
    static let closeMilliseconds: Int64 = 5_000
    /// Decoding in one turn, over all clusters.
    static let workBytesPerTurn = 1 << 20

    /// `seed` drives all jitter: equal seeds and equal events give equal runs. `nonces`: of logins.
    public init(
        settings: GatewaySettings, census: SessionCensus, loop: Int, seed: UInt64,
        nonces: NonceSource
    ) {
        self.nonces = nonces
        self.settings = settings
        self.census = census
        self.loop = loop
        memory = MemoryLedger(bytesMax: settings.memoryBytes)
        workshop = Workshop(cache: LogCache(budgetBytes: settings.cacheBytes))
        random = SeededRandom(seed: seed &+ UInt64(truncatingIfNeeded: loop))
    }

    /// Whether all that the last call asks for is to write to this session; then that is taken
    /// out of `effects`. Nearly all input ends so.
    public func takeSoleWrite(_ id: SessionID) -> Bool {
        guard effects.count == 1, case .wantsWrite(id) = effects[0] else { return false }
        effects.removeLast()
        return true
    }

    func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    public var sessionCount: Int { sessions.count }

    // MARK: Routes

    /// Sessions keep the route that they began with, unless it is in `closing`: those get 1001.
    public func setRoutes(_ table: RouteTable, closing: Set<String> = [], now: Instant) {
        self.now = now
        self.table = table
        for session in sessionsInOrder where closing.contains(session.service?.route.id ?? "") {
            close(session, .goingAway, "the route was removed")
        }
        sweep()
    }

    /// In the order of their numbers, so that runs replay.
    var sessionsInOrder: [Session] { sessions.values.sorted { $0.id.raw < $1.id.raw } }

    // MARK: Time

    /// Call at or after `nextDeadline`.
    public func tick(now: Instant) {
        self.now = now
        // What else is due is looked at in the next turns: a thousand may end at a time.
        while !isTurnOver, let (moment, id) = timers.popFirst(notAfter: now) {
            guard let session = sessions[id], session.scheduledAt == moment else { continue }
            spent &+= Work.look
            session.scheduledAt = .distantFuture
            look(after: session)
        }
        for seat in seats where seat.cluster.nextDeadline ?? .distantFuture <= now {
            call(seat) { $0.tick(now: now, &$1) }
        }
    }

    /// nil: nothing is due until another event.
    public var nextDeadline: Instant? {
        var first = timers.earliest
        for seat in seats {
            guard let next = seat.cluster.nextDeadline else { continue }
            first = first.map { min($0, next) } ?? next
        }
        return first
    }

    /// Once a turn while `hasWork`, behind the events of the turn: requests are sent and large
    /// responses decoded here, a bounded piece a call. Sessions that wait have their turns first.
    public func work(now: Instant) {
        self.now = now
        serveTurns()
        serveRounds()
        serveMemoryWaiters()
        serveLeaving()
        let busy = seats.filter(\.cluster.hasWork)
        for seat in busy {
            let budget = max(Self.workBytesPerTurn / busy.count, 64 << 10)
            call(seat) { $0.work(budgetBytes: budget, now: now, &$1) }
        }
    }

    public var hasWork: Bool {
        !turns.isEmpty || canServeMemoryWaiters || !leaving.isEmpty || !ended.isEmpty
            || seats.contains { $0.cluster.hasWork || $0.hasRoundWork }
    }
}
