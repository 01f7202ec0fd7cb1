import KafkaProtocol
import Timing

/// Follows the ends of partitions. What a poll brings goes into the cache and from there to all
/// who wait; whatever goes wrong sends them to point reads, which find out why.
final class Tails {
    unowned(unsafe) let cluster: Cluster

    init(_ cluster: Cluster) { self.cluster = cluster }

    private var all: [TailReader] { cluster.links.brokers.flatMap(\.allTails) }

    // MARK: Followers

    /// The place where readers of the partition wait for records at `offset`.
    func follow(_ partition: Partition, _ isolation: Isolation, at offset: Int64) -> Follow {
        if let follow = partition.follow(isolation) { return joined(follow) }
        guard let leader = partition.leader else {
            preconditionFailure("a partition without a leader has no end to wait at")
        }
        let follow = Follow(partition, isolation, position: offset, now: cluster.now)
        let tail = leader.tail(isolation)
        tail.follows.append(follow)
        tail.changedAt = cluster.now
        partition.setFollow(isolation, follow)
        cluster.needsFlush = true
        return joined(follow)
    }

    private func joined(_ follow: Follow) -> Follow {
        guard let leader = follow.partition.leader else { return follow }
        // The poll in flight does not know it: somebody has to look until it is back.
        if leader.tail(follow.isolation).fetch != nil, !follow.isPolled, follow.joinPollAt == nil {
            follow.joinPollAt = cluster.now.adding(
                milliseconds: cluster.limits.tailJoinPollMilliseconds)
        }
        return follow
    }

    /// Ends following; those who wait find out by point reads.
    func unfollow(_ follow: Follow) {
        let partition = follow.partition
        if let leader = partition.leader {
            let tail = leader.tail(follow.isolation)
            tail.follows.removeAll { $0 === follow }
            tail.changedAt = cluster.now
        }
        follow.isPolled = false
        follow.joinPollAt = nil
        partition.setFollow(follow.isolation, nil)
        cluster.desk.leaveTail(follow)
    }

    private func isUnused(_ follow: Follow) -> Bool {
        guard follow.waiters.isEmpty else { return false }
        let linger = follow.lastWaiterAt.adding(milliseconds: cluster.limits.tailLingerMilliseconds)
        return linger <= cluster.now || follow.unclaimedBytes > cluster.limits.readAheadBytesMax
    }

    // MARK: Time

    var nextDeadline: Instant {
        var earliest = Instant.distantFuture
        for tail in all {
            for follow in tail.follows {
                if let at = follow.joinPollAt { earliest = min(earliest, at) }
            }
        }
        return earliest
    }

    func tick() {
        for tail in all {
            for follow in tail.follows where (follow.joinPollAt ?? .distantFuture) <= cluster.now {
                follow.joinPollAt = nil
                if !follow.isPolled { cluster.desk.leaveTail(follow) }
            }
        }
    }

    // MARK: Asking

    func flush() {
        for tail in all where tail.fetch == nil {
            if !tail.follows.isEmpty { poll(tail) }
            if tail.follows.isEmpty && tail.session.isOpen { closeSession(tail) }
        }
    }

    /// Nobody is left to wait. A broker has room for so many sessions, cluster-wide, and would keep
    /// this one for minutes (KIP-227).
    private func closeSession(_ tail: TailReader) {
        guard let connection = tail.connection else { return tail.session.reset() }
        guard connection.isFree(now: cluster.now),
            let version = connection.versions.version(
                of: FetchRequest.self, atMost: tail.session.usesIDs ? .max : 12)
        else { return }
        var request = FetchRequest(
            maxWaitMilliseconds: 0, minBytes: 0, maxBytes: 0,
            isolationLevel: tail.isolation.rawValue)
        tail.session.close(&request)
        let fetch = TailFetch(tail, [])
        tail.fetch = fetch
        connection.send(
            request, version: version, errand: .tail(fetch),
            timeoutMilliseconds: cluster.settings.requestTimeoutMilliseconds, now: cluster.now,
            cluster)
    }

    private func poll(_ tail: TailReader) {
        for follow in tail.follows where isUnused(follow) { unfollow(follow) }
        // Its last readers are between two reads: nothing new is asked for meanwhile.
        guard !tail.follows.isEmpty, let connection = free(tail) else { return }
        for follow in tail.follows {
            follow.position = follow.waiters.map(waitOffset).min() ?? follow.position
        }
        let hasIDs = tail.follows.allSatisfy { $0.partition.topic.id != .zero }
        guard let version = connection.versions.version(
            of: FetchRequest.self, atMost: hasIDs ? .max : 12)
        else { return tail.follows.forEach(unfollow) }
        send(tail, connection, version, usesIDs: hasIDs && version >= 13)
    }

