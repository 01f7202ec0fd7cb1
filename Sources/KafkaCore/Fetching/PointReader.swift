import KafkaProtocol
import Timing

/// Reads at any offset: requests that the broker answers at once, each for one offset of many
/// partitions. Equal reads are one; what an answer brings beyond its readers serves others.
final class PointReader {
    unowned(unsafe) let cluster: Cluster
    /// Partitions that wait for their `retryAt`.
    private var paused: [Partition] = []

    init(_ cluster: Cluster) { self.cluster = cluster }

    // MARK: The queue

    /// The partition has demands; they are sent at the end of the turn.
    func queue(_ partition: Partition) {
        guard !partition.isQueued, !partition.demands.isEmpty, let leader = partition.leader,
            partition.retryAt == nil
        else { return }
        partition.isQueued = true
        leader.queue.append(partition)
        cluster.needsFlush = true
    }

    func unqueue(_ partition: Partition) {
        guard partition.isQueued else { return }
        partition.isQueued = false
        partition.leader?.queue.removeAll { $0 === partition }
    }

    /// Asks nothing of the partition for a while: the wait doubles from error to error.
    func pause(_ partition: Partition) {
        let wait = partition.backoff.next(&cluster.random)
        if partition.retryAt == nil { paused.append(partition) }
        partition.retryAt = cluster.now.adding(milliseconds: wait)
        unqueue(partition)
    }

    func resume(_ partition: Partition) {
        guard partition.retryAt != nil else { return }
        partition.retryAt = nil
        paused.removeAll { $0 === partition }
        queue(partition)
    }

    var nextDeadline: Instant { paused.compactMap(\.retryAt).min() ?? .distantFuture }

    func tick() {
        let due = paused.filter { ($0.retryAt ?? .zero) <= cluster.now }
        for partition in due { resume(partition) }
    }

    // MARK: Sending

    /// Bytes of the loop's budget wait for another cluster's response.
    private(set) var isOutOfBudget = false

    func flush() {
        isOutOfBudget = false
        for broker in cluster.links.brokers {
            while !broker.queue.isEmpty {
                guard let connection = cluster.links.freePoint(broker) else { break }
                guard cluster.cache.outstandingReadBytes < cluster.limits.outstandingReadBytesMax
                else {
                    isOutOfBudget = true
                    return
                }
                guard send(broker, connection) else { break }
            }
        }
    }

    private func send(_ broker: Broker, _ connection: BrokerConnection) -> Bool {
        let fetch = gather(broker)
        guard !fetch.items.isEmpty else { return false }
        // Topic ids or names, for the whole request (KIP-516).
        let hasIDs = fetch.items.allSatisfy { $0.partition.topic.id != .zero }
        guard let version = connection.versions.version(
            of: FetchRequest.self, atMost: hasIDs ? .max : 12)
        else {
            let failure = KafkaFailure.kafka(
                KafkaError.unsupportedVersion.rawValue, cause: "\(broker.endpoint): Fetch")
            for item in fetch.items { settled(item) { cluster.desk.fail(item.demand, failure) } }
            return false
        }
        cluster.cache.outstandingReadBytes += fetch.outstandingBytes
        connection.send(
            request(fetch), version: version, errand: .pointRead(fetch),
            timeoutMilliseconds: cluster.settings.requestTimeoutMilliseconds, now: cluster.now,
            cluster)
        return true
    }

    /// Takes a demand from each partition in turn, starved ones first.
    private func gather(_ broker: Broker) -> PointFetch {
        let candidates = broker.queue.filter(\.isStarved) + broker.queue.filter { !$0.isStarved }
        let first = candidates.lazy.flatMap(\.demands).first { !$0.readers.isEmpty }
        let fetch = PointFetch(broker, first?.isolation ?? .readUncommitted)
        let budget = cluster.limits.outstandingReadBytesMax - cluster.cache.outstandingReadBytes
        var rest: [Partition] = []
        for partition in candidates {
            let isFull =
                fetch.items.count >= cluster.limits.partitionsPerRequestMax
                || (fetch.outstandingBytes >= budget && !fetch.items.isEmpty)
            if !isFull, let demand = partition.takeDemand(fetch.isolation) {
                add(demand, partition, fetch)
                partition.isStarved = false
            }
            if partition.demands.isEmpty { partition.isQueued = false } else {
                rest.append(partition)
            }
        }
        // Those that were left out come first the next time.
        let taken = Set(fetch.items.map { ObjectIdentifier($0.partition) })
        broker.queue =
            rest.filter { !taken.contains(ObjectIdentifier($0)) }
            + rest.filter { taken.contains(ObjectIdentifier($0)) }
        return fetch
    }

