import KafkaCore
import PubSubProtocol
import Timing

/// Live subscriptions: a read waits at the end of each partition, and what it brings is pushed
/// under the client's credit.
extension GatewayEngine {
    /// Puts up the reads that are missing, where there is room and credit.
    func pump(_ session: Session) {
        guard let desk = session.desk, !desk.subscriptions.isEmpty else { return }
        for subscription in desk.subscriptionsInOrder { pump(session, subscription) }
    }

    func pump(_ session: Session, _ subscription: LiveSubscription) {
        guard hasRoom(session), subscription.isRunning, let seat = session.service?.seat
        else { return }
        for followed in subscription.followed where followed.read == nil && !followed.isOver {
            guard let offset = followed.offset, followed.isAnnounced else { continue }
            // The read before this one may have used up what there was.
            guard hasRoom(session), subscription.isRunning else { return }
            let token = ReadToken(raw: nextNumber())
            followed.read = token
            reads[token] = .push(session, subscription, followed)
            let request = ReadRequest(
                topic: followed.topic, partition: followed.partition, offset: offset,
                maxBytes: subscription.askBytes, isolation: subscription.isolation,
                waitUntil: .distantFuture)
            call(seat) { $0.read(token, request, now: now, &$1) }
        }
    }

    /// A peer that does not read gets nothing pushed: its place in the log waits, and no memory.
    private func hasRoom(_ session: Session) -> Bool {
        session.phase == .open && !session.isBlocked
            && session.output.unsentBytes <= session.unsentMax
    }

    /// Takes back the reads of a subscription that may not push: Kafka is not read for it.
    private func quiet(_ session: Session, _ subscription: LiveSubscription) {
        for followed in subscription.followed {
            followed.hasCaughtUp = false
            cancel(session, followed)
        }
    }

    private func cancel(_ session: Session, _ followed: FollowedPartition) {
        guard let token = followed.read else { return }
        followed.read = nil
        reads[token] = nil
        session.service?.seat?.cluster.cancel(token)
    }

    /// What a waiting read has brought.
    func arrived(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ outcome: ReadOutcome
    ) {
        guard session.phase == .open else { return }
        switch outcome {
        case .records(let slice):
            // Without room the offset stays where it is; the records are read again later.
            guard hasRoom(session), subscription.isRunning else { return }
            push(session, subscription, followed, slice)
        case .empty(let position, let nextOffset):
            followed.offset = nextOffset
            noteProgress(followed, subscription.isolation, position)
        case .failed(let failure): return drop(session, subscription, followed, failure)
        }
        pump(session, subscription)
    }

    private func push(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ whole: RecordSlice
    ) {
        var slice = whole
        if let credit = subscription.creditMessages, credit < Int64(whole.recordCount) {
            guard let cut = whole.prefix(records: Int(credit), workshop.cache) else { return }
            slice = cut
        }
        followed.offset = slice.nextOffset
        noteLag(followed, slice)
        noteProgress(followed, subscription.isolation, slice.position)
        subscription.spend(records: slice.recordCount, bytes: slice.byteCount)
        sendRecords(
            session,
            BatchHead(
                sequence: subscription.sequence,
                kind: .push(topic: followed.topic, partition: followed.partition),
                nextOffset: slice.nextOffset, highWatermark: slice.position.highWatermark,
                logStartOffset: slice.position.logStartOffset,
                lastStableOffset: slice.position.lastStableOffset),
            slice)
        if !subscription.hasCredit { quiet(session, subscription) }
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
        subscription.grant(messages: command.messages, bytes: command.bytes)
        answer(
            session, sequence, .grant, nil, isOrdered: false,
            .granted(
                subscription: command.subscription, messages: subscription.creditMessages,
                bytes: subscription.creditBytes))
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
        quiet(session, subscription)
        for followed in subscription.followed { followed.isOver = true }
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

    /// One partition cannot be read any more; the others go on. Before the first reply the whole
    /// command fails.
    func drop(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ failure: KafkaFailure
    ) {
        guard subscription.command == nil else {
            return end(
                session, subscription, failure, topic: followed.topic,
                partition: followed.partition)
        }
        followed.isOver = true
        subscription.followed.removeAll { $0 === followed }
        let fault = GatewayFault(failure)
        log(.info, session, "subscription \(subscription.sequence): \(failure.cause)")
        let text = Self.subscribeFailed(
            followed.topic, followed.partition, fault.words(failure))
        sendReply(
            session, subscription.sequence,
            .partitionFailed(
                topic: followed.topic, partition: followed.partition,
                Self.errorReply(failure, fault, text)))
        guard subscription.followed.isEmpty, subscription.lookUps.isEmpty,
            subscription.wholeTopics.isEmpty
        else { return }
        remove(session, subscription)
        sendReply(
            session, subscription.sequence, .error(Self.errorReply(failure, fault, text)))
        settle(session)
    }

    /// Ends a subscription that has not begun.
    func end(
        _ session: Session, _ subscription: LiveSubscription, _ failure: KafkaFailure,
        topic: String, partition: Int32
    ) {
        guard let command = subscription.command else { return }
        subscription.command = nil
        remove(session, subscription)
        fail(session, command, failure) { Self.subscribeFailed(topic, partition, $0) }
    }

    private static func subscribeFailed(
        _ topic: String, _ partition: Int32, _ error: String
    ) -> String {
        "failed to subscribe, topic: \(topic), partition: \(partition), err: \(error)"
    }
}
