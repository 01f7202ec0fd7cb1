import SASL
import Timing

/// What connections of one cluster's client have taught, for the next ones; and what the log has
/// been told of it.
final class EndpointMemory {
    let context: ClusterContext
    private var quirks: [Endpoint: EndpointQuirks] = [:]
    /// A broker has told its versions. Those of one cluster are alike: their listeners speak as we
    /// do, with TLS or without.
    private(set) var speaksAsWe = false
    /// A broker has answered a request: they want no other login.
    private(set) var serves = false
    /// Keys of this cluster's credentials: brokers keep the salt with the user, so that a second
    /// login needs no second derivation.
    private var keys: [ScramDerivation: [UInt8]] = [:]

    static let keysMax = 8
    /// How long a broker has to ask for no pause before its throttling counts as over: Kafka's
    /// quotas reckon with 11 windows of a second.
    static let throttlingQuietMilliseconds: Int64 = 60_000
    /// A cluster of brokers that moves to other addresses may come back to these.
    private static let endpointsKept = 64

    init(_ context: ClusterContext) { self.context = context }

    var count: Int { quirks.count }

    subscript(endpoint: Endpoint) -> EndpointQuirks { quirks[endpoint] ?? EndpointQuirks() }

    // MARK: Versions and logins

    func noteVersions(_ endpoint: Endpoint) {
        speaksAsWe = true
        quirks[endpoint, default: EndpointQuirks()].noteAnswer()
    }

    /// Whether this may be how it refuses a version: it is worth another attempt at once.
    func noteResetOfVersions(_ endpoint: Endpoint) -> Bool {
        quirks[endpoint, default: EndpointQuirks()].noteReset()
        return self[endpoint].resetsOnApiVersions <= EndpointQuirks.resetsBeforeFallback
    }

    func keep(_ result: LoginWork.Result, of work: LoginWork) {
        guard case .derive(let derivation) = work, case .key(let key) = result else { return }
        if keys.count >= Self.keysMax { keys = [:] }
        keys[derivation] = key
    }

    func result(of work: LoginWork) -> LoginWork.Result? {
        guard case .derive(let derivation) = work else { return nil }
        return keys[derivation].map { .key($0) }
    }

    // MARK: Trouble

    /// A connection failed. Told once while that lasts, and once for each cause.
    func noteFailure(_ endpoint: Endpoint, _ failure: KafkaFailure) {
        let isNews = quirks[endpoint, default: EndpointQuirks()].trouble.begins(
            failure.cause, now: context.now)
        guard isNews else { return context.log(.debug, failure.cause) }
        context.log(failure.isRefusal ? .error : .warning, failure.cause)
    }

    /// It has answered a request.
    func noteService(_ endpoint: Endpoint) {
        serves = true
        if quirks[endpoint]?.trouble.ends(now: context.now) == true {
            context.log(.warning, "\(endpoint): answers again")
        }
    }

    // MARK: Throttles

    /// The broker has asked for a pause of so many milliseconds. Until when it is kept to.
    func noteThrottle(_ endpoint: Endpoint, _ milliseconds: Int32) -> Instant {
        let pause = min(Int64(milliseconds), context.limits.throttleMillisecondsMax)
        context.counters.throttles += 1
        context.counters.throttledMilliseconds += UInt64(pause)
        let end = context.now.adding(milliseconds: pause)
        let isNews = quirks[endpoint, default: EndpointQuirks()].throttled(until: end, context.now)
        guard isNews else { return end }
        let client = context.settings.clientID
        context.log(
            .warning,
            "\(endpoint): throttles client.id \"\(client)\" over its quota: no request"
                + " for \(pause) ms" + (pause < milliseconds ? " (asked for \(milliseconds))" : ""))
        return end
    }

    func noteNoThrottle(_ endpoint: Endpoint) {
        guard quirks[endpoint]?.throttlingEnds(context.now) == true else { return }
        context.log(.warning, "\(endpoint): does not throttle this client any more")
    }

    // MARK: Forgetting

    /// Addresses of brokers that are gone are forgotten when they are more than the others.
    func forget(but nodes: [Endpoint]) {
        guard quirks.count > 2 * nodes.count + Self.endpointsKept else { return }
        let known = Set(nodes)
        quirks = quirks.filter { known.contains($0.key) }
    }
}

extension EndpointQuirks {
    fileprivate mutating func throttled(until end: Instant, _ now: Instant) -> Bool {
        throttledUntil = max(throttledUntil, end)
        return throttling.begins("quota", now: now)
    }

    fileprivate mutating func throttlingEnds(_ now: Instant) -> Bool {
        let quiet = throttledUntil.adding(milliseconds: EndpointMemory.throttlingQuietMilliseconds)
        return throttledUntil > .zero && quiet <= now && throttling.ends(now: now)
    }
}
