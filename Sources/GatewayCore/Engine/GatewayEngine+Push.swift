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
        for followed in subscription.partitions { read(session, subscription, followed) }
    }

    private func read(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition
    ) {
        // The read before this one may have used up what there was.
        guard let offset = followed.readsFrom, subscription.isRunning,
            let seat = session.service?.seat
        else { return }
        guard hasRoom(session) else { return session.pumpsWhenDrained = true }
        let token = ReadToken(raw: nextNumber())
        followed.reads(token)
        reads[token] = .push(session, subscription, followed)
        noteLog(session, followed)
        var request = ReadRequest(
            topic: followed.topic, partition: followed.partition, offset: offset,
            maxBytes: subscription.askBytes, isolation: subscription.isolation,
            waitUntil: .distantFuture)
        request.log = followed.log
        // Where bytes are counted, each read asks for what is left of them.
        request.staysAtEnd = subscription.creditBytes == nil
        call(seat) { $0.read(token, request, now: now, &$1) }
    }

    /// A peer that does not read gets nothing pushed: its place in the log waits, and no memory.
    private func hasRoom(_ session: Session) -> Bool {
        session.phase == .open && !session.isBlocked
            && session.output.unsentBytes <= session.unsentMax
    }

    /// Takes back the reads of a subscription that may not push: Kafka is not read for it.
    private func quiet(_ session: Session, _ subscription: LiveSubscription) {
        for followed in subscription.partitions {
            guard followed.read != nil else { continue }
            noteLog(session, followed)
            takeBack(session, followed, isHeldUp: true)
        }
    }

    private func takeBack(
        _ session: Session, _ followed: FollowedPartition, isHeldUp: Bool = false
    ) {
        guard let token = followed.read else { return }
        followed.rests(isHeldUp: isHeldUp)
        reads[token] = nil
        session.service?.seat?.cluster.cancel(token)
    }

    /// What a read has brought that waits on behind it.
    func brought(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ slice: RecordSlice
    ) {
        goesOn(session, subscription, followed)
        if session.phase == .open, hasRoom(session), subscription.isRunning {
            push(session, subscription, followed, slice)
        }
        if hasRoom(session), followed.nextOffset == slice.nextOffset { return }
        // The read is behind what was pushed, or nothing is to be read meanwhile.
        takeBack(session, followed)
        read(session, subscription, followed)
    }

    /// What a waiting read has brought.
    func arrived(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ outcome: ReadOutcome
    ) {
        // Still reading, so that no other read is put up for it meanwhile.
        if case .failed = outcome {} else { goesOn(session, subscription, followed) }
        followed.rests()
        guard session.phase == .open else { return }
        switch outcome {
        case .records(let slice):
            // Without room the offset stays where it is; the records are read again later.
            guard hasRoom(session), subscription.isRunning else {
                return session.pumpsWhenDrained = true
            }
            push(session, subscription, followed, slice)
        case .empty(let position, let nextOffset):
            followed.advance(to: nextOffset)
            noteProgress(followed, subscription.isolation, position)
        case .failed(let failure) where failure.isOtherLog && followed.beginsAnew():
            locate(session, subscription, followed)
            return tellNews(session, subscription)
        case .failed(let failure):
            guard subscription.skipsUnreadable, let next = failure.nextOffset else {
                drop(session, subscription, followed, failure)
                return tellNews(session, subscription)
            }
            skip(session, subscription, followed, to: next, failure)
        }
        read(session, subscription, followed)
    }

    /// Nothing comes of the read for now.
    func stalled(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        _ failure: KafkaFailure
    ) {
        followed.stalls(failure, now: now)
        subscription.note(followed)
        schedule(session)
    }

    /// The partition is answered for again.
    func goesOn(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition
    ) {
        followed.goesOn()
        guard followed.news != nil else { return }
        subscription.note(followed)
        tellNews(session, subscription)
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
        followed.advance(to: slice.nextOffset)
        followed.reads(in: slice.log.identity)
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

    /// Goes on behind records that cannot be read. Those in front of them have been pushed.
    private func skip(
        _ session: Session, _ subscription: LiveSubscription, _ followed: FollowedPartition,
        to next: Int64, _ failure: KafkaFailure
    ) {
        let offset = followed.place?.offset ?? next
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
        for followed in subscription.partitions { followed.end() }
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
}
