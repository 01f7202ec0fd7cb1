import KafkaCore
import PubSubProtocol
import Timing

/// Which partitions a subscription has, and where each of them begins.
extension GatewayEngine {
    /// Looks up where the partition begins, unless its client has said so.
    func locate(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition
    ) {
        switch followed.start {
        // What `PartitionStart` tells of a partition whose place is not known yet.
        case .latest, .offset(-1): lookUp(session, subscription, followed, timestamp: -1)
        case .earliest, .offset(-2): lookUp(session, subscription, followed, timestamp: -2)
        case .timestamp(let timestamp):
            lookUp(session, subscription, followed, timestamp: timestamp)
        case .offset(let offset):
            followed.found(offset, atEnd: false)
            subscription.note(followed)
        }
    }

    private func lookUp(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        timestamp: Int64
    ) {
        guard let seat = session.service?.seat else { return }
        let token = RequestToken(raw: nextNumber())
        subscription.lookUps.insert(token)
        followed.searches(token)
        requests[token] = .start(session, subscription, followed, timestamp: timestamp)
        call(seat) {
            $0.listOffset(
                token, topic: followed.topic, partition: followed.partition,
                timestamp: timestamp, isolation: subscription.isolation, now: now, &$1)
        }
    }

    func located(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ timestamp: Int64, _ result: Result<ListedOffset, KafkaFailure>
    ) {
        switch result {
        case .failure(let failure): searchFailed(session, subscription, followed, failure)
        case .success(let listed) where listed.offset >= 0:
            followed.found(listed.offset, atEnd: timestamp == -1)
            noteLog(session, followed)
            subscription.note(followed)
        case .success where timestamp >= 0:
            // No record is as late as that: what comes from now on is.
            lookUp(session, subscription, followed, timestamp: -1)
        case .success: searchFailed(session, subscription, followed, .noEnd)
        }
        tellNews(session, subscription)
    }

    /// From now on another log of the partition is told from this one.
    func noteLog(_ session: Session, _ followed: FollowedPartition) {
        guard followed.log == nil, let cluster = session.service?.seat?.cluster else { return }
        followed.reads(in: cluster.log(of: followed.topic, followed.partition))
    }

    private func searchFailed(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ failure: KafkaFailure
    ) {
        guard failure.isRetriable else {
            return drop(session, subscription, followed, failure)
        }
        followed.searchFailed(failure, now: now, &random)
        subscription.noteFailure(
            .init(topic: followed.topic, partition: followed.partition, failure: failure))
        subscription.note(followed)
    }

    /// A deadline of the subscription may be due.
    func look(after subscription: LiveSubscription, of session: Session) {
        subscription.isAsking = true
        for followed in subscription.takeDue(now: now) {
            if followed.search != nil {
                locate(session, subscription, followed)
            } else {
                followed.admitStall(now: now)
            }
            subscription.note(followed)
        }
        if subscription.refreshesAt <= now {
            let age = refreshMilliseconds(session)
            findPartitions(session, subscription, notOlderThan: age)
        }
        subscription.isAsking = false
        tellNews(session, subscription)
    }

    // MARK: Whole topics

    /// Asks which partitions the topics have that are followed as a whole.
    /// `age`: what is known already need not be younger, in milliseconds.
    func findPartitions(
        _ session: Session, _ subscription: LiveSubscription, notOlderThan age: Int64 = 0
    ) {
        let topics = subscription.wholeTopics.filter { !$0.isDropped }.map(\.topic)
        subscription.refreshesAt = .distantFuture
        guard !topics.isEmpty, let seat = session.service?.seat else { return }
        let token = RequestToken(raw: nextNumber())
        subscription.lookUps.insert(token)
        requests[token] = .partitions(session, subscription)
        call(seat) { $0.metadata(token, topics: topics, notOlderThan: age, now: now, &$1) }
    }

    func partitionsFound(
        _ session: Session, _ subscription: LiveSubscription,
        _ result: Result<[TopicDescription], KafkaFailure>
    ) {
        let following = subscription.wholeTopics.filter { !$0.isDropped }
        subscription.isAsking = true
        switch result {
        case .failure(let failure):
            for whole in following { metadataFailed(session, subscription, whole, failure) }
        case .success(let topics):
            for whole in following {
                guard let topic = topics.first(where: { $0.name == whole.topic }) else { continue }
                takeOver(session, subscription, whole, topic)
            }
        }
        setRefresh(session, subscription)
        subscription.isAsking = false
        tellNews(session, subscription)
    }

    /// Half of the age that what is known of its topics may have: all subscriptions look so often,
    /// and one of them asks.
    private func refreshMilliseconds(_ session: Session) -> Int64 {
        let age = session.service?.seat?.cluster.followedTopicAgeMilliseconds
        return (age ?? settings.kafka.followedTopicAgeMilliseconds) / 2
    }

    private func setRefresh(_ session: Session, _ subscription: LiveSubscription) {
        let isUnknown = subscription.wholeTopics.contains(where: \.isUnknown)
        let wait =
            isUnknown ? subscription.refreshBackoff.next(&random) : refreshMilliseconds(session)
        subscription.refreshesAt = now.adding(milliseconds: wait)
    }

    /// What is followed already goes on meanwhile: its own reads tell how it is.
    private func metadataFailed(
        _ session: Session, _ subscription: LiveSubscription, _ whole: WholeTopic,
        _ failure: KafkaFailure
    ) {
        if failure.isRetriable {
            guard whole.isUnknown else { return }
            whole.state = .unknown(failure)
            subscription.noteFailure(
                .init(
                    topic: whole.topic, partition: LiveSubscription.wholeTopic, failure: failure))
        } else if whole.isUnknown || !subscription.follows(whole.topic) {
            logDrop(session, subscription, failure)
            subscription.drop(whole, failure)
        }
    }

    private func takeOver(
        _ session: Session, _ subscription: LiveSubscription, _ whole: WholeTopic,
        _ topic: TopicDescription
    ) {
        if let failure = topic.failure {
            return metadataFailed(session, subscription, whole, failure)
        }
        // What was dropped is known, too.
        let known = Set(
            subscription.partitions.lazy.filter { $0.topic == topic.name }.map(\.partition))
        let fresh = topic.partitions.filter { !known.contains($0.index) }
        let max = session.limits.subscriptions
        guard (session.desk?.followedCount ?? 0) + fresh.count <= max else {
            counts.limitHits["subscriptions", default: 0] += 1
            let text = "limits.subscriptions: at most \(max) partitions"
            return metadataFailed(
                session, subscription, whole, KafkaFailure(kind: .limit, text: text, cause: text))
        }
        let start = whole.startOfNew
        whole.state = .known
        if !fresh.isEmpty { subscription.gather(now: now) }
        for partition in fresh {
            let followed = subscription.add(
                topic.name, partition.index, start, isOfWholeTopic: true)
            locate(session, subscription, followed)
        }
    }
}

extension KafkaFailure {
    /// -1 where the protocol has an end of the log.
    fileprivate static let noEnd = KafkaFailure(
        kind: .kafka, code: -1, text: "UNKNOWN_SERVER_ERROR",
        cause: "the broker does not tell where the log begins or ends", isRetriable: true)
}
