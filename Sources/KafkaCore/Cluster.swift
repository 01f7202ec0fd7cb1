import SASL
import Timing

/// The client of one Kafka cluster on one loop: thousands of readers at independent offsets over
/// a handful of connections. Sans I/O: events come in with the time, effects are appended to the
/// caller's array. An effect must not be performed before the call that appended it has returned.
///
/// After the events of a turn the driver calls `work` while `hasWork` (with whatever else it has
/// to do in between): requests are put together there, and big responses decoded.
///
/// It is a router: services own the state, and know neither each other nor this. What one learns
/// and others need comes up here and goes down again.
public final class Cluster {
    let context: ClusterContext
    private let cache: LogCache
    private let connectionIDs: BrokerConnectionIDs
    private let nonces: NonceSource

    private(set) lazy var links = Links(
        context, router: self, ids: connectionIDs, spares: cache.spares, nonces: nonces)
    private(set) lazy var keeper = MetadataKeeper(context, links: links, router: self)
    private(set) lazy var lister = OffsetLister(context, links: links, router: self)
    private(set) lazy var desk = ReadDesk(
        ReadState(context, links: links, cache: cache), router: self)
    private(set) lazy var producers = ProducerPool(context, links: links, router: self)
    /// In the order in which they send at the end of a turn: metadata decides where the rest goes.
    private(set) lazy var services: [any ClusterService] = [keeper, lister, producers, desk]

    /// `nextDeadline`, unless something has happened since it was computed.
    private var knownDeadline: Instant?

    public init(
        settings: ClusterSettings, cache: LogCache, limits: KafkaLimits = KafkaLimits(),
        random: SeededRandom, nonces: NonceSource, connectionIDs: BrokerConnectionIDs
    ) {
        context = ClusterContext(settings: settings, limits: limits, random: random)
        self.cache = cache
        self.nonces = nonces
        self.connectionIDs = connectionIDs
    }

    public var settings: ClusterSettings { context.settings }

    public var counters: ClusterCounters { context.counters }

    /// Connections that are open or being opened.
    public var connectionCount: Int { links.connectionCount }

    /// Reads that are not finished, and followers of which something is to come.
    public var waitingReadCount: Int { desk.count }

    /// One event.
    func handle(_ now: Instant, _ out: inout [ClusterEffect], _ body: () -> Void) {
        context.handle(now, &out, body)
        knownDeadline = nil
    }

    /// Somebody waits no more.
    func noteCancel() { knownDeadline = nil }

    // MARK: Time

    /// nil: nothing is due until another event.
    public var nextDeadline: Instant? {
        let earliest = knownDeadline ?? earliestDeadline
        knownDeadline = earliest
        return earliest == .distantFuture ? nil : earliest
    }

    /// Asked for turn after turn, it takes a look at every connection.
    private var earliestDeadline: Instant {
        services.reduce(links.nextDeadline) { min($0, $1.nextDeadline) }
    }

    /// Call at or after `nextDeadline`.
    public func tick(now: Instant, _ effects: inout [ClusterEffect]) {
        handle(now, &effects) {
            links.tick()
            for service in services { service.tick() }
            context.needFlush()
        }
    }

    /// Sends what was asked for in this turn, and decodes about `budgetBytes` of records and what
    /// takes as long of metadata.
    public func work(budgetBytes: Int, now: Instant, _ effects: inout [ClusterEffect]) {
        handle(now, &effects) {
            desk.work(budgetBytes: budgetBytes)
            keeper.work(budgetBytes: budgetBytes)
            context.noteFlush()
            for service in services { service.flush() }
        }
    }

    public var hasWork: Bool { context.needsFlush || desk.hasWork || !keeper.answers.isEmpty }

    /// Closes every connection; reads and look-ups that wait fail with `closed`.
    public func shutDown(now: Instant, _ effects: inout [ClusterEffect]) {
        handle(now, &effects) {
            let failure = KafkaFailure.connection(
                .closed, "closed", cause: "the cluster's client is shut down")
            for service in services.reversed() { service.failEverything(failure) }
            for link in links.ordered { links.drop(link.connection, losing: failure) }
            desk.state.decoder.dropAll()
            keeper.purge()
        }
    }
}
