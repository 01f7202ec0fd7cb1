import KafkaProtocol
import Timing

/// Looks up offsets by timestamp: one request at a time and broker, with everything that waits for
/// it. A broker refuses a partition named twice, so other timestamps go with the next request.
final class OffsetLister: ClusterService {
    let context: ClusterContext
    let links: Links
    unowned(unsafe) let router: any OffsetRouter
    private var partitions = PartitionTable<PartitionLookups>()
    private var brokers = BrokerTable<BrokerLookups>()
    /// Those that wait for what is to be known of their topics.
    private var waiting = TopicWaiters<OffsetLookup>()
    var lookups: [ObjectIdentifier: OffsetLookup] = [:]
    private var tokens: [RequestToken: OffsetLookup] = [:]
    private var deadlines = DeadlineHeap<OffsetLookup>()
    /// Wait for the end of a pause after an error.
    private var paused = SlotList<OffsetLookup>()
    private var pauseEnds = DeadlineHeap<OffsetLookup>()

    init(_ context: ClusterContext, links: Links, router: any OffsetRouter) {
        self.context = context
        self.links = links
        self.router = router
    }

    private func entry(of partition: Partition) -> PartitionLookups {
        if let known = partitions[partition] { return known }
        let lookups = PartitionLookups(
            partition, backoffMaxMilliseconds: context.settings.retryBackoffMaxMilliseconds)
        partitions.insert(lookups)
        return lookups
    }

    private func entry(of broker: Broker) -> BrokerLookups {
        if let known = brokers[broker] { return known }
        let lookups = BrokerLookups(broker)
        brokers.insert(lookups)
        return lookups
    }

    func start(_ lookup: OffsetLookup) {
        lookups[ObjectIdentifier(lookup)] = lookup
        if let token = lookup.token { tokens[token] = lookup }
        resolve(lookup)
        guard !lookup.isDone else { return }
        deadlines.insert(lookup, at: lookup.deadline)
        if deadlines.count > 2 * lookups.count + 1_024 { deadlines.removeAll(where: \.isDone) }
    }

    func cancel(_ token: RequestToken) {
        guard let lookup = tokens.removeValue(forKey: token) else { return }
        lookup.isDone = true
        takeOut(lookup)
        lookups[ObjectIdentifier(lookup)] = nil
    }

    func finish(_ lookup: OffsetLookup, _ result: Result<ListedOffset, KafkaFailure>) {
        guard !lookup.isDone else { return }
        lookup.isDone = true
        takeOut(lookup)
        lookups[ObjectIdentifier(lookup)] = nil
        if let token = lookup.token { tokens[token] = nil }
        lookup.completion(result)
    }

    private func takeOut(_ lookup: OffsetLookup) {
        switch lookup.place {
        case .nowhere: break
        case .topic(let topic): waiting.remove(lookup, from: topic)
        case .demand(let demand):
            demand.lookups.remove(lookup)
            forgetUnwanted(demand)
        case .pause: paused.remove(lookup)
        }
        lookup.place = .nowhere
    }

    private func forgetUnwanted(_ demand: OffsetDemand) {
        guard !demand.isSent, !demand.isWanted, let queue = demand.partition.queue else {
            return
        }
        queue.demands.remove(demand)
        if queue.demands.isEmpty { unqueue(queue) }
    }

    private func unqueue(_ queue: LookupQueue) {
        if let leader = queue.partition.partition.leader {
            brokers[leader]?.queues.remove(queue)
        }
        queue.partition.queue = nil
    }

    // MARK: Places

    func resolve(_ lookup: OffsetLookup) {
        switch router.place(lookup.topic, lookup.partition) {
        case .partition(let partition): queue(lookup, partition)
        case .awaited(let topic): awaitTopic(lookup, topic)
        case .none(let failure), .trouble(let failure): finish(lookup, .failure(failure))
        }
    }

    private func awaitTopic(_ lookup: OffsetLookup, _ topic: Topic) {
        lookup.place = .topic(topic)
        waiting.append(lookup, for: topic)
    }

    private func queue(_ lookup: OffsetLookup, _ partition: Partition) {
        if let outage = router.currentOutage, partition.leader?.hasFailed == true {
            return finish(lookup, .failure(outage))
        }
        guard let leader = partition.leader else {
            awaitTopic(lookup, partition.topic)
            return router.wantAgain(partition.topic)
        }
        let lookups = entry(of: partition)
        if let retryAt = lookups.pace.retryAt, retryAt > context.now {
            return pause(lookup, until: retryAt)
        }
        let queue = lookups.queue ?? LookupQueue(lookups)
        if lookups.queue == nil {
            lookups.queue = queue
            let leader = entry(of: leader)
            leader.queues.append(queue)
            brokers.activate(leader)
        }
        let demand = demand(for: lookup, in: queue)
        demand.lookups.append(lookup)
        lookup.place = .demand(demand)
        context.needFlush()
    }

