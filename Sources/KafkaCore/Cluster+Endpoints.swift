import KafkaProtocol
import Timing

// What the log is told of endpoints, and what is remembered of them.
extension Cluster {
    /// How long a broker has to ask for no pause before its throttling counts as over: Kafka's
    /// quotas reckon with 11 windows of a second.
    static let throttlingQuietMilliseconds: Int64 = 60_000

    /// It is set up; a new login on it is none of the log's.
    func tellOpened(_ link: BrokerConnection) {
        guard !link.isTold else { return }
        link.isTold = true
        log(.info, "\(link.broker.endpoint): connection for \(link.role) opened")
    }

    /// Whoever was told that it is open learns that it is not, and why.
    func tellClosed(_ link: BrokerConnection, _ cause: String) {
        guard link.isTold else { return }
        link.isTold = false
        log(.info, "\(link.broker.endpoint): connection for \(link.role) closed: \(cause)")
    }

    /// A connection to the broker failed. Told once while that lasts, and once for each cause.
    func tellFailure(of broker: Broker, _ failure: KafkaFailure) {
        let isNews = quirks[broker.endpoint, default: EndpointQuirks()].trouble.begins(
            failure.cause, now: now)
        guard isNews else { return log(.debug, failure.cause) }
        log(failure.isRefusal ? .error : .warning, failure.cause)
    }

    /// A response to a request of ours was read. `throttle`: for how long the broker wants no
    /// other, in milliseconds; `isOurs`: we have to keep to that (KIP-219), else it has waited
    /// itself before it answered.
    func noteAnswer(on link: BrokerConnection, throttle milliseconds: Int32, isOurs: Bool) {
        if !link.hasServed {
            link.hasServed = true
            noteService(of: link.broker)
        }
        if milliseconds > 0 {
            throttle(link, milliseconds, isOurs)
        } else if quirks[link.broker.endpoint]?.throttlingEnds(now) == true {
            log(.warning, "\(link.broker.endpoint): does not throttle this client any more")
        }
    }

    private func noteService(of broker: Broker) {
        serves = true
        if quirks[broker.endpoint]?.trouble.ends(now: now) == true {
            log(.warning, "\(broker.endpoint): answers again")
        }
        keeper.tellOutageIsOver(broker)
    }

    func throttle(_ link: BrokerConnection, _ milliseconds: Int32, isOurs: Bool) {
        guard milliseconds > 0 else { return }
        throttle(link, milliseconds, isOurs)
    }

    private func throttle(_ link: BrokerConnection, _ milliseconds: Int32, _ isOurs: Bool) {
        let pause = min(Int64(milliseconds), limits.throttleMillisecondsMax)
        counters.throttles += 1
        counters.throttledMilliseconds += UInt64(pause)
        if isOurs { link.throttle(milliseconds: pause, now: now) }
        let endpoint = link.broker.endpoint
        let isNews = quirks[endpoint, default: EndpointQuirks()].throttled(
            until: now.adding(milliseconds: pause), now)
        guard isNews else { return }
        log(
            .warning,
            "\(endpoint): throttles client.id \"\(settings.clientID)\" over its quota: no request"
                + " for \(pause) ms" + (pause < milliseconds ? " (asked for \(milliseconds))" : ""))
    }

    /// Addresses of brokers that are gone are forgotten when they are more than the others.
    func forgetEndpoints() {
        let nodes = links.brokers + links.bootstrap
        guard quirks.count > 2 * nodes.count + Self.endpointsKept else { return }
        let known = Set(nodes.map(\.endpoint))
        quirks = quirks.filter { known.contains($0.key) }
    }

    /// A cluster of brokers that moves to other addresses may come back to these.
    private static let endpointsKept = 64
}

extension EndpointQuirks {
    fileprivate mutating func throttled(until end: Instant, _ now: Instant) -> Bool {
        throttledUntil = max(throttledUntil, end)
        return throttling.begins("quota", now: now)
    }

    fileprivate mutating func throttlingEnds(_ now: Instant) -> Bool {
        let quiet = throttledUntil.adding(milliseconds: Cluster.throttlingQuietMilliseconds)
        return throttledUntil > .zero && quiet <= now && throttling.ends(now: now)
    }
}
