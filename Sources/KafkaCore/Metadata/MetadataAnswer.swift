import KafkaProtocol
import Timing

/// What a metadata response changes, topic by topic.
struct MetadataAnswer {
    private let keeper: MetadataKeeper
    private let router: any MetadataRouter

    /// Java, franz-go and librdkafka merge alike: an older leader epoch than known is a slow
    /// broker's view, unless it stays (the topic was re-created in a cluster without topic ids).
    static let rewindsMax = 5
    /// A known topic that a broker does not know may just not have reached it.
    static let disappearancesMax = 5

    init(_ keeper: MetadataKeeper) {
        self.keeper = keeper
        router = keeper.router
    }

    /// Brokers with an address that can be dialled.
    static func brokers(_ response: MetadataResponse) -> [(nodeID: Int32, endpoint: Endpoint)] {
        response.brokers.compactMap { broker in
            guard broker.nodeID >= 0, let endpoint = Endpoint(told: broker.host, port: broker.port)
            else { return nil }
            return (broker.nodeID, endpoint)
        }
    }

    /// One of the topics that the answer tells of. Of one that is told twice the first counts.
    func apply(_ answer: MetadataResponse.Topic, to question: MetadataQuestion) {
        guard let name = answer.name, let topic = keeper.present(name) else { return }
        // What was read under a right that is gone must not be served any more, whoever asked.
        if KafkaError(answer.errorCode).isRefusal, case .known = topic.state {
            router.topicIsVoid(topic)
        }
        guard question.noteAnswer(topic) else { return }
        topic.askedAt = question.askedAt
        apply(answer, to: topic)
    }

    /// A topic that was asked for, behind all that the answer tells of.
    func drop(_ topic: Topic, askedBy question: MetadataQuestion) {
        guard keeper.knows(topic), question.noteAnswer(topic) else { return }
        topic.askedAt = question.askedAt
        disappeared(topic)
    }

    private func apply(_ answer: MetadataResponse.Topic, to topic: Topic) {
        let error = KafkaError(answer.errorCode)
        switch error {
        case .none: known(answer, topic)
        case .unknownTopicOrPartition, .unknownTopicId: disappeared(topic)
        case .topicAuthorizationFailed:
            fail(topic, .notAuthorized(cause: "\(topic.name): \(error.name)"))
        case .invalidTopicException:
            fail(topic, .unknownTopic(cause: "\(topic.name): \(error.name)"))
        default: unclear(topic, error)
        }
    }

    /// Retriable errors of the topic as a whole (LEADER_NOT_AVAILABLE): ask again.
    private func unclear(_ topic: Topic, _ error: KafkaError) {
        topic.fruitlessAnswers += 1
        let failure = KafkaFailure.kafka(error.rawValue, cause: topic.name)
        topic.trouble = failure
        guard error.isRetriable else { return fail(topic, failure) }
        if router.isInUse(topic) { keeper.wantAgain(topic) }
    }

    private func disappeared(_ topic: Topic) {
        topic.fruitlessAnswers += 1
        topic.disappearances += 1
        if case .known = topic.state, topic.disappearances < Self.disappearancesMax,
            router.isInUse(topic)
        {
            return keeper.wantAgain(topic)
        }
        router.topicIsVoid(topic)
        fail(topic, .unknownTopic(cause: "\(topic.name): UNKNOWN_TOPIC_OR_PARTITION"))
    }

    private func fail(_ topic: Topic, _ failure: KafkaFailure) {
        topic.state = .failed(failure)
        topic.wantedFrom = nil
        // Takes back what is in flight, so that it fails with the others.
        for partition in topic.orderedPartitions { keeper.setLeader(partition, nil) }
        router.topicFailed(topic, failure)
    }

    // MARK: A topic that exists

    private func known(_ answer: MetadataResponse.Topic, _ topic: Topic) {
        let isOther = topic.id != .zero && answer.topicID != .zero && topic.id != answer.topicID
        topic.disappearances = 0
        topic.trouble = nil
        topic.isInternal = answer.isInternal
        if answer.topicID != .zero { topic.id = answer.topicID }
        let old = isOther ? topic.partitions : [:]
        if isOther { topic.partitions = [:] }
        let isComplete = merge(answer, into: topic, isOther: isOther)
        topic.indexes = topic.partitions.keys.sorted()
        topic.state = .known
        for index in old.keys.sorted() {
            if let partition = old[index] { abandon(partition) }
        }
        topic.fruitlessAnswers = isComplete ? 0 : topic.fruitlessAnswers + 1
        router.topicIsKnown(topic)
        if !isComplete, router.isInUse(topic) { keeper.wantAgain(topic) }
    }

    /// Whether every partition in use has a leader that can be asked.
    private func merge(
        _ answer: MetadataResponse.Topic, into topic: Topic, isOther: Bool
    ) -> Bool {
        var isComplete = true
        var hasRewound = false
        var seen: Set<Int32> = []
        let hasID = answer.topicID != .zero
        for answer in answer.partitions where answer.partitionIndex >= 0 {
            guard seen.insert(answer.partitionIndex).inserted else { continue }
            let partition = partition(answer.partitionIndex, of: topic)
            if answer.leaderEpoch >= 0, answer.leaderEpoch < partition.leaderEpoch, !isOther,
                !mayRewind(partition, hasID)
            {
                hasRewound = true
                if partition.leader == nil && router.isInUse(partition) { isComplete = false }
                continue
            }
            partition.isHinted = false
            // A leader without an entry among the brokers is no leader (KAFKA-9261).
            let leader = answer.leaderID >= 0 ? keeper.links.broker(answer.leaderID) : nil
            keeper.setLeader(partition, leader, epoch: answer.leaderEpoch)
            if leader == nil { partition.leaderless = Self.leaderless(answer) }
            if leader == nil && router.isInUse(partition) { isComplete = false }
        }
        topic.rewinds = hasRewound ? topic.rewinds + 1 : 0
        for index in topic.indexes where !seen.contains(index) {
            guard let gone = topic.partitions.removeValue(forKey: index) else { continue }
            abandon(gone)
        }
        return isComplete && !hasRewound
    }

    /// Under one topic id epochs never go back: whoever says so has been away. But a hint may have
    /// been wrong.
    private func mayRewind(_ partition: Partition, _ hasID: Bool) -> Bool {
        partition.topic.rewinds >= Self.rewindsMax && (!hasID || partition.isHinted)
    }

    private static func leaderless(_ answer: MetadataResponse.Partition) -> String {
        if answer.leaderID >= 0 { return "its leader \(answer.leaderID) is not among the brokers" }
        return answer.errorCode == 0 ? "no leader" : KafkaError(answer.errorCode).name
    }

    private func partition(_ index: Int32, of topic: Topic) -> Partition {
        if let known = topic.partitions[index] { return known }
        let partition = Partition(topic, index)
        topic.partitions[index] = partition
        return partition
    }

    /// It does not exist any more.
    private func abandon(_ partition: Partition) {
        // First: what is cached of it must not be served any more, whoever leads what.
        router.partitionIsGone(partition)
        keeper.setLeader(partition, nil)
    }
}
