import Timing

/// The client of one Kafka cluster on one loop: thousands of readers at independent offsets over
/// a handful of connections. Sans I/O: events come in with the time, effects are appended to the
/// caller's array. Not to be entered again from the performing of an effect before the call that
/// appended it has returned.
///
/// After the events of a turn the driver calls `work` while `hasWork` (with whatever else it has
/// to do in between): requests are put together and big responses decoded there.
public final class Cluster {
    public let settings: ClusterSettings
    public private(set) var counters = ClusterCounters()
    /// Connections that are open or being opened.
    public var connectionCount: Int { preconditionFailure("to follow") }

    public init(
        settings: ClusterSettings, cache: LogCache, limits: KafkaLimits = KafkaLimits(),
        random: SeededRandom, connectionIDs: BrokerConnectionIDs
    ) {
        self.settings = settings
    }

    // MARK: Events of the driver

    /// TCP, and TLS where asked for, is up.
    public func opened(
        _ connection: BrokerConnectionID, now: Instant, _ effects: inout [ClusterEffect]
    ) { preconditionFailure("to follow") }

    /// Any piece of the stream. Whole frames inside it are decoded in place.
    public func received(
        _ connection: BrokerConnectionID, _ bytes: UnsafeRawBufferPointer, now: Instant,
        _ effects: inout [ClusterEffect]
    ) { preconditionFailure("to follow") }

    /// In the middle of a large frame: where the driver may receive straight into.
    public func receiveSpace(
        _ connection: BrokerConnectionID
    ) -> UnsafeMutableRawBufferPointer? { preconditionFailure("to follow") }

    /// `count` bytes of `receiveSpace` were filled.
    public func didReceive(
        _ connection: BrokerConnectionID, _ count: Int, now: Instant,
        _ effects: inout [ClusterEffect]
    ) { preconditionFailure("to follow") }

    /// Refused, reset, ended, TLS failed: the connection does not exist any more.
    public func closed(
        _ connection: BrokerConnectionID, _ failure: ConnectionFailure, now: Instant,
        _ effects: inout [ClusterEffect]
    ) { preconditionFailure("to follow") }

    public func derived(
        _ connection: BrokerConnectionID, saltedPassword: [UInt8], now: Instant,
        _ effects: inout [ClusterEffect]
    ) { preconditionFailure("to follow") }

    /// Call at or after `nextDeadline`.
    public func tick(now: Instant, _ effects: inout [ClusterEffect]) {
        preconditionFailure("to follow")
    }

    /// nil: nothing is due until another event.
    public var nextDeadline: Instant? { preconditionFailure("to follow") }

    /// Sends what was asked for in this turn, and decodes about `budgetBytes` of records.
    public func work(budgetBytes: Int, now: Instant, _ effects: inout [ClusterEffect]) {
        preconditionFailure("to follow")
    }

    public var hasWork: Bool { preconditionFailure("to follow") }

    /// Closes every connection; reads and look-ups that wait fail with `closed`.
    public func shutDown(now: Instant, _ effects: inout [ClusterEffect]) {
        preconditionFailure("to follow")
    }

    // MARK: Readers

    /// May finish at once, through `effects`, when the cache has the records.
    public func read(
        _ token: ReadToken, _ request: ReadRequest, now: Instant,
        _ effects: inout [ClusterEffect]
    ) { preconditionFailure("to follow") }

    /// Forgets a read; no outcome follows. Unknown tokens are ignored.
    public func cancel(_ token: ReadToken) { preconditionFailure("to follow") }

    /// Timestamps: milliseconds since 1970, or -1 latest, -2 earliest, -3 largest timestamp,
    /// -4 earliest local, -5 latest tiered; a version that the broker lacks fails, it is never
    /// guessed at.
    public func listOffset(
        _ token: RequestToken, topic: String, partition: Int32, timestamp: Int64,
        isolation: Isolation, now: Instant, _ effects: inout [ClusterEffect]
    ) { preconditionFailure("to follow") }

    /// `topics` nil: all that the principal may see, internal ones included.
    public func metadata(
        _ token: RequestToken, topics: [String]?, now: Instant,
        _ effects: inout [ClusterEffect]
    ) { preconditionFailure("to follow") }

    /// Forgets a look-up; no outcome follows.
    public func cancel(_ token: RequestToken) { preconditionFailure("to follow") }
}
