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
    private var tails: [TailReader]

    /// Partitions with demands that may be sent, in turn; the favoured ones go first.
    private(set) var queue = SlotList<Partition>()
    private(set) var favoured = SlotList<Partition>()
    /// Partitions with offset look-ups that wait for the control connection, in turn.
    var lookups = SlotList<LookupQueue>()

    /// Of attempts to connect. Only an answer to a request is progress: whoever hangs up behind
    /// the login has not served anybody.
    var pace: RetryPace
    var lastFailure: KafkaFailure?
    /// Connections on which an answer is late.
    var lateConnections = 0
    /// Those that no other was opened for yet.
    var lostConnections = 0
    /// What it tells of and was not asked for.
    var unexpected = Trouble()
    var isGone = false
    /// Stands in `Links.active`.
    var isActive = false

    init(nodeID: Int32?, endpoint: Endpoint, settings: ClusterSettings) {
        self.nodeID = nodeID
        self.endpoint = endpoint
        pace = RetryPace(
            initialMilliseconds: KafkaLimits.firstRetryMilliseconds,
            maximumMilliseconds: settings.retryBackoffMaxMilliseconds)
        tails = []
        tails = Isolation.allCases.map {
            TailReader(self, $0, retryMaxMilliseconds: settings.retryBackoffMaxMilliseconds)
        }
    }

    /// It may be frozen, and others lead its partitions by now: what was told by it is not fresh.
    var isLate: Bool { lateConnections > 0 }

    /// Why it is not asked just now, if it has asked for that; nil: it may be asked.
    func throttle(now: Instant) -> KafkaFailure? {
        guard connections.contains(where: { $0.throttledUntil > now }) else { return nil }
        // Without what is left of it: the log takes equal causes for one.
        return .throttled(cause: "\(endpoint): throttles this client")
    }

    func tail(_ isolation: Isolation) -> TailReader { tails[Int(isolation.rawValue)] }
    var allTails: [TailReader] { tails }

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

    /// Somebody waits for it, or its tail is in use.
    var hasWork: Bool {
        hasQueue || !lookups.isEmpty
            || tails.contains { !$0.follows.isEmpty || $0.fetch != nil || $0.session.isOpen }
    }

    // MARK: The queue

    var hasQueue: Bool { !queue.isEmpty || !favoured.isEmpty }
    var firstQueued: Partition? { favoured.first ?? queue.first }

    func enqueue(_ partition: Partition) {
        if partition.isStarved { favoured.append(partition) } else { queue.append(partition) }
    }

    /// It was taken out, and nothing was asked of it.
    func putBack(_ partition: Partition) {
        if partition.isStarved { favoured.prepend(partition) } else { queue.prepend(partition) }
    }

    func dequeue(_ partition: Partition) {
        if !queue.remove(partition) { favoured.remove(partition) }
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
