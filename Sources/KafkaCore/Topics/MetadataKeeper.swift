import KafkaProtocol
import Timing

/// What is known of the topics in use. One request at a time, whoever wants what; only topics that
/// somebody named; never more often than the backoff allows, so that a moved leader with ten
/// thousand readers costs a few requests.
final class MetadataKeeper {
    unowned(unsafe) let cluster: Cluster
    private(set) var topics: [String: Topic] = [:]
    /// The same, in the order in which they were named first.
    private(set) var order: [Topic] = []
    private var question: MetadataQuestion?
    private var lookups: [MetadataLookup] = []
    private var waitingLookups: [RequestToken: MetadataLookup] = [:]
    private var backoff: Backoff
    private var nextAskAt = Instant.zero
    /// While an attempt to connect is under way, the next begins then.
    private var nextNodeAt = Instant.zero
    /// No broker and no bootstrap node answered: what the last of them said. Until the next round
    /// may begin everybody gets this for an answer.
    private(set) var outage: KafkaFailure?
    private var outageUntil = Instant.zero
    /// The attempts since the last answer that failed, for the choice of what to tell.
    private var roundFailure: KafkaFailure?
    private var nextBroker = 0
    /// Each node gets one attempt in a round.
    private var tried: Set<ObjectIdentifier> = []

    init(_ cluster: Cluster) {
        self.cluster = cluster
        let longest = max(1, cluster.settings.retryBackoffMaxMilliseconds)
        backoff = Backoff(initialMilliseconds: min(100, longest), maximumMilliseconds: longest)
    }

    // MARK: Wishes

    /// The topic of that name, known or not.
    func topic(_ name: String) -> Topic {
        if let topic = topics[name] {
            topic.lastUsed = cluster.now
            return topic
        }
        let topic = Topic(name, now: cluster.now)
        topics[name] = topic
        order.append(topic)
        return topic
    }

    /// The topic of that name if its partitions are known.
    func knownTopic(_ name: String) -> Topic? {
        guard let topic = topics[name], case .known = topic.state else { return nil }
        topic.lastUsed = cluster.now
        return topic
    }

    /// The next request asks for it.
    func want(_ topic: Topic) {
        topic.wantedFrom = min(topic.wantedFrom ?? .distantFuture, cluster.now)
    }

    /// What is known of it did not help: ask again, but not more often than its backoff allows.
    func wantAgain(_ topic: Topic) {
        guard topic.wantedFrom == nil else { return }
        guard let askedAt = topic.askedAt else { return want(topic) }
        var wait = cluster.limits.metadataMinAgeMilliseconds
        for _ in 0..<min(topic.fruitlessAnswers, 16) { wait *= 2 }
        wait = min(wait, max(1, cluster.settings.retryBackoffMaxMilliseconds))
        topic.wantedFrom = max(cluster.now, askedAt.adding(milliseconds: wait))
    }

    /// The failure that everybody gets while nothing can be reached, between two attempts.
    var currentOutage: KafkaFailure? { cluster.now < outageUntil ? outage : nil }

    func add(_ lookup: MetadataLookup) {
        lookups.append(lookup)
        waitingLookups[lookup.token] = lookup
    }

    func cancel(_ token: RequestToken) -> Bool {
        guard let lookup = waitingLookups.removeValue(forKey: token) else { return false }
        lookup.isDone = true
        lookups.removeAll { $0 === lookup }
        return true
    }

    private var wantedFrom: Instant? {
        lookups.isEmpty ? order.compactMap(\.wantedFrom).min() : .zero
    }

    // MARK: Asking

    func flush() {
        guard question == nil, let wantedFrom, wantedFrom <= cluster.now else { return }
        guard cluster.now >= nextAskAt, currentOutage == nil else { return }
        guard let connection = connectionForQuestion() else { return }
        ask(connection)
    }

    private func ask(_ connection: BrokerConnection) {
        guard let version = connection.versions.version(of: MetadataRequest.self) else {
            let cause = "\(connection.broker.endpoint): no common version of Metadata"
            return cluster.links.fail(
                connection, .kafka(KafkaError.unsupportedVersion.rawValue, cause: cause))
        }
        let named = order.filter { ($0.wantedFrom ?? .distantFuture) <= cluster.now }
        let all = lookups.contains { $0.topics == nil }
        var names = named.map(\.name)
        var seen = Set(names)
        for lookup in lookups {
            for name in lookup.topics ?? [] where seen.insert(name).inserted { names.append(name) }
        }
        let asked = MetadataQuestion(
            topics: all ? nil : named, lookups: lookups, askedAt: cluster.now)
        for topic in named { topic.wantedFrom = nil }
        lookups = []
        question = asked
        // A client of ours may name any topic: naming one must not create it.
        let request = MetadataRequest(
            topics: all ? nil : names.map { MetadataRequest.Topic(name: $0) },
            allowAutoTopicCreation: false)
        connection.send(
            request, version: version, errand: .metadata(asked),
            timeoutMilliseconds: min(cluster.settings.requestTimeoutMilliseconds, 10_000),
            now: cluster.now, cluster)
    }

