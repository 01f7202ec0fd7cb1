import KafkaCore
import PubSubProtocol
import Timing

/// CmdSubscribe.
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
            isolation: Self.isolation(subscribe.isolation, service.route.policy.isolation),
            maxBytes: min(asked, LiveSubscription.pushBytesMax),
            skipsUnreadable: subscribe.skipUnreadable,
            creditMessages: subscribe.creditMessages, creditBytes: subscribe.creditBytes)
        subscription.command = command
        session.desk?.subscriptions[sequence] = subscription
        subscription.gather(now: now)
        for wanted in subscribe.subscriptions { follow(session, subscription, wanted) }
        findPartitions(session, subscription)
        subscription.isAsking = false
        tellNews(session, subscription)
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
        let isHidden = !sees(session, wanted.topic)
        guard !wanted.partitions.isEmpty else {
            let whole = WholeTopic(wanted.topic, wanted.start)
            subscription.add(whole)
            if isHidden { subscription.drop(whole, Self.hidden) }
            return
        }
        for partition in wanted.partitions {
            let followed = subscription.add(wanted.topic, partition, wanted.start)
            if isHidden {
                subscription.drop(followed, Self.hidden)
            } else {
                locate(session, subscription, followed)
            }
        }
    }

    private struct TopicPartition: Hashable {
        var topic: String
        var partition: Int32
    }
}
