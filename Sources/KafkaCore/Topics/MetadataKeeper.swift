import KafkaProtocol
import Timing

/// What is known of the topics in use. One request at a time, whoever wants what; only topics that
/// somebody named; never more often than the backoff allows, so that a moved leader with ten
/// thousand readers costs a few requests.
final class MetadataKeeper {
    unowned(unsafe) let cluster: Cluster
    private(set) var topics: [String: Topic] = [:]
    /// The same, in the order in which they were named first.
    private(set) var order = SlotList<Topic>()
    var question: MetadataQuestion?
    var lookups = SlotList<MetadataLookup>()
    private var deadlines = DeadlineHeap<MetadataLookup>()
    private var waitingLookups: [RequestToken: MetadataLookup] = [:]
    /// Of requests that were refused as a whole.
    var pace: RetryPace
    /// While an attempt to connect is under way, the next begins then.
    var nextNodeAt = Instant.zero
    /// No broker and no bootstrap node answered: what the last of them said. Until the next round
    /// may begin everybody gets this for an answer.
    var outage: KafkaFailure?
    var outageUntil = Instant.zero
    /// The attempts since the last answer that failed, for the choice of what to tell.
    var roundFailure: KafkaFailure?
    var nextBroker = 0
    /// A broker has described the cluster once.
    var hasAnswered = false
    /// Answered, and knew nothing of the cluster.
    var unhelpful: Broker?
    /// Questions without an answer in time since the last answer.
    var lateQuestions = 0
    /// Each node gets one attempt in a round.
    var tried: Set<ObjectIdentifier> = []

    init(_ cluster: Cluster) {
        self.cluster = cluster
        pace = RetryPace(
            initialMilliseconds: KafkaLimits.firstRetryMilliseconds,
            maximumMilliseconds: cluster.settings.retryBackoffMaxMilliseconds)
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

    /// Why a partition did not answer in time, as far as that is known. `last`: what kept whoever
    /// waited for it last.
    func reason(_ name: String, _ index: Int32, _ last: KafkaFailure?) -> KafkaFailure {
        let what = "\(name)-\(index)"
        let partition = topics[name]?.partitions[index]
        if let partition, partition.leader == nil {
            return .noLeader(cause: "\(what): \(partition.leaderless)")
        }
        // A leader that cannot be reached at all is the reason, if nothing else was told.
        return last ?? partition?.leader?.lastFailure ?? topics[name]?.trouble
            ?? .timeout(cause: "\(what): no answer in time")
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
        deadlines.insert(lookup, at: lookup.deadline)
        if deadlines.count > 2 * waitingLookups.count + 1_024 {
            deadlines.removeAll(where: \.isDone)
        }
    }

    func cancel(_ token: RequestToken) -> Bool {
        guard let lookup = waitingLookups.removeValue(forKey: token) else { return false }
        lookup.isDone = true
        lookups.remove(lookup)
        return true
    }

    var wantedFrom: Instant? {
        lookups.isEmpty ? order.compactMap(\.wantedFrom).min() : .zero
    }

    // MARK: Time

    var nextDeadline: Instant {
        var earliest = deadlines.earliest ?? .distantFuture
        guard question == nil, let wantedFrom else { return earliest }
        let next = max(pace.retryAt ?? .zero, outageUntil, wantedFrom)
        if next > cluster.now { earliest = min(earliest, next) }
        if nextNodeAt > cluster.now { earliest = min(earliest, nextNodeAt) }
        for node in cluster.links.brokers + cluster.links.bootstrap {
            if let retryAt = node.pace.retryAt, retryAt > cluster.now {
                earliest = min(earliest, retryAt)
            }
        }
        return earliest
    }

    func tick() {
        while let (_, lookup) = deadlines.popFirst(notAfter: cluster.now) {
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
        for topic in forgotten {
            topics[topic.name] = nil
            order.remove(topic)
            release(topic)
        }
    }

    func finish(_ lookup: MetadataLookup, _ result: Result<[TopicDescription], KafkaFailure>) {
        guard !lookup.isDone else { return }
        lookup.isDone = true
        waitingLookups[lookup.token] = nil
        lookups.remove(lookup)
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
            release(topic)
        }
        topics = [:]
        order = []
    }

    /// Topic, partitions and brokers know each other, and would keep each other for ever.
    private func release(_ topic: Topic) {
        for index in topic.indexes {
            if let partition = topic.partitions[index] { cluster.setLeader(partition, nil) }
        }
        topic.partitions = [:]
        topic.indexes = []
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
        !demands.isEmpty || sentDemands > 0 || lookups != nil
            || Isolation.allCases.contains { !(follow($0)?.waiters.isEmpty ?? true) }
    }
}
