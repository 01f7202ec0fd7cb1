import KafkaProtocol
import Timing

/// Reads at any offset: requests that the broker answers at once, each for one offset of many
/// partitions. Equal reads are one; what an answer brings beyond its readers serves others.
final class PointReader {
    let context: ClusterContext
    let state: ReadState
    let judge: FetchJudge
    unowned(unsafe) let router: any ReadRouter
    unowned(unsafe) let owner: any FetchOwner
    /// Partitions that wait for the end of their pause, and some that don't any more.
    private var paused = DeadlineHeap<PartitionReads>()
    private var pausedCount = 0

    init(
        _ state: ReadState, _ judge: FetchJudge, router: any ReadRouter, owner: any FetchOwner
    ) {
        context = state.context
        self.state = state
        self.judge = judge
        self.router = router
        self.owner = owner
    }

    var cache: LogCache { state.cache }

    // MARK: The queue

    /// The partition has demands; they are sent at the end of the turn.
    func queue(_ partition: PartitionReads) {
        guard !partition.isQueued, !partition.demands.isEmpty, let leader = partition.source,
            partition.pace.retryAt == nil
        else { return }
        partition.isQueued = true
        leader.enqueue(partition)
        state.brokers.activate(leader)
        context.needFlush()
    }

    func unqueue(_ partition: PartitionReads) {
        guard partition.isQueued else { return }
        partition.isQueued = false
        partition.source?.dequeue(partition)
    }

    /// The partition goes first in the next request.
    func favour(_ partition: PartitionReads) {
        let isQueued = partition.isQueued
        unqueue(partition)
        partition.isStarved = true
        if isQueued { queue(partition) }
    }

    /// Nobody may be left who waits for what the demand would bring.
    func forgetUnwanted(_ demand: Demand) {
        guard !demand.isSent, !demand.isWanted else { return }
        let partition = demand.partition
        partition.demands.remove(demand)
        if partition.demands.isEmpty { unqueue(partition) }
    }

    /// Asks nothing of the partition for a while.
    func pause(_ partition: PartitionReads) {
        let before = partition.pace.retryAt
        context.delay(&partition.pace, .fetch)
        holdBack(partition, since: before)
    }

    private func holdBack(_ partition: PartitionReads, since before: Instant?) {
        guard let at = partition.pace.retryAt, at != before else { return }
        if before == nil { pausedCount += 1 }
        unqueue(partition)
        paused.insert(partition, at: at)
        if paused.count > 2 * pausedCount + 1_024 { paused.removeAll { $0.pace.retryAt == nil } }
    }

    func resume(_ partition: PartitionReads) {
        guard partition.pace.retryAt != nil else { return }
        partition.pace.endPause()
        pausedCount -= 1
        queue(partition)
    }

    /// The one way back into the queue for a demand that was sent. `firstAtOnce`: the answer has
    /// told how to do better.
    func askAgain(_ demand: Demand, of partition: PartitionReads, firstAtOnce: Bool) {
        if firstAtOnce {
            pauseButFirst(partition)
        } else {
            pause(partition)
        }
        partition.requeue(demand)
    }

    private func pauseButFirst(_ partition: PartitionReads) {
        guard partition.pace.retryAt == nil else { return }
        context.delayButFirst(&partition.pace, .fetch)
        holdBack(partition, since: nil)
    }

    /// What was asked of the partition has brought it forward.
    func noteProgress(_ partition: PartitionReads) {
        resume(partition)
        partition.pace.reset()
    }

    var nextDeadline: Instant { paused.earliest ?? .distantFuture }

    func tick() {
        while let (_, partition) = paused.popFirst(notAfter: context.now) {
            if partition.pace.retryAt ?? .distantFuture <= context.now { resume(partition) }
        }
    }

    // MARK: Sending

    /// Bytes of the loop's budget wait for another cluster's response.
    private(set) var isOutOfBudget = false

    var hasWork: Bool {
        isOutOfBudget && cache.outstandingReadBytes < context.limits.outstandingReadBytesMax
    }

    func flush() {
        isOutOfBudget = false
        for broker in state.brokers.active {
            while broker.hasQueue {
                guard let connection = state.links.free(.pointReads, broker.broker) else { break }
                guard cache.outstandingReadBytes < context.limits.outstandingReadBytesMax else {
                    isOutOfBudget = true
                    return
                }
                guard send(broker, connection) else { break }
            }
        }
    }

