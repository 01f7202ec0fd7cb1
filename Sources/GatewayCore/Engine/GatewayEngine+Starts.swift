import KafkaCore
import PubSubProtocol
import Timing

/// What a client is told of the partitions that it follows: where each begins, which wait, and
/// which are no longer read.
extension GatewayEngine {
    /// Tells what there is to tell, unless look-ups in flight are about to make it whole.
    func tellNews(_ session: Session, _ subscription: LiveSubscription) {
        guard session.desk?.subscriptions[subscription.sequence] === subscription else { return }
        guard subscription.mayTell(now: now) else { return schedule(session) }
        if subscription.gathersUntil != .zero { admitSearches(session, subscription) }
        if subscription.command != nil, subscription.isWithoutHope,
            let loss = subscription.firstFailure
        {
            return end(session, subscription, loss)
        }
        tell(session, subscription)
        guard !subscription.isOver else { return endOver(session, subscription) }
        pump(session, subscription)
        schedule(session)
    }

    /// Partitions whose place is not known yet: they wait, and the others begin.
    private func admitSearches(_ session: Session, _ subscription: LiveSubscription) {
        guard let cluster = session.service?.seat?.cluster else { return }
        for followed in subscription.partitions {
            guard let search = followed.search, search.toldReason == nil else { continue }
            let failure =
                search.failure ?? cluster.obstacle(topic: followed.topic, followed.partition)
            followed.admitSearch(reason: failure.map { GatewayFault($0).words($0) } ?? "")
            subscription.note(followed)
        }
    }

    private func tell(_ session: Session, _ subscription: LiveSubscription) {
        let (starts, losses) = subscription.takeNews()
        if let command = subscription.command {
            subscription.command = nil
            complete(session, command, nil, .subscribed(starts))
        } else if !starts.isEmpty {
            sendReply(session, subscription.sequence, .subscribed(starts))
        }
        for loss in losses {
            sendReply(
                session, subscription.sequence,
                .partitionFailed(
                    topic: loss.topic, partition: loss.partition, Self.subscribeError(loss)))
        }
    }

    /// The last partition takes its subscription along.
    private func endOver(_ session: Session, _ subscription: LiveSubscription) {
        remove(session, subscription)
        if let loss = subscription.lastLoss {
            sendReply(session, subscription.sequence, .error(Self.subscribeError(loss)))
        }
        settle(session)
    }

    /// One partition cannot be read any more; the others go on.
    func drop(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ failure: KafkaFailure
    ) {
        logDrop(session, subscription, failure)
        subscription.drop(followed, failure)
    }

    func logDrop(
        _ session: Session, _ subscription: LiveSubscription, _ failure: KafkaFailure
    ) {
        log(.info, session, "subscription \(subscription.sequence): \(failure.cause)")
    }

    /// Ends a subscription of which nothing can be begun.
    private func end(
        _ session: Session, _ subscription: LiveSubscription, _ loss: LiveSubscription.Loss
    ) {
        guard let command = subscription.command else { return }
        subscription.command = nil
        remove(session, subscription)
        fail(session, command, loss.failure) { Self.subscribeFailed(loss, $0) }
    }

    static func subscribeError(_ loss: LiveSubscription.Loss) -> ErrorReply {
        let fault = GatewayFault(loss.failure)
        return errorReply(
            loss.failure, fault, subscribeFailed(loss, fault.words(loss.failure)))
    }

    private static func subscribeFailed(
        _ loss: LiveSubscription.Loss, _ error: String
    ) -> String {
        let place =
            loss.partition == LiveSubscription.wholeTopic ? "" : ", partition: \(loss.partition)"
        return "failed to subscribe, topic: \(loss.topic)\(place), err: \(error)"
    }
}
