import SASL
import Timing

/// The client of one Kafka cluster on one loop: thousands of readers at independent offsets over
/// a handful of connections. Sans I/O: events come in with the time, effects are appended to the
/// caller's array. An effect must not be performed before the call that appended it has returned.
///
/// After the events of a turn the driver calls `work` while `hasWork` (with whatever else it has
/// to do in between): requests are put together there, and big responses decoded.
public final class Cluster {
    public let settings: ClusterSettings
    public internal(set) var counters = ClusterCounters()
    let limits: KafkaLimits
    let cache: LogCache
    let connectionIDs: BrokerConnectionIDs
    var random: SeededRandom
    /// The moment of the event that is being handled.
    private(set) var now = Instant.zero
    private var effects: [ClusterEffect] = []

    // The parts. Each knows the cluster, and through it the others.
    private(set) lazy var links = Links(self)
    private(set) lazy var keeper = MetadataKeeper(self)
    private(set) lazy var desk = ReadDesk(self)
    private(set) lazy var pointReader = PointReader(self)
    private(set) lazy var tails = Tails(self)
    private(set) lazy var lister = OffsetLister(self)
    private(set) lazy var decoder = ResponseDecoder(batchBytesMax: settings.batchBytesMax)

    /// What endpoints have taught, for the next connection to them.
    var quirks: [Endpoint: EndpointQuirks] = [:]
    /// A broker has told its versions. Those of one cluster are alike: their listeners speak as we
    /// do, with TLS or without.
    var speaksAsWe = false
    /// A broker has answered a request: they want no other login.
    var serves = false
    /// Keys of this cluster's credentials: brokers keep the salt with the user, so that a second
    /// login needs no second derivation.
    var derivedKeys: [ScramDerivation: [UInt8]] = [:]
    var derivations: [BrokerConnectionID: ScramDerivation] = [:]
    /// Something may be sent now.
    var needsFlush = false
    /// `nextDeadline`, unless something has happened since it was computed.
    var knownDeadline: Instant?
    var nonces: NonceSource

    static let derivedKeysMax = 8

    public init(
        settings: ClusterSettings, cache: LogCache, limits: KafkaLimits = KafkaLimits(),
        random: SeededRandom, nonces: NonceSource, connectionIDs: BrokerConnectionIDs
    ) {
        self.settings = settings
        self.cache = cache
        self.limits = limits
        self.random = random
        self.nonces = nonces
        self.connectionIDs = connectionIDs
    }

    /// Connections that are open or being opened.
    public var connectionCount: Int { links.connectionCount }

    /// Reads that are not finished.
    public var waitingReadCount: Int { desk.count }

    // MARK: For the parts

    func emit(_ effect: ClusterEffect) { effects.append(effect) }

    func log(_ level: LogLevel, _ text: String) { effects.append(.log(level, text)) }

    /// One event. The caller's array is ours meanwhile, so that the parts can append to it.
    func handle(_ now: Instant, _ out: inout [ClusterEffect], _ body: () -> Void) {
        self.now = max(self.now, now)
        swap(&effects, &out)
        body()
        swap(&effects, &out)
        knownDeadline = nil
    }

    /// What the cache has for a read, where it would finish at once; nil: it has to be begun, by
    /// `read`. Costs a fraction of that, and leaves nothing behind.
    public func cached(_ request: ReadRequest, now: Instant) -> RecordSlice? {
        self.now = max(self.now, now)
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
            needsFlush = true
        }
    }

    /// Sends what was asked for in this turn, and decodes about `budgetBytes` of records.
    public func work(budgetBytes: Int, now: Instant, _ effects: inout [ClusterEffect]) {
        handle(now, &effects) {
            decoder.work(budgetBytes: budgetBytes)
            needsFlush = false
            flush()
        }
    }

    public var hasWork: Bool {
        needsFlush || decoder.hasWork
            || (pointReader.isOutOfBudget
                && cache.outstandingReadBytes < limits.outstandingReadBytesMax)
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
            for connection in links.ordered { links.drop(connection, losing: failure) }
            decoder.dropAll()
            keeper.purge()
        }
    }
}
