import Bytes
import KafkaProtocol
import Timing

/// An in-memory Kafka cluster of one or more brokers, for tests, simulation and trying things out.
/// Sans I/O: bytes of clients come in with the time, effects come out. What it answers has the
/// shape of what real brokers answer; what goes wrong is up to the test (`Fault`, `takeDown`,
/// `moveLeader`, `freeze`).
///
/// It belongs to one loop. After every call the driver performs `takeEffects()` in order.
public final class BrokerCluster {
    public let settings: BrokerSettings
    let brokers: [Broker]
    /// Those of the settings, and what was added and revoked since.
    public var tokens: BearerTokens
    var topics: [String: Topic] = [:]
    /// In the order of creation: what clients see must not depend on hashing.
    var topicNames: [String] = []
    var topicsByID: [KafkaUUID: Topic] = [:]
    var connections: [ClientConnectionID: ClientConnection] = [:]
    var groups: [String: Group] = [:]
    var transactions: [String: Transaction] = [:]
    var nextProducerID: Int64 = 1000
    /// How long the coordinator takes to write the markers of a transaction.
    var markerMilliseconds: Int64 = 0
    /// The level of the feature `transaction.version`; each change is a new epoch of the features.
    var transactionVersion: Int16
    var featuresEpoch: Int64 = 1
    var quotas = QuotaTable()
    var faults: [StandingFault] = []
    var timers = TimerQueue<TimerEvent>()
    var effects: [BrokerEffect] = []
    /// Connections whose waiting Fetch may have something to answer by now.
    var wakened: [ClientConnectionID] = []
    var random: SeededRandom
    private var lastConnection: UInt64 = 0

    enum TimerEvent {
        case deliver(RequestContext, ByteBlock)
        case unmute(ClientConnectionID)
        case fetch(ClientConnectionID, WaitingFetch)
        case group(String)
        case transaction(String)
        case markers(String)
    }

    public init(_ settings: BrokerSettings = BrokerSettings(), seed: UInt64 = 1) {
        precondition(settings.brokers >= 1, "a cluster has at least one broker")
        self.settings = settings
        transactionVersion = settings.profile.transactionVersion
        tokens = settings.tokens
        random = SeededRandom(seed: seed)
        brokers = (1...Int32(settings.brokers)).map { id in
            Broker(
                id: id,
                address: .init(host: "127.0.0.1", port: UInt16(truncatingIfNeeded: 9091 + id)),
                sessions: FetchSessionCache(
                    slots: settings.fetchSessionSlots,
                    evictionMilliseconds: settings.fetchSessionEvictionMilliseconds))
        }
    }

    /// A Fetch that waits, or an answer that is held, and its connection know each other.
    deinit {
        for connection in connections.values { connection.waitingFetch = nil }
        for broker in brokers { broker.held = [] }
    }

    /// The node ids.
    public var brokerIDs: [Int32] { brokers.map(\.id) }

    /// What is to be performed since the last call.
    public func takeEffects() -> [BrokerEffect] {
        defer { effects.removeAll(keepingCapacity: true) }
        return effects
    }

    /// When `tick` has something to do next.
    public var nextDeadline: Instant? { timers.nextDue }

    public func tick(now: Instant) {
        while let event = timers.next(now: now) {
            switch event {
            case .deliver(let context, let frame): deliver(frame, context, now: now)
            case .unmute(let id): unmute(id, now: now)
            case .fetch(let id, let waiting): fetchTimedOut(id, waiting, now: now)
            case .group(let name): groupTimedOut(name, now: now)
            case .transaction(let name): transactionTimedOut(name, now: now)
            case .markers(let name): markersDue(name, now: now)
            }
        }
        settle(now: now)
    }

    func broker(_ id: Int32) -> Broker? {
        id >= 1 && id <= Int32(brokers.count) ? brokers[Int(id) - 1] : nil
    }

    func newConnectionID() -> ClientConnectionID {
        lastConnection += 1
        return ClientConnectionID(raw: lastConnection)
    }

    /// Milliseconds since 1970.
    func wallClock(_ now: Instant) -> Int64 {
        settings.wallClockMilliseconds + now.milliseconds(since: .zero)
    }
}
