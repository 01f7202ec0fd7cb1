import KafkaProtocol

/// What the long polls bring.
extension Tails {
    func received(
        _ fetch: TailFetch, _ response: FetchResponse, _ frame: FrameAssembler.Frame,
        _ connection: BrokerConnection
    ) {
        let tail = fetch.tail
        ended(fetch)
        // The end of a session; whatever the broker says, it is not ours any more.
        guard !fetch.items.isEmpty else { return }
        let error = KafkaError(response.errorCode)
        guard error == .none else { return refused(tail, error) }
        tail.session.answered(
            sessionID: response.sessionID, isThrottled: response.throttleTimeMilliseconds > 0,
            now: cluster.now)
        var places = FetchTopics.Places(fetch.items.map(\.partition))
        var parts: [DecodeJob.Part] = []
        for topic in response.responses {
            for answer in topic.partitions {
                guard let number = places.take(topic, answer.partitionIndex) else {
                    cluster.logUnexpected(topic, answer, connection)
                    continue
                }
                if let part = take(fetch.items[number], answer, response) { parts.append(part) }
            }
        }
        guard !parts.isEmpty else { return }
        cluster.decoder.add(
            DecodeJob(connection: connection, frame: frame, parts: parts, finish: {}))
    }

    private func ended(_ fetch: TailFetch) {
        if fetch.tail.fetch === fetch { fetch.tail.fetch = nil }
        for item in fetch.items { item.follow.isPolled = false }
        cluster.needsFlush = true
    }

    private func refused(_ tail: TailReader, _ error: KafkaError) {
        cluster.counters.errors[error.rawValue, default: 0] += 1
        if tail.session.refused(error) { return }
        cluster.log(.warning, "\(tail.broker.endpoint): the tail's fetch: \(error.name)")
        for follow in tail.follows {
            cluster.pointReader.pause(follow.partition)
            unfollow(follow)
        }
    }

    private func take(
        _ item: TailFetch.Item, _ answer: FetchResponse.Partition, _ response: FetchResponse
    ) -> DecodeJob.Part? {
        let (follow, partition) = (item.follow, item.partition)
        guard partition.follow(follow.isolation) === follow, !partition.isAbandoned else {
            return nil
        }
        if cluster.truncate(partition, answer) {
            unfollow(follow)
            return nil
        }
        guard answer.errorCode == 0 else {
            cluster.counters.errors[answer.errorCode, default: 0] += 1
            // The point reads that follow tell the readers; what it changes for others counts now.
            _ = cluster.verdict(partition, answer, response)
            if partition.follow(follow.isolation) === follow { unfollow(follow) }
            return nil
        }
        cluster.learn(partition, answer, follow.isolation)
        guard let records = answer.records, records.count > 0 else {
            // Other partitions filled the response: a point read is not held up by them.
            let end = partition.end(follow.isolation)
            follow.isBetweenPolls = end <= item.offset
            if end > item.offset, !follow.waiters.isEmpty {
                cluster.pointReader.favour(partition)
                cluster.desk.leaveTail(follow)
            }
            return nil
        }
        return part(item, answer, records)
    }

    private func part(
        _ item: TailFetch.Item, _ answer: FetchResponse.Partition, _ records: KafkaBytes
    ) -> DecodeJob.Part {
        let (follow, partition) = (item.follow, item.partition)
        let builder = RunBuilder(
            log: partition.log, cache: cluster.cache, fetchOffset: item.offset, region: records,
            highWatermark: answer.highWatermark,
            aborted: AbortedTransactions(answer, follow.isolation))
        return DecodeJob.Part(builder: builder) { [unowned self] builder in
            decoded(item, builder)
        }
    }

    private func decoded(_ item: TailFetch.Item, _ builder: RunBuilder) {
        let (follow, partition) = (item.follow, item.partition)
        cluster.counters.recordsDecoded += UInt64(builder.recordCount)
        partition.noteRead(to: builder.coveredTo, now: cluster.now)
        guard partition.follow(follow.isolation) === follow else { return }
        follow.position = max(follow.position, builder.coveredTo)
        follow.isBetweenPolls = true
        if follow.waiters.isEmpty { follow.unclaimedBytes += builder.byteCount }
        cluster.desk.serveWaiters(partition)
        if builder.coveredTo > builder.fetchOffset {
            cluster.desk.serveDemands(partition, in: builder.fetchOffset..<builder.coveredTo)
        }
        // What cannot be read, or not in so few bytes, is a point read's to tell or to fetch.
        if builder.failure != nil || builder.cutBatchBytes > 0 { cluster.desk.leaveTail(follow) }
    }

    func lost(_ fetch: TailFetch, _ failure: KafkaFailure) {
        ended(fetch)
        fetch.tail.session.reset()
        for follow in fetch.tail.follows {
            cluster.desk.stall(follow.waiters, failure)
            unfollow(follow)
        }
    }
}
