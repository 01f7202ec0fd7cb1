import KafkaCore
import PubSubProtocol
import Timing

/// The start of subscriptions: which partitions, from where.
extension GatewayEngine {
    func subscribe(_ session: Session, _ sequence: Int64, _ subscribe: SubscribeCommand) {
        if let error = invalid(session, sequence, subscribe) {
            let fault: GatewayFault = error.code == .limit ? .limit : .malformed
            return answer(session, sequence, .subscribe, fault, isOrdered: false, .error(error))
        }
        let command = begin(session, sequence, .subscribe, isOrdered: false)
        guard let service = session.service else { return }
        let asked = subscribe.maxBytes > 0 ? Int(subscribe.maxBytes) : .max
        let subscription = LiveSubscription(
            sequence: sequence,
            isolation: Self.isolation(subscribe.isolation, service.route.policy),
            maxBytes: min(asked, LiveSubscription.pushBytesMax),
            creditMessages: subscribe.creditMessages, creditBytes: subscribe.creditBytes)
        subscription.command = command
        session.desk?.subscriptions[sequence] = subscription
        if let hidden = subscribe.subscriptions.first(where: { !sees(session, $0.topic) }) {
            return end(session, subscription, Self.hidden, topic: hidden.topic, partition: 0)
        }
        for wanted in subscribe.subscriptions { follow(session, subscription, wanted) }
        findPartitions(session, subscription)
        startIfReady(session, subscription)
    }

    /// What is wrong with the command by itself.
    private func invalid(
        _ session: Session, _ sequence: Int64, _ subscribe: SubscribeCommand
    ) -> ErrorReply? {
        func malformed(_ text: String) -> ErrorReply {
            ErrorReply(.malformed, "cmd_subscribe.\(text)")
        }
        if subscribe.subscriptions.isEmpty { return malformed("subscriptions: at least one") }
        if session.desk?.subscriptions[sequence] != nil {
            return ErrorReply(
                .malformed, "sequence: \(sequence) is the name of a live subscription")
        }
        var seen: Set<TopicPartition> = []
        for (index, wanted) in subscribe.subscriptions.enumerated() {
            let place = "subscriptions[\(index)]"
            if wanted.topic.isEmpty { return malformed("\(place).topic: is required") }
            let partitions = wanted.partitions.isEmpty ? [-1] : wanted.partitions
            for partition in partitions {
                if partition < 0, !wanted.partitions.isEmpty {
                    return malformed("\(place).partitions: must not be negative")
                }
                if !seen.insert(.init(topic: wanted.topic, partition: partition)).inserted {
                    return malformed("\(place): a partition is named twice")
                }
            }
        }
        let max = session.limits.subscriptions
        guard seen.count + (session.desk?.followedCount ?? 0) <= max else {
            counts.limitHits["subscriptions", default: 0] += 1
            return ErrorReply(.limit, "limits.subscriptions: at most \(max) partitions")
        }
        return nil
    }

    private func follow(
        _ session: Session, _ subscription: LiveSubscription,
        _ wanted: PubSubProtocol.Subscription
    ) {
        guard !wanted.partitions.isEmpty else {
            subscription.wholeTopics.append(WholeTopic(topic: wanted.topic, start: wanted.start))
            return
        }
        for partition in wanted.partitions {
            add(session, subscription, wanted.topic, partition, wanted.start)
        }
    }

    /// One partition more, from `start` on.
    private func add(
        _ session: Session, _ subscription: LiveSubscription, _ topic: String,
        _ partition: Int32, _ start: PubSubProtocol.Subscription.Start
    ) {
        let followed = FollowedPartition(topic: topic, partition: partition)
        subscription.followed.append(followed)
        switch start {
        case .offset(let offset): followed.offset = offset
        case .latest: lookUp(session, subscription, followed, timestamp: -1)
        case .earliest: lookUp(session, subscription, followed, timestamp: -2)
        case .timestamp(let timestamp):
            lookUp(session, subscription, followed, timestamp: timestamp)
        }
    }

    private func lookUp(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        timestamp: Int64
    ) {
        guard let seat = session.service?.seat else { return }
        let token = RequestToken(raw: nextNumber())
        subscription.lookUps.insert(token)
        requests[token] = .start(session, subscription, followed, timestamp: timestamp)
        call(seat) {
            $0.listOffset(
                token, topic: followed.topic, partition: followed.partition,
                timestamp: timestamp, isolation: subscription.isolation, now: now, &$1)
        }
    }

