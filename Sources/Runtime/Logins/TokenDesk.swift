import EventLoop
import KafkaCore
import SASL
import Synchronization
import Timing

/// The host's tokens by their names, for all loops of a gateway. From any thread.
final class TokenDesk: Sendable {
    typealias Reply = @Sendable (LoginWork.Result) -> Void
    /// Asks the host for the token of this name, of which so many milliseconds are left. False:
    /// there is nobody to ask.
    typealias Ask = @Sendable (String, Int64) -> Bool

    private struct Entry {
        var keeper = TokenKeeper()
        var ask: Ask?
        var trouble = Trouble()
        /// The next tick that is on its way.
        var tickAt = Instant.distantFuture
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var replies: [UInt64: Reply] = [:]
        var lastTicket: UInt64 = 0
        /// Has `tick` called at that time.
        var wake: (@Sendable (String, Instant) -> Void)?
        var log: LoginLog?
    }

    private let state = Mutex(State())

    /// The gateway runs: `wake` calls `tick` of that name then.
    func start(wake: @escaping @Sendable (String, Instant) -> Void, log: @escaping LoginLog) {
        state.withLock { state in
            state.wake = wake
            state.log = log
        }
    }

    /// It has ended; nobody is told anything any more.
    func stop() {
        state.withLock { state in
            state.wake = nil
            state.replies = [:]
            for name in state.entries.keys { state.entries[name]?.ask = nil }
        }
    }

    // MARK: Connections

    /// `reply` comes once, on any thread, at once perhaps. The answer names the wish.
    func want(_ name: String, _ reply: @escaping Reply) -> UInt64 {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            state.replies[state.lastTicket] = reply
            return state.lastTicket
        }
        handle(name) { $0.want(ticket, now: $1) }
        return ticket
    }

    func withdraw(_ name: String, _ ticket: UInt64) {
        state.withLock { state in
            state.replies[ticket] = nil
            state.entries[name]?.keeper.withdraw(ticket)
        }
    }

    // MARK: The host

    func setHost(_ name: String, _ ask: @escaping Ask) {
        state.withLock { $0.entries[name, default: Entry()].ask = ask }
        handle(name) { $0.hostChanged(now: $1) }
    }

    /// False: nobody was registered.
    func removeHost(_ name: String) -> Bool {
        state.withLock { $0.entries[name]?.ask.take() != nil }
    }

    func set(_ name: String, _ token: BearerToken, lifeMilliseconds: Int64) {
        let log = state.withLock { state in
            state.entries[name]?.trouble.ends(now: MonotonicClock.now()) == true ? state.log : nil
        }
        log?(.warning, "the token \"\(name)\" is there again")
        handle(name) { $0.take(token, lifeMilliseconds: lifeMilliseconds, now: $1) }
    }

    func fail(_ name: String, _ reason: String) {
        handle(name) { $0.fail("token \"\(name)\": \(reason)", now: $1) }
        tellTrouble(name, reason)
    }

    func tick(_ name: String) {
        state.withLock { $0.entries[name]?.tickAt = .distantFuture }
        handle(name) { $0.tick(now: $1) }
    }

    // MARK: Steps

    private func handle(
        _ name: String, _ event: (inout TokenKeeper, Instant) -> [TokenKeeper.Step]
    ) {
        let now = MonotonicClock.now()
        var answers: [(Reply, LoginWork.Result)] = []
        let isAsked = state.withLock { state in
            var entry = state.entries[name, default: Entry()]
            var isAsked = true
            for step in event(&entry.keeper, now) {
                switch step {
                case .ask:
                    let left = entry.keeper.millisecondsLeft(now: now)
                    isAsked = entry.ask?(name, left) ?? false
                case .answer(let tickets, let result):
                    answers += tickets.compactMap { ticket in
                        state.replies.removeValue(forKey: ticket).map { ($0, result) }
                    }
                }
            }
            Self.arrangeTick(name, &entry, state.wake)
            state.entries[name] = entry
            return isAsked
        }
        for (reply, result) in answers { reply(result) }
        if !isAsked { fail(name, Self.nobody) }
    }

    private static let nobody =
        "nobody brings it: no queue takes PUBSUBGW_EV_TOKEN for it (pubsubgw_token_on), and"
        + " pubsubgw_token_set was not called"

    private static func arrangeTick(
        _ name: String, _ entry: inout Entry, _ wake: (@Sendable (String, Instant) -> Void)?
    ) {
        guard entry.keeper.deadline < entry.tickAt, let wake else { return }
        entry.tickAt = entry.keeper.deadline
        wake(name, entry.tickAt)
    }

    private func tellTrouble(_ name: String, _ reason: String) {
        let log = state.withLock { state in
            let isNews = state.entries[name]?.trouble.begins(reason, now: MonotonicClock.now())
            return isNews == true ? state.log : nil
        }
        log?(.error, "the token \"\(name)\" cannot be had: \(reason)")
    }
}

/// What the log is told of logins.
typealias LoginLog = @Sendable (KafkaCore.LogLevel, String) -> Void
