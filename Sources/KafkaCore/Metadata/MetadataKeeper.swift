import KafkaProtocol
import Timing

/// What is known of the topics in use. One request at a time, whoever wants what; only topics that
/// somebody named; never more often than the backoff allows, so that a moved leader with ten
/// thousand readers costs a few requests.
final class MetadataKeeper: ClusterService {
    let context: ClusterContext
    let links: Links
    unowned(unsafe) let router: any MetadataRouter
    private var table = TopicTable()
    var wishes = TopicWishes()
    var question: MetadataQuestion?
    /// Long answers that are read and applied in pieces, in the order of their coming.
    var answers: [MetadataInWork] = []
    var lookups = MetadataLookups()
    /// Of requests that were refused as a whole.
    var pace: RetryPace
    /// While an attempt to connect is under way, the next begins then.
    var nextNodeAt = Instant.zero
    /// No broker and no bootstrap node answered: what the last of them said. Until the next round
    /// may begin everybody gets this for an answer.
    var outage: KafkaFailure?
    var outageUntil = Instant.zero
    /// As the log knows it.
    var outageTrouble = Trouble()
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
    /// So many topics are looked at for the room of one more.
    private var roomAttempts = MetadataKeeper.roomAttemptsMax

    init(_ context: ClusterContext, links: Links, router: any MetadataRouter) {
        self.context = context
        self.links = links
        self.router = router
        pace = RetryPace(
            initialMilliseconds: KafkaLimits.firstRetryMilliseconds,
            maximumMilliseconds: context.settings.retryBackoffMaxMilliseconds)
    }

    // MARK: Wishes

    /// The topic of that name, known or not.
    func topic(_ name: String) -> Topic {
        if let topic = table[name] {
            topic.lastUsed = context.now
            return topic
        }
        makeRoom()
        let topic = Topic(name, now: context.now)
        let patience = context.limits.unknownTopicMilliseconds
        table.insert(topic, lookAt: context.now.adding(milliseconds: patience))
        return topic
    }

    /// In the order in which they were named.
    var topics: [Topic] { table.all }

    var topicCount: Int { table.count }

    /// False: it was forgotten meanwhile.
    func knows(_ topic: Topic) -> Bool { table.contains(topic) }

    /// The topic of that name, if it was named before.
    func present(_ name: String) -> Topic? { table[name] }

    /// The topic of that name if its partitions are known.
    func knownTopic(_ name: String) -> Topic? {
        guard let topic = table[name], case .known = topic.state else { return nil }
        topic.lastUsed = context.now
        return topic
    }

    /// Why a partition did not answer in time, as far as that is known. `last`: what kept whoever
    /// waited for it last.
    func reason(_ name: String, _ index: Int32, _ last: KafkaFailure?) -> KafkaFailure {
        let what = "\(name)-\(index)"
        let partition = table[name]?.partitions[index]
        if let partition, partition.leader == nil {
            return .noLeader(cause: "\(what): \(partition.leaderless)")
        }
        // A leader that cannot be reached at all is the reason, if nothing else was told.
        return last ?? partition?.leader?.throttle(now: context.now)
            ?? partition?.leader?.lastFailure ?? table[name]?.trouble
            ?? .timeout(cause: "\(what): no answer in time")
    }

    /// nil: of one of them nothing is known, or nothing that is young enough.
    func described(_ names: [String], notOlderThan age: Int64) -> [TopicDescription]? {
        var descriptions: [TopicDescription] = []
        for name in names {
            guard let topic = knownTopic(name), let askedAt = topic.askedAt,
                askedAt.adding(milliseconds: age) > context.now
            else { return nil }
            descriptions.append(topic.description)
        }
        return descriptions
    }

    /// The next request asks for it.
    func want(_ topic: Topic) { wishes.insert(topic, from: context.now) }

    /// What is known of it did not help: ask again, but not more often than its backoff allows.
    func wantAgain(_ topic: Topic) {
        guard topic.wantedFrom == nil else { return }
        guard let askedAt = topic.askedAt else { return want(topic) }
        var wait = context.limits.metadataMinAgeMilliseconds
        for _ in 0..<min(topic.fruitlessAnswers, 16) { wait *= 2 }
        wait = min(wait, max(1, context.settings.retryBackoffMaxMilliseconds))
        wishes.insert(topic, from: max(context.now, askedAt.adding(milliseconds: wait)))
    }

    /// The failure that everybody gets while nothing can be reached, between two attempts.
    var currentOutage: KafkaFailure? { context.now < outageUntil ? outage : nil }

    func add(_ lookup: MetadataLookup) { lookups.insert(lookup) }

