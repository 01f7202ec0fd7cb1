import Timing

/// What clients may use up in a second, by client id (`producer_byte_rate` and its like). A client
/// that has used up more is muted until its account is even again.
struct QuotaTable {
    enum Kind: String, CaseIterable {
        /// Bytes of Produce requests.
        case produce
        /// Requests. (A broker's own quota of requests is a share of its threads' time.)
        case request
    }

    private struct Account: Hashable {
        let kind: Kind
        let clientID: String?
    }

    private struct State {
        var credit: Double
        var at: Instant
    }

    private var perSecond: [Kind: Double] = [:]
    private var states: [Account: State] = [:]

    /// nil: no bound.
    mutating func set(_ kind: Kind, perSecond rate: Double?) {
        perSecond[kind] = rate
        states = states.filter { $0.key.kind != kind }
    }

    /// Takes `amount` off a client's account; answers for how long it is to be muted.
    mutating func take(
        _ amount: Int, _ kind: Kind, clientID: String?, now: Instant
    ) -> Int32 {
        guard let rate = perSecond[kind] else { return 0 }
        let account = Account(kind: kind, clientID: clientID)
        var state = states[account] ?? State(credit: rate, at: now)
        let seconds = Double(now.milliseconds(since: state.at)) / 1000
        // No more than a second's worth is saved up.
        state.credit = min(rate, state.credit + seconds * rate) - Double(amount)
        state.at = now
        states[account] = state
        guard state.credit < 0 else { return 0 }
        return Int32(
            min(-state.credit / rate * 1000, Double(Self.throttleMillisecondsMax)).rounded(.up))
    }

    /// A day: a quota of next to nothing must not overflow.
    private static let throttleMillisecondsMax = 86_400_000
}
