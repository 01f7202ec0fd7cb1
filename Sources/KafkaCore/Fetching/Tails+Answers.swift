import KafkaProtocol
import Timing

/// What the long polls bring.
extension Tails {
    func received(_ fetch: TailFetch, _ response: FetchResponse, _ told: Answer) {
        let tail = fetch.tail
        ended(fetch)
        // The end of a session; whatever the broker says, it is not ours any more.
        guard !fetch.items.isEmpty else { return }
        let error = KafkaError(response.errorCode)
        guard error == .none else { return refused(tail, error) }
        _ = tail.refusal.ends(now: context.now)
        tail.session.answered(
            sessionID: response.sessionID, isThrottled: response.throttleTimeMilliseconds > 0,
            now: context.now)
        var places = PartitionPlaces(fetch.items.map(\.partition.partition))
        var parts: [DecodeJob.Part] = []
        for topic in response.responses {
            for answer in topic.partitions {
                guard
                    let number = places.take(
                        topic.topic, id: topic.topicID, answer.partitionIndex)
                else {
                    judge.logUnexpected(topic, answer, tail.broker)
                    continue
                }
                if let part = take(fetch.items[number], of: fetch, answer, response) {
                    parts.append(part)
                }
            }
        }
        if told.wasLate { doubt(fetch) }
        let held = context.now.milliseconds(since: told.sentAt)
        let wasHeld = held >= fetch.waitMilliseconds / 2
        if wasHeld { noteHeld(fetch) }
        guard !parts.isEmpty else { return settled(fetch, wasHeld: wasHeld) }
        state.decoder.add(
            DecodeJob(connection: told.connection, frame: told.frame, parts: parts) {
                [unowned self] in settled(fetch, wasHeld: wasHeld)
            })
    }

    /// Whoever was silent for so long may have been replaced meanwhile, and not know it yet: where
    /// the logs end is asked again, when others have been asked for the leaders.
    private func doubt(_ fetch: TailFetch) {
        for item in fetch.items where item.isCurrent {
            item.partition.position = .unknown
            router.want(item.partition.topic)
            owner.pause(item.partition)
            owner.leaveTail(item.follow)
        }
    }

    /// A broker that holds a poll sets the pace itself. One that answers at once, and brings nobody
    /// forward, would be asked again without end.
    private func settled(_ fetch: TailFetch, wasHeld: Bool) {
        if wasHeld || fetch.hasProgress {
            fetch.tail.pace.reset()
        } else {
            context.delayButFirst(&fetch.tail.pace, .poll)
        }
    }

    private func noteHeld(_ fetch: TailFetch) {
        for item in fetch.items where item.isCurrent { item.partition.failsPolls = false }
    }

    /// Point reads find out why, after a pause.
    private func giveUp(_ follow: Follow) {
        follow.partition.failsPolls = true
        owner.pause(follow.partition)
        unfollow(follow)
    }

    private func ended(_ fetch: TailFetch) {
        if fetch.tail.fetch === fetch { fetch.tail.fetch = nil }
        for item in fetch.items { item.follow.isPolled = false }
        context.needFlush()
    }

    private func refused(_ tail: TailReader, _ error: KafkaError) {
        context.counters.failed(error.rawValue)
        // A session that is gone is opened anew at once; one that never lasts is not.
        if tail.session.refused(error) { return context.delayButFirst(&tail.pace, .poll) }
        let isNews = tail.refusal.begins(error.name, now: context.now)
        context.log(
            isNews ? .warning : .debug,
            "\(tail.broker.broker.endpoint): the tail's fetch: \(error.name)")
        for follow in tail.follows { giveUp(follow) }
    }

    private func take(
        _ item: TailFetch.Item, of fetch: TailFetch, _ answer: FetchResponse.Partition,
        _ response: FetchResponse
    ) -> DecodeJob.Part? {
        let (follow, partition) = (item.follow, item.partition)
        guard item.isCurrent, !partition.isAbandoned else { return nil }
        if judge.truncate(partition, answer) {
            fetch.hasProgress = true
            giveUp(follow)
            return nil
        }
        guard answer.errorCode == 0 else {
            context.counters.failed(answer.errorCode)
            fetch.hasProgress = true
            // The point reads that follow tell the readers; what it changes for others counts now.
            _ = judge.verdict(partition, answer, response)
            if item.isCurrent { giveUp(follow) }
            return nil
        }
        if judge.redirect(partition, answer) {
            fetch.hasProgress = true
            if item.isCurrent { giveUp(follow) }
            return nil
        }
        judge.learn(partition, answer, follow.isolation)
        guard let records = answer.records, records.count > 0 else {
            // Other partitions filled the response: a point read is not held up by them.
            let end = partition.end(follow.isolation)
            follow.isBetweenPolls = end <= item.offset
            if end > item.offset, !follow.isEmpty {
                owner.favour(partition)
                owner.leaveTail(follow)
            }
            return nil
        }
        return part(item, of: fetch, answer, records)
    }

    private func part(
        _ item: TailFetch.Item, of fetch: TailFetch, _ answer: FetchResponse.Partition,
        _ records: KafkaBytes
    ) -> DecodeJob.Part {
        let (follow, partition) = (item.follow, item.partition)
        let builder = RunBuilder(
            log: partition.log, cache: state.cache, fetchOffset: item.offset, region: records,
            highWatermark: answer.highWatermark,
            aborted: AbortedTransactions(answer, follow.isolation))
        return DecodeJob.Part(builder: builder) { [unowned self] builder in
            decoded(item, of: fetch, builder)
        }
    }

    private func decoded(_ item: TailFetch.Item, of fetch: TailFetch, _ builder: RunBuilder) {
        let (follow, partition) = (item.follow, item.partition)
        context.counters.recordsDecoded += UInt64(builder.recordCount)
        guard item.isCurrent, !builder.isStale else { return }
        partition.noteRead(to: builder.coveredTo, now: context.now)
        follow.moved(to: builder.coveredTo)
        follow.isBetweenPolls = true
        if builder.coveredTo > builder.fetchOffset {
            fetch.hasProgress = true
            partition.failsPolls = false
            owner.noteProgress(partition)
        }
        if follow.isEmpty { follow.unclaimedBytes += builder.byteCount }
        owner.serveWaiters(partition)
        if builder.coveredTo > builder.fetchOffset {
            owner.serveDemands(partition, in: builder.fetchOffset..<builder.coveredTo)
        }
        // What cannot be read, or not in so few bytes, is a point read's to tell or to fetch.
        if builder.failure != nil || builder.cutBatchBytes > 0 { owner.leaveTail(follow) }
    }

    func lost(_ fetch: TailFetch, _ failure: KafkaFailure) {
        ended(fetch)
        fetch.tail.session.reset()
        context.delay(&fetch.tail.pace, .poll)
        for follow in fetch.tail.follows {
            owner.stall(follow, failure)
            unfollow(follow)
        }
    }
}