    private func send(_ broker: BrokerReads, _ connection: BrokerConnection) -> Bool {
        guard let isolation = firstIsolation(broker) else { return false }
        var fetch = gather(broker, isolation)
        // What it wants is on its way.
        if fetch.items.isEmpty { fetch = gather(broker, isolation.other) }
        guard !fetch.items.isEmpty else { return false }
        // Topic ids or names, for the whole request (KIP-516).
        let hasIDs = fetch.items.allSatisfy { $0.partition.topic.id != .zero }
        guard
            let version = connection.versions.version(
                of: FetchRequest.self, atMost: hasIDs ? .max : 12)
        else {
            let failure = KafkaFailure.kafka(
                KafkaError.unsupportedVersion.rawValue, cause: "\(broker.broker.endpoint): Fetch")
            for item in fetch.items { settled(item) { owner.fail(item.demand, failure) } }
            return false
        }
        cache.outstandingReadBytes += fetch.outstandingBytes
        connection.send(
            request(fetch), version: version, for: fetch,
            timeoutMilliseconds: context.settings.requestTimeoutMilliseconds)
        return true
    }

    /// Takes a demand from each partition in turn, favoured ones first.
    private func gather(_ broker: BrokerReads, _ isolation: Isolation) -> PointFetch {
        let fetch = PointFetch(self, broker, isolation)
        let limits = context.limits
        let budget = limits.outstandingReadBytesMax - cache.outstandingReadBytes
        var again: [PartitionReads] = []
        var skipped: [PartitionReads] = []
        while fetch.items.count < limits.partitionsPerRequestMax,
            fetch.outstandingBytes < budget || fetch.items.isEmpty,
            // Only a few are looked at in vain: those of the other isolation level.
            skipped.count < limits.partitionsPerRequestMax, let partition = broker.firstQueued
        {
            broker.dequeue(partition)
            if let demand = partition.takeDemand(fetch.isolation, bytes: limits.pointReadBytesMin) {
                add(demand, partition, fetch)
                partition.isStarved = false
                again.append(partition)
            } else {
                skipped.append(partition)
            }
        }
        // Those that were left out come first the next time.
        for partition in skipped.reversed() { stay(partition, broker.putBack) }
        for partition in again { stay(partition, broker.enqueue) }
        return fetch
    }

    /// Of the partition that is asked first; those that nobody wants any more leave.
    private func firstIsolation(_ broker: BrokerReads) -> Isolation? {
        while let partition = broker.firstQueued {
            if let isolation = partition.demands.firstIsolation() { return isolation }
            unqueue(partition)
        }
        return nil
    }

    private func stay(_ partition: PartitionReads, _ enqueue: (PartitionReads) -> Void) {
        partition.isQueued = !partition.demands.isEmpty
        if partition.isQueued { enqueue(partition) }
    }

    private func add(_ demand: Demand, _ partition: PartitionReads, _ fetch: PointFetch) {
        let before = partition.log.run(endingAt: demand.offset)
        let bytes = bytesMax(demand, readsOn: before != nil)
        fetch.items.append(
            PointFetch.Item(
                partition: partition, demand: demand, leaderEpoch: partition.leaderEpoch,
                // A replica that is behind would take its own end for a truncation.
                lastFetchedEpoch: partition.nearby == nil ? before?.leaderEpoch ?? -1 : -1,
                bytesMax: bytes))
        fetch.outstandingBytes += bytes
        partition.expect(bytes, for: demand)
    }

    /// As much as the readers want; twice that for one who reads on where the cache ends.
    private func bytesMax(_ demand: Demand, readsOn: Bool) -> Int {
        let limits = context.limits
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
        request.rackID = state.rack(for: fetch.items.lazy.map(\.partition))
        request.topics = FetchTopics.grouped(
            fetch.items.map { item in
                (
                    item.partition.partition,
                    FetchRequest.Partition(
                        partition: item.partition.index, currentLeaderEpoch: item.leaderEpoch,
                        fetchOffset: item.demand.offset, lastFetchedEpoch: item.lastFetchedEpoch,
                        partitionMaxBytes: Int32(clamping: item.bytesMax))
                )
            })
        return request
    }
}