    /// A free control connection, preferably an open one; brokers that are known before bootstrap
    /// nodes. nil: one is being opened, all are busy, or (then the round fails) none can be tried.
    private func connectionForQuestion() -> BrokerConnection? {
        let nodes = cluster.links.brokers + cluster.links.bootstrap
        let now = cluster.now
        if let free = nodes.first(where: { $0.control?.isFree(now: now) == true }) {
            return free.control
        }
        // One attempt after the other: a single-flight metadata request must not open a connection
        // to every broker of a large cluster. A node that is frozen must not hold it up either: the
        // next one is tried beside it.
        if cluster.now < nextNodeAt, nodes.contains(where: \.isConnecting) { return nil }
        if let next = candidate(cluster.links.brokers) ?? candidate(cluster.links.bootstrap) {
            tried.insert(ObjectIdentifier(next))
            nextNodeAt = now.adding(milliseconds: cluster.limits.nextNodeAfterMilliseconds)
            _ = cluster.links.freeControl(next)
            return nil
        }
        if nodes.contains(where: { $0.control != nil }) { return nil }
        failRound()
        return nil
    }

    private func candidate(_ nodes: [Broker]) -> Broker? {
        guard !nodes.isEmpty else { return nil }
        nextBroker &+= 1
        let start = nextBroker % nodes.count
        return (nodes[start...] + nodes[..<start]).first {
            $0.control == nil && !tried.contains(ObjectIdentifier($0))
                && $0.mayConnect(now: cluster.now)
        }
    }

    /// Everything was tried and nothing answered.
    private func failRound() {
        let nodes = cluster.links.brokers + cluster.links.bootstrap
        let earliest = nodes.compactMap(\.retryAt).min() ?? cluster.now
        let failure =
            roundFailure ?? nodes.compactMap(\.lastFailure).last
            ?? .connection(.unreachable, "no broker", cause: "no bootstrap node is configured")
        roundFailure = nil
        tried = []
        outage = failure
        outageUntil = max(earliest, cluster.now.adding(milliseconds: 1))
        cluster.log(.error, "no broker can be reached: \(failure.cause)")
        for topic in order { failWaiting(topic, failure) }
        let unanswered = lookups
        lookups = []
        for lookup in unanswered { finish(lookup, .failure(failure.asBootstrapFailure)) }
        cluster.lister.failAll(failure)
        cluster.desk.failAll(failure)
    }

    private func failWaiting(_ topic: Topic, _ failure: KafkaFailure) {
        let readers = topic.readers
        topic.readers = []
        for reader in readers { cluster.desk.failOrPark(reader, failure.asBootstrapFailure) }
        let waiting = topic.lookups
        topic.lookups = []
        for lookup in waiting {
            cluster.lister.finish(lookup, .failure(failure.asBootstrapFailure))
        }
        if topic.readers.isEmpty { topic.wantedFrom = nil }
    }

    /// A connection attempt or a connection in use failed: what was known of leaders may be old.
    func connectionFailed(_ connection: BrokerConnection, _ failure: KafkaFailure) {
        // A refused login or certificate explains more than the refused port tried after it.
        if roundFailure?.kind != .refused { roundFailure = failure }
        // A broker that has served us is worth another attempt in this round.
        if connection.hasAnswered { tryAgain(connection.broker) }
        guard connection.broker.nodeID != nil else { return }
        for topic in order where topic.usesBroker(connection.broker) { wantAgain(topic) }
    }

    /// The attempt has taught how to do it better.
    func tryAgain(_ broker: Broker) { tried.remove(ObjectIdentifier(broker)) }

    func lost(_ lostQuestion: MetadataQuestion, _ failure: KafkaFailure) {
        guard question === lostQuestion else { return }
        question = nil
        for topic in lostQuestion.topics ?? [] { want(topic) }
        lookups.insert(contentsOf: lostQuestion.lookups.filter { !$0.isDone }, at: 0)
    }

