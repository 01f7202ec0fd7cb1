import Synchronization

/// How many sessions there are, over all loops of a gateway, for the limits that span them. It is
/// asked when a session is admitted and when it ends, never in between.
public final class SessionCensus: Sendable {
    /// Which limit refused a session: its key in configurations.
    enum Refusal: String {
        case sessions
        case sessionsPerAddress = "sessions_per_address"
    }

    struct Place: Hashable, Sendable {
        /// nil: the whole gateway.
        var route: String?
        /// nil: all addresses.
        var address: String?
    }

    /// A place, and how many sessions it may have; 0: any number.
    struct Limit {
        var place: Place
        var max: Int
        var refusal: Refusal
    }

    private let counts = Mutex<[Place: Int]>([:])

    public init() {}

    /// Sessions that count at the moment.
    public var total: Int { counts.withLock { $0[Place()] ?? 0 } }

    /// Counts a session at every place, or at none if one of them is full.
    func admit(_ limits: [Limit]) -> Refusal? {
        counts.withLock { counts in
            let full = limits.first { $0.max > 0 && counts[$0.place, default: 0] >= $0.max }
            if let full { return full.refusal }
            for limit in limits { counts[limit.place, default: 0] += 1 }
            return nil
        }
    }

    func leave(_ places: [Place]) {
        counts.withLock { counts in
            for place in places {
                let left = counts[place, default: 0] - 1
                counts[place] = left > 0 ? left : nil
            }
        }
    }
}