    private func add(_ demand: Demand, _ partition: Partition, _ fetch: PointFetch) {
        let before = partition.log.run(endingAt: demand.offset)
        let bytes = bytesMax(demand, readsOn: before != nil)
        fetch.items.append(
            PointFetch.Item(
                partition: partition, demand: demand, leaderEpoch: partition.leaderEpoch,
                lastFetchedEpoch: before?.leaderEpoch ?? -1, bytesMax: bytes))
        fetch.outstandingBytes += bytes
    }

    /// As much as the readers want; twice that for one who reads on where the cache ends.
    private func bytesMax(_ demand: Demand, readsOn: Bool) -> Int {
        let limits = cluster.limits
        var wanted = demand.readers.map { $0.request.maxBytes }.max() ?? 0
        wanted = min(max(wanted, limits.pointReadBytesMin), limits.pointReadBytesMax)
        if readsOn { wanted = max(wanted, min(wanted * 2, limits.readAheadBytesMax)) }
        if demand.starvations > 0 {
            wanted = min(wanted << min(demand.starvations, 8), limits.pointReadBytesMax)
        }
        return min(max(wanted, demand.bytesMin), limits.responseBytesMax)
    }

    private func request(_ fetch: PointFetch) -> FetchRequest {
        var request = FetchRequest(
            maxWaitMilliseconds: 0, minBytes: 1,
            maxBytes: Int32(clamping: fetch.outstandingBytes),
            isolationLevel: fetch.isolation.rawValue, sessionID: 0, sessionEpoch: -1)
        request.topics = FetchTopics.grouped(fetch.items.map { item in
            (
                item.partition,
                FetchRequest.Partition(
                    partition: item.partition.index, currentLeaderEpoch: item.leaderEpoch,
                    fetchOffset: item.demand.offset, lastFetchedEpoch: item.lastFetchedEpoch,
                    partitionMaxBytes: Int32(clamping: item.bytesMax))
            )
        })
        return request
    }

    // MARK: Answers

    func received(
        _ fetch: PointFetch, _ response: FetchResponse, _ frame: FrameAssembler.Frame,
        _ connection: BrokerConnection, sentAt: Instant
    ) {
        let error = KafkaError(response.errorCode)
        var parts: [DecodeJob.Part] = []
        if error == .none {
            var places = FetchTopics.Places(fetch.items.map(\.partition))
            for topic in response.responses {
                for answer in topic.partitions {
                    // Whatever was not asked for, or is told twice, is ignored.
                    guard let number = places.take(topic, answer.partitionIndex) else {
                        cluster.logUnexpected(topic, answer, connection)
                        continue
                    }
                    fetch.items[number].isAnswered = true
                    let item = fetch.items[number]
                    if let part = take(item, fetch, answer, response, sentAt) {
                        parts.append(part)
                    }
                }
            }
        }
        for item in fetch.items where !item.isAnswered {
            settled(item) { requeue(item, after: error == .none ? nil : error) }
        }
        finish(fetch, parts, frame, connection)
    }

    private func finish(
        _ fetch: PointFetch, _ parts: [DecodeJob.Part], _ frame: FrameAssembler.Frame,
        _ connection: BrokerConnection
    ) {
        let cache = cluster.cache
        let release = { cache.outstandingReadBytes -= fetch.outstandingBytes }
        guard !parts.isEmpty else { return release() }
        cluster.decoder.add(
            DecodeJob(connection: connection, frame: frame, parts: parts, finish: release))
    }

