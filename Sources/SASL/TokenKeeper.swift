import Timing

/// One token of the host's, as all connections of a gateway share it: when the host is asked for
/// it, and who waits for it. Nobody asks who holds one that is good; a token that nobody has used
/// is not replaced in advance.
public struct TokenKeeper: Sendable {
    public enum Step: Equatable, Sendable {
        /// Ask the host; `take` or `fail` is the answer.
        case ask
        case answer([UInt64], LoginWork.Result)
    }

    private struct Held: Sendable {
        let token: BearerToken
        let refreshAt: Instant
        let expiresAt: Instant
        var isUsed: Bool
    }

    private enum Asking: Sendable {
        case idle
        case asked(until: Instant)
        /// The host has failed; it is not asked again before.
        case pausing(until: Instant, reason: String)
    }

    /// Of what is left of its life a token is used for so long before the next one is asked for,
    /// as librdkafka's are.
    static let refreshPercent: Int64 = 80
    /// A host that gives tokens of no life at all is not asked without a pause.
    static let refreshMillisecondsMin: Int64 = 1_000
    static let retryMilliseconds: Int64 = 10_000
    /// A host that has not answered for so long has failed.
    static let answerMilliseconds: Int64 = 30_000

    private var held: Held?
    private var asking = Asking.idle
    private var waiters: [UInt64] = []
    /// Somebody has wanted it since the host was last asked.
    private var isWanted = false

    public init() {}

    /// What is left of the token's life; 0: there is none.
    public func millisecondsLeft(now: Instant) -> Int64 {
        held?.expiresAt.milliseconds(since: now) ?? 0
    }

    /// When `tick` has something to do.
    public var deadline: Instant {
        switch asking {
        case .asked(let until), .pausing(let until, _): until
        case .idle: held.map { $0.isUsed ? $0.refreshAt : .distantFuture } ?? .distantFuture
        }
    }

    // MARK: Who waits

    public mutating func want(_ waiter: UInt64, now: Instant) -> [Step] {
        if let token = good(now: now) {
            held?.isUsed = true
            return [.answer([waiter], .token(token))] + tick(now: now)
        }
        isWanted = true
        if case .pausing(let until, let reason) = asking, now < until {
            return [.answer([waiter], .failed(reason))]
        }
        waiters.append(waiter)
        if case .asked = asking { return [] }
        return ask(now: now)
    }

    public mutating func withdraw(_ waiter: UInt64) { waiters.removeAll { $0 == waiter } }

    private func good(now: Instant) -> BearerToken? {
        guard let held, now < held.expiresAt else { return nil }
        return held.token
    }

    // MARK: The host

    private mutating func ask(now: Instant) -> [Step] {
        isWanted = false
        asking = .asked(until: now.adding(milliseconds: Self.answerMilliseconds))
        return [.ask]
    }

    /// A token, whether or not it was asked for.
    public mutating func take(
        _ token: BearerToken, lifeMilliseconds: Int64, now: Instant
    ) -> [Step] {
        let (scaled, overflow) = lifeMilliseconds.multipliedReportingOverflow(
            by: Self.refreshPercent)
        let wait = max(overflow ? .max : scaled / 100, Self.refreshMillisecondsMin)
        held = Held(
            token: token, refreshAt: now.adding(milliseconds: wait),
            expiresAt: now.adding(milliseconds: lifeMilliseconds), isUsed: !waiters.isEmpty)
        asking = .idle
        return answerAll(.token(token))
    }

    /// The host has none. Who waits is told; a token that is still good goes on being good.
    public mutating func fail(_ reason: String, now: Instant) -> [Step] {
        asking = .pausing(
            until: now.adding(milliseconds: Self.retryMilliseconds), reason: reason)
        return answerAll(.failed(reason))
    }

    private mutating func answerAll(_ result: LoginWork.Result) -> [Step] {
        defer { waiters = [] }
        return waiters.isEmpty ? [] : [.answer(waiters, result)]
    }

    /// Another one is there to be asked.
    public mutating func hostChanged(now: Instant) -> [Step] {
        switch asking {
        case .idle: return []
        case .asked: return ask(now: now)
        case .pausing:
            asking = .idle
            return isWanted || held?.isUsed == true ? ask(now: now) : []
        }
    }

    public mutating func tick(now: Instant) -> [Step] {
        switch asking {
        case .asked(let until) where until <= now:
            let seconds = Self.answerMilliseconds / 1_000
            return fail("the host was asked and has not answered for \(seconds) s", now: now)
        case .pausing(let until, _) where until <= now:
            asking = .idle
            return isWanted || held?.isUsed == true ? ask(now: now) : []
        case .idle:
            guard let held, held.isUsed, held.refreshAt <= now else { return [] }
            return ask(now: now)
        default: return []
        }
    }
}
