import KafkaProtocol
import Timing

/// Looks up offsets by timestamp: one request at a time and broker, with everything that waits for
/// it. A broker refuses a partition named twice, so other timestamps go with the next request.
final class OffsetLister {
    let context: ClusterContext
    unowned(unsafe) let cluster: Cluster
    var lookups: [ObjectIdentifier: OffsetLookup] = [:]
    private var tokens: [RequestToken: OffsetLookup] = [:]
    private var deadlines = DeadlineHeap<OffsetLookup>()
    /// Wait for the end of a pause after an error.
    private var paused = SlotList<OffsetLookup>()
    private var pauseEnds = DeadlineHeap<OffsetLookup>()

    init(_ cluster: Cluster) {
        self.cluster = cluster
        context = cluster.context
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
        case .topic(let topic): topic.lookups.remove(lookup)
        case .demand(let demand):
            demand.lookups.remove(lookup)
            forgetUnwanted(demand)
        case .pause: paused.remove(lookup)
        }
        lookup.place = .nowhere
    }

    private func forgetUnwanted(_ demand: OffsetDemand) {
        guard !demand.isSent, !demand.isWanted, let queue = demand.partition.lookups else {
            return
        }
        queue.demands.remove(demand)
        if queue.demands.isEmpty { unqueue(queue) }
    }

    private func unqueue(_ queue: LookupQueue) {
        queue.partition.leader?.lookups.remove(queue)
        queue.partition.lookups = nil
    }

    // MARK: Places

    func resolve(_ lookup: OffsetLookup) {
        switch cluster.keeper.place(lookup.topic, lookup.partition) {
        case .partition(let partition): queue(lookup, partition)
        case .awaited(let topic): awaitTopic(lookup, topic)
        case .none(let failure), .trouble(let failure): finish(lookup, .failure(failure))
        }
    }

    private func awaitTopic(_ lookup: OffsetLookup, _ topic: Topic) {
        lookup.place = .topic(topic)
        topic.lookups.append(lookup)
    }

    private func queue(_ lookup: OffsetLookup, _ partition: Partition) {
        if let outage = cluster.keeper.currentOutage, partition.leader?.lastFailure != nil {
            return finish(lookup, .failure(outage))
        }
        guard let leader = partition.leader else {
            awaitTopic(lookup, partition.topic)
            return cluster.keeper.wantAgain(partition.topic)
        }
        if let retryAt = partition.lookupPace.retryAt, retryAt > context.now {
            return pause(lookup, until: retryAt)
        }
        let queue = partition.lookups ?? LookupQueue(partition)
        if partition.lookups == nil {
            partition.lookups = queue
            leader.lookups.append(queue)
            cluster.links.activate(leader)
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

    func topicKnown(_ topic: Topic) {
        let waiting = topic.lookups.takeAll()
        for lookup in waiting where !lookup.isDone { resolve(lookup) }
    }

    func topicFailed(_ topic: Topic, _ failure: KafkaFailure) {
        let waiting = topic.lookups.takeAll()
        for lookup in waiting { finish(lookup, .failure(failure)) }
    }

    /// The broker is gone: look the leaders up again.
    func takeBack(_ broker: Broker) {
        for queue in broker.lookups.takeAll() { resolveAll(queue) }
    }

    /// The broker does not lead the partition any more: it may not even be there to say so.
    func takeBack(_ broker: Broker, _ partition: Partition) {
        guard let queue = partition.lookups else { return }
        broker.lookups.remove(queue)
        resolveAll(queue)
    }

    private func resolveAll(_ queue: LookupQueue) {
        for lookup in takeAll(queue) { resolve(lookup) }
    }

    private func takeAll(_ queue: LookupQueue) -> [OffsetLookup] {
        queue.partition.lookups = nil
        let waiting = queue.demands.takeAll().flatMap { $0.lookups.takeAll() }
        for lookup in waiting { lookup.place = .nowhere }
        return waiting
    }

    /// What is in flight to a broker that does not lead the partition any more, or led it under
    /// another epoch: whoever waits asks the leader of today.
    func withdraw(_ partition: Partition, from broker: Broker) {
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
    func failAll(_ failure: KafkaFailure) {
        for broker in cluster.links.brokers where broker.lastFailure != nil {
            for queue in broker.lookups.takeAll() {
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
        for broker in cluster.links.active {
            guard !broker.lookups.isEmpty, let connection = cluster.links.free(.control, broker)
            else { continue }
            ask(broker, connection)
        }
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

    private func ask(_ broker: Broker, _ connection: BrokerConnection) {
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

    private func gather(_ broker: Broker, _ version: Int16) -> OffsetBatch {
        let batch = OffsetBatch(self, broker, firstIsolation(broker) ?? .readUncommitted)
        let most = context.limits.partitionsPerRequestMax
        var again: [LookupQueue] = []
        var skipped: [LookupQueue] = []
        while batch.entries.count < most, skipped.count < most,
            let queue = broker.lookups.removeFirst()
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
        for queue in skipped.reversed() { stay(queue) { broker.lookups.prepend($0) } }
        for queue in again { stay(queue) { broker.lookups.append($0) } }
        return batch
    }

    /// Of the partition that is asked first.
    private func firstIsolation(_ broker: Broker) -> Isolation? {
        while let queue = broker.lookups.first {
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
        guard queue.partition.lookups === queue else { return }
        if queue.demands.isEmpty { queue.partition.lookups = nil } else { enqueue(queue) }
    }

    private func topics(_ batch: OffsetBatch) -> [ListOffsetsRequest.Topic] {
        var topics: [ListOffsetsRequest.Topic] = []
        var places: [String: Int] = [:]
        for entry in batch.entries {
            let asked = ListOffsetsRequest.Partition(
                partitionIndex: entry.partition.index,
                currentLeaderEpoch: entry.partition.leaderEpoch, timestamp: entry.timestamp)
            let name = entry.partition.topic.name
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
            let reason = cluster.keeper.reason(
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
