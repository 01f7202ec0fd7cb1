import KafkaCore
import PubSubProtocol
import Timing

/// Live subscriptions: a follower stands at the end of each partition, and what it is told is
/// pushed to the client. Credit and position are the follower's.
extension GatewayEngine {
    /// Puts up the followers that are missing, and lets those that rest go on, where there is room
    /// and credit.
    func pump(_ session: Session) {
        guard let desk = session.desk, !desk.subscriptions.isEmpty else { return }
        for subscription in desk.subscriptionsInOrder { pump(session, subscription) }
    }

    func pump(_ session: Session, _ subscription: LiveSubscription) {
        for followed in subscription.partitions { goOn(session, subscription, followed) }
    }

    private func goOn(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition
    ) {
        guard followed.news == nil, subscription.isRunning,
            let cluster = session.service?.seat?.cluster
        else { return }
        switch followed.life {
        case .searching, .dropped: return
        case .located, .followed: break
        }
        guard hasRoom(session) else { return session.pumpsWhenDrained = true }
        if case .located = followed.life { follow(session, subscription, followed, cluster) }
        if let follower = followed.follower { cluster.goOn(follower) }
    }

    private func follow(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ cluster: Cluster
    ) {
        noteLog(session, followed)
        let tag = followers.add(.session(session, subscription, followed))
        let request = FollowRequest(
            topic: followed.topic, partition: followed.partition, offset: followed.nextOffset,
            maxBytes: subscription.maxBytes, isolation: subscription.isolation, log: followed.log)
        followed.follows(cluster.follow(request, tag: tag, credit: subscription.credit))
    }

    /// A peer that does not read gets nothing pushed: its place in the log waits, and no memory.
    private func hasRoom(_ session: Session) -> Bool {
        session.phase == .open && !session.isBlocked
            && session.output.unsentBytes <= session.unsentMax
    }

    /// A subscription may not push: Kafka is not read for it.
    private func quiet(_ session: Session, _ subscription: LiveSubscription) {
        let cluster = session.service?.seat?.cluster
        for followed in subscription.partitions {
            guard let follower = followed.follower else { continue }
            cluster?.rest(follower)
            followed.isHeldUp()
        }
    }

    // MARK: What followers are told

    func told(_ tag: FollowerTag, _ records: FollowedRecords) {
        switch followers[tag] {
        case .session(let session, let subscription, let followed):
            if !session.hasLeft { told(session, subscription, followed, records) }
        case .direct(let request): told(request, records.slice)
        case nil: return
        }
    }

    private func told(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ records: FollowedRecords
    ) {
        guard let follower = followed.follower, let cluster = session.service?.seat?.cluster else {
            return
        }
        if followed.stall != nil { goesOn(session, subscription, followed) }
        // Without room it stays where it was; the records are read again later.
        guard session.phase == .open, hasRoom(session), !subscription.isPaused else {
            cluster.giveBack(follower, records.slice)
            session.pumpsWhenDrained = true
            return
        }
        push(session, subscription, followed, records)
        guard subscription.credit.isOpen else { return quiet(session, subscription) }
        if !hasRoom(session) {
            cluster.rest(follower)
            session.pumpsWhenDrained = true
        } else if follower.isResting {
            cluster.goOn(follower)
        }
    }

    func passed(_ tag: FollowerTag, _ position: PartitionPosition) {
        switch followers[tag] {
        case .session(let session, let subscription, let followed):
            guard !session.hasLeft else { return }
            goesOn(session, subscription, followed)
            guard session.phase == .open else { return }
            if let follower = followed.follower { followed.advance(to: follower.offset) }
            noteProgress(followed, subscription.isolation, position)
            goOn(session, subscription, followed)
        case .direct(let request): pump(request)
        case nil: return
        }
    }

    /// Nothing comes of it for now.
    func stalled(_ tag: FollowerTag, _ failure: KafkaFailure) {
        guard case .session(let session, let subscription, let followed) = followers[tag],
            !session.hasLeft
        else { return }
        followed.stalls(failure, now: now)
        subscription.note(followed)
        schedule(session)
    }

    func resumed(_ tag: FollowerTag) {
        guard case .session(let session, let subscription, let followed) = followers[tag],
            !session.hasLeft
        else { return }
        goesOn(session, subscription, followed)
    }

