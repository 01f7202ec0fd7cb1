import KafkaProtocol
import Timing

/// One broker at one address. A broker that moves becomes another object: nothing learned about
/// the old address counts for the new one, and its connections end.
final class Broker {
    /// nil: a bootstrap node, known by its address only.
    let nodeID: Int32?
    let endpoint: Endpoint
    /// In the order in which they were opened.
    private(set) var connections: [BrokerConnection] = []

    /// Of attempts to connect. Only an answer to a request is progress: whoever hangs up behind
    /// the login has not served anybody.
    var pace: RetryPace
    var lastFailure: KafkaFailure? { didSet { hasFailed = lastFailure != nil } }
    /// That there is one. Each read of what is cached looks.
    private(set) var hasFailed = false
    /// Connections on which an answer is late.
    var lateConnections = 0
    /// Those that no other was opened for yet.
    var lostConnections = 0
    var isGone = false

    init(nodeID: Int32?, endpoint: Endpoint, settings: ClusterSettings) {
        self.nodeID = nodeID
        self.endpoint = endpoint
        pace = RetryPace(
            initialMilliseconds: KafkaLimits.firstRetryMilliseconds,
            maximumMilliseconds: settings.retryBackoffMaxMilliseconds)
    }

    /// It may be frozen, and others lead its partitions by now: what was told by it is not fresh.
    var isLate: Bool { lateConnections > 0 }

    /// Why it is not asked just now, if it has asked for that; nil: it may be asked.
    func throttle(now: Instant) -> KafkaFailure? {
        guard connections.contains(where: { $0.throttledUntil > now }) else { return nil }
        // Without what is left of it: the log takes equal causes for one.
        return .throttled(cause: "\(endpoint): throttles this client")
    }

    // MARK: Connections

    func add(_ connection: BrokerConnection) { connections.append(connection) }
    func remove(_ connection: BrokerConnection) { connections.removeAll { $0 === connection } }

    /// The only one of its role, or the first.
    func connection(for role: ConnectionRole) -> BrokerConnection? {
        connections.first { $0.role == role }
    }

    /// What is in flight for such a purpose.
    func purposes<Purpose: RequestPurpose>(_ type: Purpose.Type) -> [Purpose] {
        connections.flatMap { $0.purposes(type) }
    }

    // MARK: Its state

    func mayConnect(now: Instant) -> Bool {
        guard !isGone, pace.allows(now) else { return false }
        // After a failure one attempt at a time: five connections at once prove no more.
        return lastFailure == nil || !connections.contains { !$0.hasSetUp }
    }

    func noteFailure(_ failure: KafkaFailure, _ context: ClusterContext) {
        lastFailure = failure
        // A refused login is not tried again at once: accounts get locked.
        context.delay(&pace, .connect, atLeast: failure.isRefusal ? 1_000 : 0)
    }

    func noteReady() {
        pace.endPause()
        lastFailure = nil
    }

    func noteAnswer() { pace.reset() }
}
