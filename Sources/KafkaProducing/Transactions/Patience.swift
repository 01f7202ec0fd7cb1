import Timing

/// How long the caller of a producer waits for the beginning or an end of a transaction: Kafka's
/// `max.block.ms`. As with Kafka's client, what took too long goes on, and the caller may only ask
/// for the same again: whether a commit is done nobody could tell him else.
struct Patience {
    enum Step: Equatable, CustomStringConvertible {
        case initialize
        case end(commits: Bool)

        var description: String {
            switch self {
            case .initialize: "the transactional id was to be taken"
            case .end(let commits): "the transaction was to be \(commits ? "committed" : "aborted")"
            }
        }

        /// Why something else cannot be asked for.
        var unfinished: String {
            switch self {
            case .initialize: "the transactional id is still asked for: begin again"
            case .end(let commits):
                "the \(commits ? "commit" : "abort") that took too long has to be asked for again"
            }
        }
    }

    let limitMilliseconds: Int64
    private var step: Step?
    /// Of the waiting; nil: nobody waits.
    private(set) var end: Instant?
    /// What the caller was told to take too long, and has not asked for again.
    private(set) var late: Step?
    private var outcome: TransactionOutcome?

    init(limitMilliseconds: Int64) { self.limitMilliseconds = limitMilliseconds }

    mutating func begin(_ step: Step, _ now: Instant) {
        self.step = step
        end = now.adding(milliseconds: limitMilliseconds)
    }

    /// Whether it is what was late, which is waited for again.
    mutating func resumes(_ step: Step, _ now: Instant) -> Bool {
        guard late == step else { return false }
        late = nil
        begin(step, now)
        return true
    }

    /// What waited too long; it is late from now on.
    mutating func expire(_ now: Instant) -> Step? {
        guard let end, end <= now else { return nil }
        self.end = nil
        late = step
        return late
    }

    /// Keeps a success that nobody waits for. Failures change what may be asked for at once.
    mutating func took(_ outcome: TransactionOutcome) -> TransactionOutcome? {
        switch outcome {
        case .late: return outcome
        case .initialized, .committed, .aborted:
            end = nil
            guard late != nil else { return outcome }
            self.outcome = outcome
            return nil
        case .broken, .failed:
            end = nil
            late = nil
            return outcome
        }
    }

    mutating func missed() -> TransactionOutcome? {
        guard late == nil, let known = outcome else { return nil }
        outcome = nil
        end = nil
        return known
    }
}