    /// The partition is answered for again.
    private func goesOn(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition
    ) {
        followed.goesOn()
        guard followed.news != nil else { return }
        subscription.note(followed)
        tellNews(session, subscription)
    }

    func failed(_ tag: FollowerTag, _ failure: KafkaFailure) {
        let owner = followers[tag]
        followers.remove(tag)
        switch owner {
        case .session(let session, let subscription, let followed):
            failed(session, subscription, followed, failure)
        case .direct(let request): failed(request, failure)
        case nil: return
        }
    }

    private func failed(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ failure: KafkaFailure
    ) {
        followed.isLost()
        guard !session.hasLeft, session.phase == .open else { return }
        if failure.isOtherLog, followed.beginsAnew() {
            locate(session, subscription, followed)
            return tellNews(session, subscription)
        }
        guard subscription.skipsUnreadable, let next = failure.nextOffset else {
            drop(session, subscription, followed, failure)
            return tellNews(session, subscription)
        }
        skip(session, subscription, followed, to: next, failure)
        goOn(session, subscription, followed)
    }

    private func push(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ records: FollowedRecords
    ) {
        followed.advance(to: records.slice.nextOffset)
        noteLag(followed, records)
        noteProgress(followed, subscription.isolation, records.slice.position)
        sendPush(session, subscription.sequence, followed, records)
    }

    /// Goes on behind records that cannot be read. Those in front of them have been pushed.
    private func skip(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        to next: Int64, _ failure: KafkaFailure
    ) {
        let offset = followed.nextOffset
        followed.advance(to: next)
        log(
            .warning, session,
            "subscription \(subscription.sequence): goes on at offset \(next): \(failure.cause)")
        let loss = LiveSubscription.Loss(
            topic: followed.topic, partition: followed.partition, failure: failure)
        sendReply(
            session, subscription.sequence,
            .skipped(
                SkippedRecords(
                    topic: followed.topic, partition: followed.partition, offset: offset,
                    nextOffset: next, error: Self.subscribeError(loss))))
    }

    // MARK: Commands

    func unsubscribe(
        _ session: Session, _ sequence: Int64, _ command: UnsubscribeCommand
    ) {
        guard let subscription = find(session, sequence, .unsubscribe, command.subscription)
        else { return }
        remove(session, subscription)
        answer(
            session, sequence, .unsubscribe, nil, isOrdered: false,
            .unsubscribed(subscription: command.subscription))
        settle(session)
    }

    func grant(_ session: Session, _ sequence: Int64, _ command: GrantCommand) {
        guard let subscription = find(session, sequence, .grant, command.subscription)
        else { return }
        subscription.credit.grant(records: command.messages, bytes: command.bytes)
        answer(
            session, sequence, .grant, nil, isOrdered: false,
            .granted(
                subscription: command.subscription, messages: subscription.credit.records,
                bytes: subscription.credit.bytes))
        pump(session, subscription)
    }

    func pause(_ session: Session, _ sequence: Int64, _ command: PauseCommand) {
        guard let subscription = find(session, sequence, .pause, command.subscription)
        else { return }
        subscription.isPaused = !command.resume
        if subscription.isPaused { quiet(session, subscription) }
        answer(
            session, sequence, .pause, nil, isOrdered: false,
            .paused(subscription: command.subscription, paused: subscription.isPaused))
        pump(session, subscription)
    }

    private func find(
        _ session: Session, _ sequence: Int64, _ kind: CommandKind, _ name: Int64
    ) -> LiveSubscription? {
        if let subscription = session.desk?.subscriptions[name] { return subscription }
        answer(
            session, sequence, kind, .notFound, isOrdered: false,
            error: "no subscription has the sequence \(name)")
        return nil
    }

    // MARK: Ends

    /// Forgets a subscription and everything that it waits for.
    func remove(_ session: Session, _ subscription: LiveSubscription) {
        for followed in subscription.partitions {
            detach(session, followed)
            followed.end()
        }
        for token in subscription.lookUps {
            requests[token] = nil
            session.service?.seat?.cluster.cancel(token)
        }
        subscription.lookUps = []
        session.desk?.subscriptions[subscription.sequence] = nil
        if let command = subscription.command {
            subscription.command = nil
            session.desk?.free[command.number] = nil
        }
    }

    private func detach(_ session: Session, _ followed: FollowedPartition) {
        guard let follower = followed.follower else { return }
        followers.remove(follower.tag)
        session.service?.seat?.cluster.detach(follower)
    }
}
