import Timing

/// How often one session may ask: a bucket of the commands of one second, filled evenly. Kept as
/// the moment when it will be full again, which is all that there is to know about it.
struct CommandPace {
    enum Verdict {
        case go
        case refuse
        /// It was refused again and again.
        case close
    }

    private static let second: Int64 = 1_000_000_000
    /// Refused commands, as seconds of allowed ones, after which there is nothing to hope for.
    private static let patienceSeconds = 10

    let perSecond: Int
    private var fullAt: Int64 = 0
    /// Refusals with less than a second between them.
    private var refusals = 0
    private var refusedAt: Int64 = 0

    /// nil: no limit.
    init?(perSecond: Int) {
        guard perSecond > 0 else { return nil }
        self.perSecond = perSecond
    }

    private var each: Int64 { max(1, Self.second / Int64(perSecond)) }

    /// Whether a command that comes now is too much.
    func refuses(_ now: Instant) -> Bool {
        max(fullAt, now.nanoseconds) - now.nanoseconds > Self.second - each
    }

    mutating func take(_ now: Instant) -> Verdict {
        let moment = now.nanoseconds
        guard refuses(now) else {
            fullAt = max(fullAt, moment) + each
            return .go
        }
        refusals = moment - refusedAt >= Self.second ? 1 : refusals + 1
        refusedAt = moment
        return refusals > perSecond * Self.patienceSeconds ? .close : .refuse
    }
}
