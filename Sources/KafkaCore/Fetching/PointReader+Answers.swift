import KafkaProtocol
import Timing

/// What point reads bring.
extension PointReader {
    func received(_ fetch: PointFetch, _ response: FetchResponse, _ told: Answer) {
        let error = KafkaError(response.errorCode)
        var parts: [DecodeJob.Part] = []
        if error == .none {
            var places = PartitionPlaces(fetch.items.map(\.partition.partition))
            for topic in response.responses {
                for answer in topic.partitions {
                    // Whatever was not asked for, or is told twice, is ignored.
                    guard
                        let number = places.take(
                            topic.topic, id: topic.topicID, answer.partitionIndex)
                    else {
                        judge.logUnexpected(topic, answer, fetch.broker)
                        continue
                    }
                    guard !fetch.items[number].isWithdrawn else { continue }
                    fetch.items[number].isAnswered = true
                    let item = fetch.items[number]
                    if let part = take(item, fetch, answer, response, told) {
                        parts.append(part)
                    }
                }
            }
        }
        // A client over its quota gets an answer without partitions (KIP-219).
        let isThrottled = response.throttleTimeMilliseconds > 0 && response.responses.isEmpty
        for item in fetch.items where !item.isAnswered && !item.isWithdrawn {
            settled(item) { unanswered(item, fetch, error, isStarved: !isThrottled) }
        }
        finish(fetch, parts, told)
    }

    private func finish(_ fetch: PointFetch, _ parts: [DecodeJob.Part], _ told: Answer) {
        let release = { [cache] in cache.outstandingReadBytes -= fetch.outstandingBytes }
        guard !parts.isEmpty else { return release() }
        state.decoder.add(
            DecodeJob(
                connection: told.connection, frame: told.frame, parts: parts, finish: release))
    }

    /// One partition's answer; the part to decode, if it brought records.
    private func take(
        _ item: PointFetch.Item, _ fetch: PointFetch, _ answer: FetchResponse.Partition,
        _ response: FetchResponse, _ told: Answer
    ) -> DecodeJob.Part? {
        let (partition, sentAt) = (item.partition, told.sentAt)
        guard !partition.isAbandoned else {
            settled(item) { abandoned(item) }
            return nil
        }
        if told.wasLate, !item.demand.wasDoubted, answer.records?.count ?? 0 == 0 {
            settled(item) { doubt(item, fetch) }
            return nil
        }
        if judge.truncate(partition, answer) {
            settled(item) { askAgain(item.demand, of: partition, firstAtOnce: true) }
            return nil
        }
        guard answer.errorCode == 0 else {
            settled(item) { refused(item, fetch, answer, response) }
            return nil
        }
        if judge.redirect(partition, answer) {
            settled(item) { askAgain(item, fetch) }
            return nil
        }
        judge.learn(partition, answer, fetch.isolation, sentAt: sentAt)
        var end = partition.end(fetch.isolation)
        if told.wasLate, !item.demand.wasDoubted {
            // The records are the log's; where it ends, others may know better by now.
            partition.position = .unknown
            end = .max
        }
        guard let records = answer.records, records.count > 0 else {
            if item.demand.offset >= end, !partition.failsPolls { noteProgress(partition) }
            settled(item) { owner.settle(item.demand, partition, end: end, sentAt: sentAt) }
            return nil
        }
        let builder = RunBuilder(
            log: partition.log, cache: cache, fetchOffset: item.demand.offset,
            region: records, highWatermark: answer.highWatermark,
            aborted: AbortedTransactions(answer, fetch.isolation))
        builder.onFlush = { [unowned self] in owner.serveEarly(item.demand, partition) }
        return DecodeJob.Part(builder: builder) { [unowned self] builder in
            settled(item) { decoded(item, fetch, builder, end: end, sentAt: sentAt) }
        }
    }

