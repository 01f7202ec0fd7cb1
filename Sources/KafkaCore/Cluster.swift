import SASL
import Timing

/// The client of one Kafka cluster on one loop: thousands of readers at independent offsets over
/// a handful of connections. Sans I/O: events come in with the time, effects are appended to the
/// caller's array. An effect must not be performed before the call that appended it has returned.
///
/// After the events of a turn the driver calls `work` while `hasWork` (with whatever else it has
/// to do in between): requests are put together there, and big responses decoded.
public final class Cluster {
    let context: ClusterContext
    let cache: LogCache
    private let connectionIDs: BrokerConnectionIDs
    private let nonces: NonceSource

    // The parts. Each knows the cluster, and through it the others.
    private(set) lazy var links = Links(
        context, router: self, ids: connectionIDs, spares: cache.spares, nonces: nonces)
    private(set) lazy var keeper = MetadataKeeper(self)
    private(set) lazy var desk = ReadDesk(self)
    private(set) lazy var pointReader = PointReader(self)
    private(set) lazy var tails = Tails(self)
    private(set) lazy var lister = OffsetLister(self)
    private(set) lazy var decoder = ResponseDecoder(batchBytesMax: context.settings.batchBytesMax)

    /// `nextDeadline`, unless something has happened since it was computed.
    var knownDeadline: Instant?

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

    /// Reads that are not finished.
    public var waitingReadCount: Int { desk.count }

    /// One event.
    func handle(_ now: Instant, _ out: inout [ClusterEffect], _ body: () -> Void) {
        context.handle(now, &out, body)
        knownDeadline = nil
    }

    /// What the cache has for a read, where it would finish at once; nil: it has to be begun, by
    /// `read`. Costs a fraction of that, and leaves nothing behind.
    public func cached(_ request: ReadRequest, now: Instant) -> RecordSlice? {
        context.pass(to: now)
        return desk.cached(request)
    }

    // MARK: Time

    /// nil: nothing is due until another event.
    public var nextDeadline: Instant? {
        let earliest = knownDeadline ?? earliestDeadline
        knownDeadline = earliest
        return earliest == .distantFuture ? nil : earliest
    }

    /// Asked for turn after turn, it takes a look at every connection.
    private var earliestDeadline: Instant {
        min(
            min(links.nextDeadline, keeper.nextDeadline),
            min(desk.nextDeadline, tails.nextDeadline),
            min(pointReader.nextDeadline, lister.nextDeadline))
    }

    /// Call at or after `nextDeadline`.
    public func tick(now: Instant, _ effects: inout [ClusterEffect]) {
        handle(now, &effects) {
            links.tick()
            keeper.tick()
            pointReader.tick()
            tails.tick()
            lister.tick()
            desk.tick()
            context.needFlush()
        }
    }

    /// Sends what was asked for in this turn, and decodes about `budgetBytes` of records.
    public func work(budgetBytes: Int, now: Instant, _ effects: inout [ClusterEffect]) {
        handle(now, &effects) {
            decoder.work(budgetBytes: budgetBytes)
            context.noteFlush()
            flush()
        }
    }

    public var hasWork: Bool {
        context.needsFlush || decoder.hasWork
            || (pointReader.isOutOfBudget
                && cache.outstandingReadBytes < context.limits.outstandingReadBytesMax)
    }

    /// In this order: metadata decides where the rest goes.
    private func flush() {
        keeper.flush()
        lister.flush()
        pointReader.flush()
        tails.flush()
        links.settleActive()
    }

    /// Closes every connection; reads and look-ups that wait fail with `closed`.
    public func shutDown(now: Instant, _ effects: inout [ClusterEffect]) {
        handle(now, &effects) {
            let failure = KafkaFailure.connection(
                .closed, "closed", cause: "the cluster's client is shut down")
            desk.failEverything(failure)
            lister.failEverything(failure)
            keeper.failEverything(failure)
            for link in links.ordered { links.drop(link.connection, losing: failure) }
            decoder.dropAll()
            keeper.purge()
        }
    }
}