    func cancel(_ token: RequestToken) -> Bool { lookups.remove(token) != nil }

    var wantedFrom: Instant? { lookups.areUnasked ? .zero : wishes.earliest }

    func awaits(_ role: ConnectionRole, _ broker: Broker) -> Bool {
        role == .control && wantedFrom != nil
    }

    func brokerIsLate(_ broker: Broker) { doubt(broker) }

    // MARK: Time

    var nextDeadline: Instant {
        var earliest = min(lookups.nextDeadline, table.nextLook ?? .distantFuture)
        guard question == nil, let wantedFrom else { return earliest }
        let next = max(pace.retryAt ?? .zero, outageUntil, wantedFrom)
        if next > context.now { earliest = min(earliest, next) }
        // `Links` knows when one that failed may be tried again.
        if nextNodeAt > context.now { earliest = min(earliest, nextNodeAt) }
        return earliest
    }

    func tick() {
        while let lookup = lookups.nextOverdue(at: context.now) {
            let reason = roundFailure ?? links.controlThrottle
            finish(lookup, .failure(reason ?? .timeout(cause: "metadata")))
        }
        for _ in 0..<Self.looksMax {
            guard let topic = table.next(notAfter: context.now) else { break }
            look(after: topic)
        }
    }

    func finish(_ lookup: MetadataLookup, _ result: Result<[TopicDescription], KafkaFailure>) {
        guard lookups.remove(lookup.token) != nil else { return }
        context.emit(.metadataFinished(lookup.token, result))
    }

    func failEverything(_ failure: KafkaFailure) {
        answers = []
        for lookup in lookups.waiting { finish(lookup, .failure(failure)) }
    }
}

// How long topics are kept.
extension MetadataKeeper {
    /// What is old of a topic in use is asked for again; a topic that nobody uses is forgotten,
    /// soon where the cluster does not know it.
    private func look(after topic: Topic) {
        let age = max(1, context.settings.metadataMaxAgeMilliseconds)
        let (patience, now) = (context.limits.unknownTopicMilliseconds, context.now)
        let isKnown = if case .known = topic.state { true } else { false }
        if isKnown, let askedAt = topic.askedAt, askedAt.adding(milliseconds: age) > now {
            return table.schedule(topic, at: askedAt.adding(milliseconds: age))
        }
        let keptUntil = topic.lastUsed.adding(milliseconds: isKnown ? age : min(age, patience))
        guard router.isInUse(topic) || keptUntil > now else { return forget(topic) }
        if isKnown { want(topic) }
        table.schedule(topic, at: now.adding(milliseconds: isKnown ? age : patience))
    }

    /// Names are for clients to choose: the topic that was looked at longest ago makes room for
    /// one more. Where all are in use, what uses them is bounded.
    private func makeRoom() {
        var isCrowded = false
        for _ in 0..<roomAttempts {
            guard table.count >= context.limits.topicsMax,
                let topic = table.next(notAfter: .distantFuture)
            else { return }
            guard router.isInUse(topic) else {
                roomAttempts = Self.roomAttemptsMax
                forget(topic)
                continue
            }
            let patience = context.limits.unknownTopicMilliseconds
            table.schedule(topic, at: context.now.adding(milliseconds: patience))
            isCrowded = true
        }
        if isCrowded { roomAttempts = max(1, roomAttempts - 1) }
    }

    /// Topics looked at in search of one that is not in use; the next new name goes on, with fewer
    /// where all were.
    private static let roomAttemptsMax = 8
    /// Topics looked at in one tick. Clients may have named thousands at one moment; the others'
    /// moment has passed, so that the next turn goes on.
    private static let looksMax = 256

    private func forget(_ topic: Topic) {
        table.remove(topic)
        topic.wantedFrom = nil
        release(topic)
    }

    /// Forgets everything.
    func purge() {
        for topic in topics {
            router.topicIsVoid(topic)
            release(topic)
        }
        table.removeAll()
        wishes.removeAll()
    }

    /// Topic, partitions and brokers know each other, and would keep each other for ever.
    private func release(_ topic: Topic) {
        for partition in topic.orderedPartitions {
            setLeader(partition, nil)
            router.partitionIsForgotten(partition)
        }
        topic.partitions = [:]
        topic.indexes = []
    }
}

extension Topic {
    var description: TopicDescription {
        let told = indexes.compactMap { partitions[$0] }.map {
            PartitionDescription(
                index: $0.index, leader: $0.leader?.nodeID ?? -1, leaderEpoch: $0.leaderEpoch)
        }
        return TopicDescription(name: name, isInternal: isInternal, partitions: told)
    }
}