    /// Where the reader stands behind what is cached for it already.
    private func waitOffset(_ reader: Reader) -> Int64 {
        guard let partition = reader.partition else { return reader.offset }
        return cluster.desk.waitOffset(reader, partition)
    }

    private func free(_ tail: TailReader) -> BrokerConnection? {
        if tail.connection == nil, tail.broker.mayConnect(now: cluster.now) {
            tail.session.reset()
            tail.connection = cluster.links.open(.tail(tail.isolation), to: tail.broker)
        }
        guard let connection = tail.connection, connection.isFree(now: cluster.now) else {
            return nil
        }
        return connection
    }

    private func send(
        _ tail: TailReader, _ connection: BrokerConnection, _ version: Int16, usesIDs: Bool
    ) {
        let limits = cluster.limits
        let settled = tail.changedAt.adding(milliseconds: TailReader.settledMilliseconds)
        let patience = settled <= cluster.now
            ? limits.tailWaitMilliseconds : limits.tailWaitShortMilliseconds
        let wait = min(patience, cluster.settings.fetchMaxWaitMilliseconds)
        var request = FetchRequest(
            maxWaitMilliseconds: wait, minBytes: 1,
            maxBytes: Int32(clamping: limits.tailResponseBytesMax),
            isolationLevel: tail.isolation.rawValue)
        let wishes = tail.follows.map(wish)
        tail.session.prepare(&request, wishes: wishes, usesIDs: usesIDs, now: cluster.now)
        let fetch = TailFetch(
            tail,
            tail.follows.map {
                TailFetch.Item(
                    follow: $0, offset: $0.position, leaderEpoch: $0.partition.leaderEpoch)
            })
        tail.fetch = fetch
        for follow in tail.follows {
            follow.isPolled = true
            follow.joinPollAt = nil
        }
        connection.send(
            request, version: version, errand: .tail(fetch),
            timeoutMilliseconds: cluster.settings.requestTimeoutMilliseconds + Int64(wait),
            now: cluster.now, cluster)
    }

    private func wish(_ follow: Follow) -> FetchSession.Wish {
        let partition = follow.partition
        return FetchSession.Wish(
            partition: partition,
            known: FetchSession.Known(
                offset: follow.position, leaderEpoch: partition.leaderEpoch,
                lastFetchedEpoch: partition.log.run(endingAt: follow.position)?.leaderEpoch ?? -1,
                bytesMax: Int32(clamping: cluster.limits.tailPartitionBytesMax)))
    }

    // MARK: Answers

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
        tail.session.answered(sessionID: response.sessionID, now: cluster.now)
        var places = FetchTopics.Places(fetch.items.map { $0.follow.partition })
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
        let follow = item.follow
        let partition = follow.partition
        guard partition.follow(follow.isolation) === follow, !partition.isAbandoned else {
            return nil
        }
        if let diverging = answer.divergingEpoch, diverging.endOffset >= 0, answer.errorCode == 0 {
            cluster.log(
                .warning, "\(partition.name): truncated to \(diverging.endOffset) by its leader")
            partition.log.truncate(to: diverging.endOffset)
            unfollow(follow)
            return nil
        }
        guard answer.errorCode == 0 else {
            cluster.counters.errors[answer.errorCode, default: 0] += 1
            let verdict = cluster.verdict(
                partition, answer, response, leaderEpoch: item.leaderEpoch)
            if partition.follow(follow.isolation) === follow { unfollow(follow) }
            _ = verdict
            return nil
        }
        cluster.learn(partition, answer)
        guard let records = answer.records, records.count > 0 else {
            // Other partitions filled the response: a point read is not held up by them.
            let end = partition.end(follow.isolation)
            if end > item.offset, !follow.waiters.isEmpty {
                partition.isStarved = true
                cluster.desk.leaveTail(follow)
            }
            return nil
        }
        return part(item, answer, records)
    }

    private func part(
        _ item: TailFetch.Item, _ answer: FetchResponse.Partition, _ records: KafkaBytes
    ) -> DecodeJob.Part {
        let follow = item.follow
        let partition = follow.partition
        let builder = RunBuilder(
            log: partition.log, cache: cluster.cache, fetchOffset: item.offset, region: records,
            aborted: follow.isolation == .readCommitted
                ? AbortedTransactions(answer.abortedTransactions ?? []) : nil)
        return DecodeJob.Part(builder: builder) { [self] builder in decoded(follow, builder) }
    }

    private func decoded(_ follow: Follow, _ builder: RunBuilder) {
        let partition = follow.partition
        cluster.counters.recordsDecoded += UInt64(builder.recordCount)
        guard partition.follow(follow.isolation) === follow else { return }
        follow.position = max(follow.position, builder.coveredTo)
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
            for reader in follow.waiters { reader.lastFailure = failure }
            unfollow(follow)
        }
    }
}