    private func demand(for lookup: OffsetLookup, in queue: LookupQueue) -> OffsetDemand {
        let key = JoinKey(value: lookup.timestamp, isolation: lookup.isolation)
        if let demand = queue.demands[key] { return demand }
        let demand = OffsetDemand(queue.partition, key)
        queue.demands.append(demand)
        return demand
    }

    // MARK: What metadata tells

    func awaits(_ topic: Topic) -> Bool { !waiting.isEmpty(topic) }

    func uses(_ partition: Partition) -> Bool { partitions[partition]?.queue != nil }

    func topicIsKnown(_ topic: Topic) {
        for lookup in waiting.takeAll(topic) where !lookup.isDone { resolve(lookup) }
    }

    func topicFailed(_ topic: Topic, _ failure: KafkaFailure) {
        for lookup in waiting.takeAll(topic) { finish(lookup, .failure(failure)) }
    }

    func topicIsOutOfReach(_ topic: Topic, _ failure: KafkaFailure) {
        topicFailed(topic, failure)
    }

    /// Whoever waits asks the leader of today.
    func partitionChanged(_ change: PartitionChange) {
        guard let lookups = partitions[change.partition] else { return }
        if let old = change.oldLeader {
            if change.hasNewLeader { takeBack(lookups, from: old) }
            withdraw(lookups, from: old)
        }
        // The new leader's own answers are what makes pauses short again.
        if change.partition.leader != nil { lookups.pace.endPause() }
    }

    func partitionIsGone(_ partition: Partition) {
        guard let lookups = partitions[partition] else { return }
        partitions.remove(partition)
        guard let leader = partition.leader else { return }
        takeBack(lookups, from: leader)
        withdraw(lookups, from: leader)
    }

    func partitionIsForgotten(_ partition: Partition) { partitions.remove(partition) }

    // MARK: What is learned of brokers

    /// The broker is gone: look the leaders up again.
    func brokerIsGone(_ broker: Broker) {
        guard let gone = brokers[broker] else { return }
        brokers.remove(broker)
        for queue in gone.queues.takeAll() { resolveAll(queue) }
    }

    func topicsAsked(of broker: Broker) -> [Topic] {
        let queued = brokers[broker]?.queues.map { $0.partition.partition.topic } ?? []
        let sent = broker.purposes(OffsetBatch.self).flatMap(\.entries).filter { !$0.isAnswered }
        return queued + sent.map { $0.partition.partition.topic }
    }

    func awaits(_ role: ConnectionRole, _ broker: Broker) -> Bool {
        role == .control && brokers[broker]?.hasWork == true
    }

    /// The broker does not lead the partition any more: it may not even be there to say so.
    private func takeBack(_ lookups: PartitionLookups, from broker: Broker) {
        guard let queue = lookups.queue else { return }
        brokers[broker]?.queues.remove(queue)
        resolveAll(queue)
    }

    private func resolveAll(_ queue: LookupQueue) {
        for lookup in takeAll(queue) { resolve(lookup) }
    }

    private func takeAll(_ queue: LookupQueue) -> [OffsetLookup] {
        queue.partition.queue = nil
        let waiting = queue.demands.takeAll().flatMap { $0.lookups.takeAll() }
        for lookup in waiting { lookup.place = .nowhere }
        return waiting
    }

    /// What is in flight to a broker that does not lead the partition any more, or led it under
    /// another epoch: whoever waits asks the leader of today.
    private func withdraw(_ partition: PartitionLookups, from broker: Broker) {
        for batch in broker.purposes(OffsetBatch.self) {
            guard let place = batch.places[ObjectIdentifier(partition)],
                !batch.entries[place].isAnswered
            else { continue }
            batch.entries[place].isAnswered = true
            for lookup in batch.entries[place].demand.lookups.takeAll() {
                lookup.place = .nowhere
                resolve(lookup)
            }
        }
    }

    /// No broker answers.
    func brokersAreAway(_ failure: KafkaFailure) {
        for broker in links.brokers where broker.hasFailed {
            for queue in brokers[broker]?.queues.takeAll() ?? SlotList() {
                for lookup in takeAll(queue) { finish(lookup, .failure(failure)) }
            }
        }
        for lookup in paused.takeAll() { finish(lookup, .failure(failure)) }
    }

    /// Nothing is asked for it for a while.
    private func pause(_ lookup: OffsetLookup, until end: Instant) {
        lookup.place = .pause
        paused.append(lookup)
        pauseEnds.insert(lookup, at: end)
    }

    func failEverything(_ failure: KafkaFailure) {
        let all = tokens.keys.sorted { $0.raw < $1.raw }.compactMap { tokens[$0] }
        for lookup in all { finish(lookup, .failure(failure)) }
        // Our own: nobody is told, and a look-up and its list must not keep each other.
        for lookup in lookups.values {
            lookup.isDone = true
            takeOut(lookup)
        }
        lookups = [:]
    }

