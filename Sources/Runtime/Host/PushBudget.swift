import Synchronization

/// What a session may still be pushed: its loop says how much waits, and threads of the host count
/// what is on its way there.
final class PushBudget: Sendable {
    private struct Terms {
        var bytesMax = 1 << 20
        /// nil: not told yet.
        var route: String?
        var isJSON = false
    }

    private let terms = Mutex(Terms())
    private let unsent = Atomic<Int>(0)
    private let underway = Atomic<Int>(0)
    private let used = Atomic<Bool>(false)

    /// Whether anything was ever pushed: only then the loop keeps `unsent` up to date.
    var isUsed: Bool { used.load(ordering: .relaxed) }

    /// The session is open.
    func begin(route: String, isJSON: Bool, unsentBytesMax: Int) {
        terms.withLock { $0 = Terms(bytesMax: unsentBytesMax, route: route, isJSON: isJSON) }
    }

    /// The route of a session that speaks JSON; nil: it does not, or that is not known yet.
    var routeOfJSON: String? { terms.withLock { $0.isJSON ? $0.route : nil } }

    /// False: more waits than is allowed.
    func take(_ count: Int, waiting: Int) -> Bool {
        used.store(true, ordering: .relaxed)
        let sum = unsent.load(ordering: .relaxed) + underway.load(ordering: .relaxed) + waiting
        guard sum <= terms.withLock({ $0.bytesMax }) else { return false }
        underway.add(count, ordering: .relaxed)
        return true
    }

    /// It has arrived at the engine.
    func arrived(_ count: Int) { underway.subtract(count, ordering: .relaxed) }

    func set(unsent count: Int) { unsent.store(count, ordering: .relaxed) }
}