    func begins(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ timestamp: Int64, _ result: Result<ListedOffset, KafkaFailure>
    ) {
        switch result {
        case .failure(let failure):
            drop(session, subscription, followed, failure)
        case .success(let listed) where listed.offset < 0 && timestamp >= 0:
            // No record is as late as that: what comes from now on is.
            lookUp(session, subscription, followed, timestamp: -1)
        case .success(let listed):
            followed.offset = listed.offset
            followed.hasCaughtUp = timestamp == -1
        }
        startIfReady(session, subscription)
    }

    // MARK: Whole topics

    /// Asks which partitions the topics have that are followed as a whole.
    func findPartitions(_ session: Session, _ subscription: LiveSubscription) {
        guard !subscription.wholeTopics.isEmpty, let seat = session.service?.seat else { return }
        subscription.refreshesAt = .distantFuture
        let token = RequestToken(raw: nextNumber())
        subscription.lookUps.insert(token)
        requests[token] = .partitions(session, subscription)
        let topics = subscription.wholeTopics.map(\.topic)
        call(seat) { $0.metadata(token, topics: topics, now: now, &$1) }
    }

    func partitionsFound(
        _ session: Session, _ subscription: LiveSubscription,
        _ result: Result<[TopicDescription], KafkaFailure>
    ) {
        subscription.refreshesAt = now.adding(
            milliseconds: LiveSubscription.refreshMilliseconds)
        switch result {
        case .failure(let failure):
            if subscription.command != nil {
                let topic = subscription.wholeTopics.first?.topic ?? ""
                return end(session, subscription, failure, topic: topic, partition: 0)
            }
        case .success(let topics):
            for topic in topics where !takeOver(session, subscription, topic) { return }
        }
        startIfReady(session, subscription)
        schedule(session)
    }

    /// False: the subscription has ended over it.
    private func takeOver(
        _ session: Session, _ subscription: LiveSubscription, _ topic: TopicDescription
    ) -> Bool {
        guard let whole = subscription.wholeTopics.first(where: { $0.topic == topic.name }) else {
            return true
        }
        if let failure = topic.failure {
            guard subscription.command != nil else { return true }
            end(session, subscription, failure, topic: topic.name, partition: 0)
            return false
        }
        let followed = subscription.followed.lazy.filter { $0.topic == topic.name }
        let known = Set(followed.map(\.partition))
        let fresh = topic.partitions.filter { !known.contains($0.index) }
        guard (session.desk?.followedCount ?? 0) + fresh.count <= session.limits.subscriptions
        else { return overLimit(session, subscription, topic.name) }
        for partition in fresh {
            // What came into being later is read from its beginning: nothing of it was missed.
            let start = subscription.command == nil ? .earliest : whole.start
            add(session, subscription, topic.name, partition.index, start)
        }
        return true
    }

    private func overLimit(
        _ session: Session, _ subscription: LiveSubscription, _ topic: String
    ) -> Bool {
        counts.limitHits["subscriptions", default: 0] += 1
        guard subscription.command != nil else { return true }
        let text = "limits.subscriptions: at most \(session.limits.subscriptions) partitions"
        end(
            session, subscription, KafkaFailure(kind: .limit, text: text, cause: text),
            topic: topic, partition: 0)
        return false
    }

    // MARK: Start

    /// Tells where each partition begins, once all of them are known, and begins.
    private func startIfReady(_ session: Session, _ subscription: LiveSubscription) {
        guard session.desk?.subscriptions[subscription.sequence] === subscription,
            subscription.lookUps.isEmpty
        else { return }
        let fresh = subscription.followed.filter { !$0.isAnnounced }
        let starts = fresh.compactMap { followed in
            followed.offset.map {
                PartitionStart(
                    topic: followed.topic, partition: followed.partition, nextOffset: $0)
            }
        }
        for followed in fresh { followed.isAnnounced = true }
        if let command = subscription.command {
            subscription.command = nil
            complete(session, command, nil, .subscribed(starts))
        } else if !starts.isEmpty {
            sendReply(session, subscription.sequence, .subscribed(starts))
        }
        pump(session, subscription)
    }

    private struct TopicPartition: Hashable {
        var topic: String
        var partition: Int32
    }
}
