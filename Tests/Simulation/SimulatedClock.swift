import Timing

/// The time of a simulation, and what is to happen later. What is due at one moment happens in the
/// order in which it was asked for.
public final class SimulatedClock {
    public var now: Instant
    private var moments = DeadlineHeap<Instant>()
    private var events: [Instant: [() -> Void]] = [:]

    public init(now: Instant = .zero) { self.now = now }

    /// The moment of the next event; nil: nothing is to happen.
    public var nextEvent: Instant? { moments.earliest }

    public func schedule(at moment: Instant, _ event: @escaping () -> Void) {
        if events[moment] == nil { moments.insert(moment, at: moment) }
        events[moment, default: []].append(event)
    }

    public func later(_ milliseconds: Int64, _ event: @escaping () -> Void) {
        schedule(at: now.adding(milliseconds: milliseconds), event)
    }

    /// Lets happen what is due, and what follows from it at once. Whether anything did.
    @discardableResult
    public func perform() -> Bool {
        var isBusy = false
        while let (moment, _) = moments.popFirst(notAfter: now) {
            // Those that an event asks for at this very moment come as a moment of their own.
            for event in events.removeValue(forKey: moment) ?? [] { event() }
            isBusy = true
        }
        return isBusy
    }
}
