import KafkaProtocol
import Timing

/// Reads at any offset: requests that the broker answers at once, each for one offset of many
/// partitions. Equal reads are one; what an answer brings beyond its readers serves others.
final class PointReader {
    unowned(unsafe) let cluster: Cluster
    /// Partitions that wait for their `retryAt`.
    var paused: [Partition] = []

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
        guard
            let version = connection.versions.version(
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
            if partition.demands.isEmpty {
                partition.isQueued = false
            } else {
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
        if demand.confirms { return 1 }
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
        request.topics = FetchTopics.grouped(
            fetch.items.map { item in
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
}