    /// One partition's answer; the part to decode, if it brought records.
    private func take(
        _ item: PointFetch.Item, _ fetch: PointFetch, _ answer: FetchResponse.Partition,
        _ response: FetchResponse, _ sentAt: Instant
    ) -> DecodeJob.Part? {
        let partition = item.partition
        guard !partition.isAbandoned else {
            settled(item) { abandoned(item) }
            return nil
        }
        if let diverging = answer.divergingEpoch, diverging.endOffset >= 0, answer.errorCode == 0 {
            settled(item) { diverged(item, diverging) }
            return nil
        }
        guard answer.errorCode == 0 else {
            settled(item) { refused(item, answer, response) }
            return nil
        }
        cluster.learn(partition, answer)
        let end = fetch.isolation == .readCommitted && answer.lastStableOffset >= 0
            ? answer.lastStableOffset : answer.highWatermark
        guard let records = answer.records, records.count > 0 else {
            settled(item) { cluster.desk.settle(item.demand, partition, end: end, sentAt: sentAt) }
            return nil
        }
        let builder = RunBuilder(
            log: partition.log, cache: cluster.cache, fetchOffset: item.demand.offset,
            region: records,
            aborted: fetch.isolation == .readCommitted
                ? AbortedTransactions(answer.abortedTransactions ?? []) : nil)
        let desk = cluster.desk
        builder.onFlush = { desk.serveEarly(item.demand, partition) }
        return DecodeJob.Part(builder: builder) { [self] builder in
            settled(item) { decoded(item, builder, end: end, sentAt: sentAt) }
        }
    }

    private func decoded(
        _ item: PointFetch.Item, _ builder: RunBuilder, end: Int64, sentAt: Instant
    ) {
        let partition = item.partition
        guard !partition.isAbandoned else { return abandoned(item) }
        cluster.counters.recordsDecoded += UInt64(builder.recordCount)
        if builder.cutBatchBytes > 0 {
            item.demand.bytesMin = max(item.demand.bytesMin, builder.cutBatchBytes)
        }
        if let broken = builder.failure {
            cluster.log(.error, broken.failure.cause)
            if let code = broken.failure.code { cluster.counters.errors[code, default: 0] += 1 }
            cluster.desk.settleBroken(item.demand, partition, broken)
        } else {
            // A first batch that never comes whole is asked for ever more seldom.
            if builder.coveredTo > builder.fetchOffset { partition.backoff.reset() }
            cluster.desk.settle(item.demand, partition, end: end, sentAt: sentAt)
        }
        if builder.coveredTo > builder.fetchOffset {
            let range = builder.fetchOffset..<builder.coveredTo
            cluster.desk.serveDemands(partition, in: range)
            cluster.desk.serveWaiters(partition)
        }
    }

    /// The demand is not in flight any more.
    private func settled(_ item: PointFetch.Item, _ body: () -> Void) {
        item.partition.sentDemands -= 1
        body()
        if !item.partition.demands.isEmpty { queue(item.partition) }
    }

    private func abandoned(_ item: PointFetch.Item) {
        let waiting = item.demand.readers
        item.demand.readers = []
        for reader in waiting {
            reader.place = .nowhere
            cluster.desk.resolve(reader)
        }
    }

    /// KIP-595: what we read before this offset is not what the leader has.
    private func diverged(_ item: PointFetch.Item, _ diverging: FetchResponse.EpochEndOffset) {
        let partition = item.partition
        cluster.log(
            .warning, "\(partition.name): truncated to \(diverging.endOffset) by its leader")
        partition.log.truncate(to: diverging.endOffset)
        partition.requeue(item.demand)
    }

    private func refused(
        _ item: PointFetch.Item, _ answer: FetchResponse.Partition, _ response: FetchResponse
    ) {
        cluster.counters.errors[answer.errorCode, default: 0] += 1
        switch cluster.verdict(item.partition, answer, response, leaderEpoch: item.leaderEpoch) {
        case .fail(let failure): cluster.desk.fail(item.demand, failure)
        case .outOfRange(let position):
            let waiting = item.demand.readers
            item.demand.readers = []
            for reader in waiting {
                reader.place = .nowhere
                cluster.tellRange(reader, item.partition, position)
            }
        case .retry(let failure):
            for reader in item.demand.readers { reader.lastFailure = failure }
            item.partition.requeue(item.demand)
        }
    }

    private func requeue(_ item: PointFetch.Item, after error: KafkaError?) {
        if let error {
            cluster.counters.errors[error.rawValue, default: 0] += 1
            pause(item.partition)
        } else {
            item.partition.isStarved = true
        }
        item.demand.starvations += 1
        item.partition.requeue(item.demand)
    }

    /// The connection ended before the answer came.
    func lost(_ fetch: PointFetch, _ failure: KafkaFailure) {
        cluster.cache.outstandingReadBytes -= fetch.outstandingBytes
        for item in fetch.items {
            settled(item) {
                guard !item.partition.isAbandoned else { return abandoned(item) }
                for reader in item.demand.readers { reader.lastFailure = failure }
                item.partition.requeue(item.demand)
            }
        }
    }
}