    private func decoded(
        _ item: PointFetch.Item, _ fetch: PointFetch, _ builder: RunBuilder, end: Int64,
        sentAt: Instant
    ) {
        let partition = item.partition
        guard !partition.isAbandoned else { return abandoned(item) }
        guard !builder.isStale, partition.source === fetch.broker,
            partition.leaderEpoch == item.leaderEpoch
        else { return askAgain(item, fetch) }
        context.counters.recordsDecoded += UInt64(builder.recordCount)
        partition.noteDensity(
            bytes: builder.regionBytes, offsets: builder.coveredTo - builder.fetchOffset)
        partition.noteRead(to: builder.coveredTo, now: context.now)
        if builder.cutBatchBytes > 0 {
            item.demand.bytesMin = max(item.demand.bytesMin, builder.cutBatchBytes)
        }
        if let broken = builder.failure {
            judge.tellUnreadable(partition, broken.failure)
            if let code = broken.failure.code { context.counters.failed(code) }
            owner.settleBroken(item.demand, partition, broken)
        } else {
            // A first batch that never comes whole is asked for ever more seldom.
            if builder.coveredTo > builder.fetchOffset { noteProgress(partition) }
            owner.settle(item.demand, partition, end: end, sentAt: sentAt)
        }
        if builder.coveredTo > builder.fetchOffset {
            let range = builder.fetchOffset..<builder.coveredTo
            owner.serveDemands(partition, in: range)
            owner.serveWaiters(partition)
        }
    }

    /// The demand is not in flight any more.
    func settled(_ item: PointFetch.Item, _ body: () -> Void) {
        item.partition.isBack(item.demand)
        body()
        if !item.partition.demands.isEmpty { queue(item.partition) }
    }

    private func abandoned(_ item: PointFetch.Item) {
        owner.beginAnew(item.demand)
    }

    private func refused(
        _ item: PointFetch.Item, _ fetch: PointFetch, _ answer: FetchResponse.Partition,
        _ response: FetchResponse
    ) {
        context.counters.failed(answer.errorCode)
        switch judge.verdict(item.partition, answer, response) {
        case .fail(let failure): owner.fail(item.demand, failure)
        case .outOfRange(let position):
            owner.settleOutOfRange(item.demand, item.partition, position)
        case .retry(let failure):
            owner.stall(item.demand.readers, failure)
            askAgain(item, fetch)
        }
    }

    private func askAgain(_ item: PointFetch.Item, _ fetch: PointFetch) {
        askAgain(
            item.demand, of: item.partition, firstAtOnce: item.partition.source !== fetch.broker)
    }

    /// Whoever was silent for so long may have been replaced meanwhile, and not know it yet. That
    /// there is nothing, or no such offset, is asked again once, when others have been asked for
    /// the leader.
    private func doubt(_ item: PointFetch.Item, _ fetch: PointFetch) {
        item.demand.wasDoubted = true
        router.want(item.partition.topic)
        askAgain(item, fetch)
    }

    /// The response, perhaps refused as a whole, does not tell of the partition.
    private func unanswered(
        _ item: PointFetch.Item, _ fetch: PointFetch, _ error: KafkaError, isStarved: Bool
    ) {
        if error != .none {
            context.counters.failed(error.rawValue)
            let failure = KafkaFailure.kafka(error.rawValue, cause: item.partition.name)
            owner.stall(item.demand.readers, failure)
        } else {
            favour(item.partition)
        }
        // To ask for more would cost the client more of its quota.
        if isStarved { item.demand.starvations += 1 }
        askAgain(item, fetch)
    }

    /// The connection ended before the answer came.
    func lost(_ fetch: PointFetch, _ failure: KafkaFailure) {
        cache.outstandingReadBytes -= fetch.outstandingBytes
        for item in fetch.items where !item.isWithdrawn {
            settled(item) {
                guard !item.partition.isAbandoned else { return abandoned(item) }
                owner.stall(item.demand.readers, failure)
                guard !item.demand.confirms else {
                    return owner.attempt(item.demand, item.partition)
                }
                owner.serve(item.demand, item.partition)
                askAgain(item, fetch)
            }
        }
    }
}