    // MARK: Asking

    func flush() {
        for lookups in brokers.active where lookups.hasWork {
            guard let connection = links.free(.control, lookups.broker) else { continue }
            ask(lookups, connection)
        }
        brokers.settle()
    }

    /// The least version that knows a special timestamp (KIP-734, 405, 1005, 1023); Java's client
    /// checks alike. A broker would take it for an ordinary one.
    private static func leastVersion(of timestamp: Int64) -> Int16 {
        switch timestamp {
        case (-2)...: 1
        case -3: 7
        case -4: 8
        case -5: 9
        case -6: 11
        default: .max
        }
    }

    private func ask(_ broker: BrokerLookups, _ connection: BrokerConnection) {
        let version = connection.versions.version(of: ListOffsetsRequest.self) ?? 0
        let batch = gather(broker, version)
        guard !batch.entries.isEmpty else { return }
        let request = ListOffsetsRequest(
            isolationLevel: batch.isolation.rawValue, topics: topics(batch),
            timeoutMilliseconds: Int32(clamping: context.settings.requestTimeoutMilliseconds))
        connection.send(
            request, version: version, for: batch,
            timeoutMilliseconds: context.settings.requestTimeoutMilliseconds)
    }

    private func gather(_ broker: BrokerLookups, _ version: Int16) -> OffsetBatch {
        let batch = OffsetBatch(self, broker.broker, firstIsolation(broker) ?? .readUncommitted)
        let most = context.limits.partitionsPerRequestMax
        var again: [LookupQueue] = []
        var skipped: [LookupQueue] = []
        while batch.entries.count < most, skipped.count < most,
            let queue = broker.queues.removeFirst()
        {
            if let demand = take(queue, batch.isolation, version) {
                demand.isSent = true
                batch.places[ObjectIdentifier(queue.partition)] = batch.entries.count
                batch.entries.append(OffsetBatch.Entry(partition: queue.partition, demand: demand))
                again.append(queue)
            } else {
                skipped.append(queue)
            }
        }
        for queue in skipped.reversed() { stay(queue) { broker.queues.prepend($0) } }
        for queue in again { stay(queue) { broker.queues.append($0) } }
        return batch
    }

    /// Of the partition that is asked first.
    private func firstIsolation(_ broker: BrokerLookups) -> Isolation? {
        while let queue = broker.queues.first {
            if let isolation = queue.demands.firstIsolation() { return isolation }
            unqueue(queue)
        }
        return nil
    }

    /// The first that the broker's version can answer; the others fail.
    private func take(
        _ queue: LookupQueue, _ isolation: Isolation, _ version: Int16
    ) -> OffsetDemand? {
        while let demand = queue.demands.takeFirst(isolation) {
            let timestamp = demand.key.value
            guard version < Self.leastVersion(of: timestamp) else { return demand }
            let cause = "timestamp \(timestamp) at ListOffsets version \(version)"
            let code = KafkaError.unsupportedVersion.rawValue
            demand.isSent = true
            for lookup in demand.lookups { finish(lookup, .failure(.kafka(code, cause: cause))) }
        }
        return nil
    }

    private func stay(_ queue: LookupQueue, _ enqueue: (LookupQueue) -> Void) {
        // One that was asked for meanwhile, by what has failed here, stands there already.
        guard queue.partition.queue === queue else { return }
        if queue.demands.isEmpty { queue.partition.queue = nil } else { enqueue(queue) }
    }

    private func topics(_ batch: OffsetBatch) -> [ListOffsetsRequest.Topic] {
        var topics: [ListOffsetsRequest.Topic] = []
        var places: [String: Int] = [:]
        for entry in batch.entries {
            let asked = ListOffsetsRequest.Partition(
                partitionIndex: entry.partition.partition.index,
                currentLeaderEpoch: entry.partition.partition.leaderEpoch,
                timestamp: entry.timestamp)
            let name = entry.partition.partition.topic.name
            if let place = places[name] {
                topics[place].partitions.append(asked)
            } else {
                places[name] = topics.count
                topics.append(ListOffsetsRequest.Topic(name: name, partitions: [asked]))
            }
        }
        return topics
    }

    // MARK: Time

    var nextDeadline: Instant {
        min(deadlines.earliest ?? .distantFuture, pauseEnds.earliest ?? .distantFuture)
    }

    func tick() {
        while let (_, lookup) = deadlines.popFirst(notAfter: context.now) {
            let reason = router.reason(
                lookup.topic, lookup.partition, lookup.lastFailure)
            finish(lookup, .failure(reason))
        }
        while let (_, lookup) = pauseEnds.popFirst(notAfter: context.now) {
            guard case .pause = lookup.place, paused.remove(lookup) else { continue }
            lookup.place = .nowhere
            resolve(lookup)
        }
    }
}
