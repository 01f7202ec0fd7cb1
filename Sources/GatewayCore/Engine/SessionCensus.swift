import Synchronization

/// How many sessions there are, over all loops of a gateway, for the limits that span them. It is
/// asked when a session opens and when it ends, never in between.
public final class SessionCensus: Sendable {
    private struct Counts {
        var total = 0
        var routes: [String: Int] = [:]
        /// By route and address; the empty route is the whole gateway.
        var addresses: [Place: Int] = [:]
    }

    private struct Place: Hashable {
        var route: String
        var address: String
    }

    private let counts = Mutex(Counts())

    public init() {}

    public var total: Int { counts.withLock { $0.total } }
}
