import Timing

/// The producer's id and epoch on their way from a broker.
struct Identification {
    enum State: Equatable {
        /// Brokers are not asked to know this producer.
        case notWanted
        case wanted
        case asked
        case known(ProducerIdentity)
    }

    private(set) var state: State
    /// Asked with; -1 and -1 the first time.
    private(set) var last = ProducerIdentity(id: -1, epoch: -1)
    var pace: RetryPace

    init(_ settings: ProducerSettings) {
        state = settings.isIdempotent && settings.transactionalID == nil ? .wanted : .notWanted
        pace = RetryPace(
            initialMilliseconds: settings.retryBackoffMilliseconds,
            maximumMilliseconds: settings.retryBackoffMaxMilliseconds)
    }

    var identity: ProducerIdentity? {
        guard case .known(let identity) = state else { return nil }
        return identity
    }

    /// Whether a broker has to be asked now.
    mutating func ask(_ now: Instant) -> Bool {
        guard state == .wanted, pace.allows(now) else { return false }
        state = .asked
        return true
    }

    mutating func know(_ identity: ProducerIdentity) {
        state = .known(identity)
        last = identity
        pace.reset()
    }

    mutating func failed(_ now: Instant, _ random: inout SeededRandom) {
        guard state == .asked else { return }
        state = .wanted
        pace.delay(from: now, &random)
    }

    /// The epochs of the id are used up.
    mutating func forget() { state = .wanted }

    var nextDeadline: Instant {
        state == .wanted ? pace.retryAt ?? .zero : .distantFuture
    }
}