    // MARK: Time

    var nextDeadline: Instant {
        var earliest = waitingLookups.values.map(\.deadline).min() ?? .distantFuture
        guard question == nil, let wantedFrom else { return earliest }
        let next = max(nextAskAt, outageUntil, wantedFrom)
        if next > cluster.now { earliest = min(earliest, next) }
        if nextNodeAt > cluster.now { earliest = min(earliest, nextNodeAt) }
        for node in cluster.links.brokers + cluster.links.bootstrap {
            if let retryAt = node.retryAt, retryAt > cluster.now {
                earliest = min(earliest, retryAt)
            }
        }
        return earliest
    }

    func tick() {
        let due = waitingLookups.values.filter { $0.deadline <= cluster.now }
        for lookup in due.sorted(by: { $0.token.raw < $1.token.raw }) {
            finish(lookup, .failure(roundFailure ?? .timeout(cause: "metadata")))
        }
        refresh()
    }

    /// Topics in use are asked for again when they are old; others are forgotten.
    private func refresh() {
        let age = cluster.settings.metadataMaxAgeMilliseconds
        let now = cluster.now
        var forgotten: [Topic] = []
        for topic in order {
            guard let askedAt = topic.askedAt, askedAt.adding(milliseconds: age) <= now else {
                continue
            }
            if topic.isInUse || topic.lastUsed.adding(milliseconds: age) > now {
                want(topic)
            } else {
                forgotten.append(topic)
            }
        }
        guard !forgotten.isEmpty else { return }
        for topic in forgotten { topics[topic.name] = nil }
        order.removeAll { topic in forgotten.contains { $0 === topic } }
    }

    func finish(_ lookup: MetadataLookup, _ result: Result<[TopicDescription], KafkaFailure>) {
        guard !lookup.isDone else { return }
        lookup.isDone = true
        waitingLookups[lookup.token] = nil
        lookups.removeAll { $0 === lookup }
        cluster.emit(.metadataFinished(lookup.token, result))
    }

    func failEverything(_ failure: KafkaFailure) {
        for token in waitingLookups.keys.sorted(by: { $0.raw < $1.raw }) {
            if let lookup = waitingLookups[token] { finish(lookup, .failure(failure)) }
        }
    }

    /// Forgets everything, what is cached included.
    func purge() {
        for topic in order {
            for partition in topic.partitions.values { partition.log.purge() }
        }
        topics = [:]
        order = []
    }

    // MARK: Answers

    func received(_ asked: MetadataQuestion, _ response: MetadataResponse) {
        guard question === asked else { return }
        let error = KafkaError(response.errorCode)
        guard error == .none else { return again(asked, error) }
        question = nil
        outage = nil
        outageUntil = .zero
        roundFailure = nil
        tried = []
        backoff.reset()
        cluster.links.update(MetadataAnswer.brokers(response))
        MetadataAnswer(cluster).apply(response, to: asked)
        answer(asked.lookups, response)
    }

    /// The whole request was refused.
    private func again(_ asked: MetadataQuestion, _ error: KafkaError) {
        lost(asked, .kafka(error.rawValue, cause: "metadata"))
        nextAskAt = cluster.now.adding(milliseconds: backoff.next(&cluster.random))
        // KIP-1102: nothing that is known of the cluster counts any more.
        if error == .rebootstrapRequired { cluster.links.rebootstrap() }
    }

    private func answer(_ lookups: [MetadataLookup], _ response: MetadataResponse) {
        for lookup in lookups {
            finish(lookup, .success(MetadataAnswer.describe(lookup.topics, response)))
        }
    }

    /// After a change of brokers: leaders are node ids, not addresses.
    func reassignLeaders() {
        for topic in order {
            for index in topic.indexes {
                guard let partition = topic.partitions[index], let old = partition.leader else {
                    continue
                }
                let new = old.nodeID.flatMap { cluster.links.broker($0) }
                if new !== old { cluster.setLeader(partition, new) }
            }
        }
    }
}

extension Topic {
    var isInUse: Bool {
        !readers.isEmpty || !lookups.isEmpty || partitions.values.contains(where: \.isInUse)
    }

    func usesBroker(_ broker: Broker) -> Bool {
        partitions.values.contains { $0.leader === broker && $0.isInUse }
    }
}

extension Partition {
    var isInUse: Bool {
        !demands.isEmpty || sentDemands > 0
            || Isolation.allCases.contains { !(follow($0)?.waiters.isEmpty ?? true) }
    }
}
