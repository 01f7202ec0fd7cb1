import KafkaProtocol
import Timing

/// Looks up offsets by timestamp: one request at a time and broker, with everything that waits for
/// it. A broker refuses a partition named twice, so other timestamps go with the next request.
final class OffsetLister {
    unowned(unsafe) let cluster: Cluster
    var lookups: [ObjectIdentifier: OffsetLookup] = [:]
    private var tokens: [RequestToken: OffsetLookup] = [:]
    private var deadlines = DeadlineHeap<OffsetLookup>()
    /// Wait for a pause after an error.
    var paused: [(at: Instant, lookup: OffsetLookup)] = []

    init(_ cluster: Cluster) { self.cluster = cluster }

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
        lookups[ObjectIdentifier(lookup)] = nil
    }

    func finish(_ lookup: OffsetLookup, _ result: Result<ListedOffset, KafkaFailure>) {
        guard !lookup.isDone else { return }
        lookup.isDone = true
        lookups[ObjectIdentifier(lookup)] = nil
        if let token = lookup.token { tokens[token] = nil }
        lookup.completion(result)
    }

    // MARK: Places

    func resolve(_ lookup: OffsetLookup) {
        guard !lookup.topic.isEmpty, lookup.topic.utf8.count <= cluster.limits.topicNameBytesMax
        else { return finish(lookup, .failure(.unknownTopic(cause: "no such name can be"))) }
        let topic = cluster.keeper.topic(lookup.topic)
        let isOld =
            topic.askedAt.map {
                $0.adding(milliseconds: cluster.limits.metadataMinAgeMilliseconds) <= cluster.now
            } ?? true
        switch topic.state {
        case .known:
            if let partition = topic.partitions[lookup.partition] {
                return queue(lookup, partition)
            }
            guard isOld else {
                let cause = "\(lookup.topic)-\(lookup.partition)"
                return finish(lookup, .failure(.unknownPartition(cause: cause)))
            }
        case .failed(let failure):
            if !isOld { return finish(lookup, .failure(failure)) }
        case .unknown: break
        }
        if let outage = cluster.keeper.currentOutage {
            return finish(lookup, .failure(outage.asBootstrapFailure))
        }
        topic.lookups.append(lookup)
        cluster.keeper.want(topic)
    }

    private func queue(_ lookup: OffsetLookup, _ partition: Partition) {
        if let outage = cluster.keeper.currentOutage, partition.leader?.lastFailure != nil {
            return finish(lookup, .failure(outage))
        }
        guard let leader = partition.leader else {
            partition.topic.lookups.append(lookup)
            return cluster.keeper.wantAgain(partition.topic)
        }
        leader.lookups.append(lookup)
        cluster.needsFlush = true
    }

    func topicKnown(_ topic: Topic) {
        let waiting = topic.lookups
        topic.lookups = []
        for lookup in waiting where !lookup.isDone { resolve(lookup) }
    }

    func topicFailed(_ topic: Topic, _ failure: KafkaFailure) {
        let waiting = topic.lookups
        topic.lookups = []
        for lookup in waiting { finish(lookup, .failure(failure)) }
    }

    /// The broker is gone: look the leaders up again.
    func takeBack(_ broker: Broker) {
        let waiting = broker.lookups
        broker.lookups = []
        for lookup in waiting where !lookup.isDone { resolve(lookup) }
    }

    /// The broker does not lead the partition any more: it may not even be there to say so.
    func takeBack(_ broker: Broker, _ partition: Partition) {
        let waiting = broker.lookups.filter {
            $0.partition == partition.index && $0.topic == partition.topic.name
        }
        guard !waiting.isEmpty else { return }
        broker.lookups.removeAll { lookup in waiting.contains { $0 === lookup } }
        for lookup in waiting where !lookup.isDone { resolve(lookup) }
    }

    /// No broker answers.
    func failAll(_ failure: KafkaFailure) {
        for broker in cluster.links.brokers where broker.lastFailure != nil {
            let waiting = broker.lookups
            broker.lookups = []
            for lookup in waiting { finish(lookup, .failure(failure)) }
        }
        for (_, lookup) in paused { finish(lookup, .failure(failure)) }
        paused = []
    }

    func failEverything(_ failure: KafkaFailure) {
        let all = tokens.keys.sorted { $0.raw < $1.raw }.compactMap { tokens[$0] }
        for lookup in all { finish(lookup, .failure(failure)) }
        lookups = [:]
    }

    // MARK: Asking

    func flush() {
        for broker in cluster.links.brokers {
            broker.lookups.removeAll(where: \.isDone)
            guard !broker.lookups.isEmpty, let connection = cluster.links.freeControl(broker)
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
            timeoutMilliseconds: Int32(clamping: cluster.settings.requestTimeoutMilliseconds))
        connection.send(
            request, version: version, errand: .listOffsets(batch),
            timeoutMilliseconds: cluster.settings.requestTimeoutMilliseconds, now: cluster.now,
            cluster)
    }

    private func gather(_ broker: Broker, _ version: Int16) -> OffsetBatch {
        let waiting = broker.lookups
        broker.lookups = []
        let batch = OffsetBatch(broker, waiting.first?.isolation ?? .readUncommitted)
        var places: [ObjectIdentifier: Int] = [:]
        for lookup in waiting {
            guard version >= Self.leastVersion(of: lookup.timestamp) else {
                let cause = "timestamp \(lookup.timestamp) at ListOffsets version \(version)"
                let code = KafkaError.unsupportedVersion.rawValue
                finish(lookup, .failure(.kafka(code, cause: cause)))
                continue
            }
            guard let partition = cluster.keeper.topic(lookup.topic).partitions[lookup.partition]
            else {
                resolve(lookup)
                continue
            }
            if !add(lookup, partition, to: batch, &places) { broker.lookups.append(lookup) }
        }
        return batch
    }

    private func add(
        _ lookup: OffsetLookup, _ partition: Partition, to batch: OffsetBatch,
        _ places: inout [ObjectIdentifier: Int]
    ) -> Bool {
        guard lookup.isolation == batch.isolation else { return false }
        guard let place = places[ObjectIdentifier(partition)] else {
            places[ObjectIdentifier(partition)] = batch.entries.count
            batch.entries.append(
                OffsetBatch.Entry(
                    partition: partition, timestamp: lookup.timestamp, lookups: [lookup]))
            return true
        }
        guard batch.entries[place].timestamp == lookup.timestamp else { return false }
        batch.entries[place].lookups.append(lookup)
        return true
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
        min(
            deadlines.earliest ?? .distantFuture,
            paused.map(\.at).min() ?? .distantFuture)
    }

    func tick() {
        while let (_, lookup) = deadlines.popFirst(notAfter: cluster.now) {
            let what = "\(lookup.topic)-\(lookup.partition): no answer in time"
            let partitions = cluster.keeper.knownTopic(lookup.topic)?.partitions
            let cause = lookup.lastFailure ?? partitions?[lookup.partition]?.leader?.lastFailure
            finish(lookup, .failure(cause ?? .timeout(cause: what)))
        }
        let due = paused.filter { $0.at <= cluster.now }
        paused.removeAll { $0.at <= cluster.now }
        for (_, lookup) in due where !lookup.isDone { resolve(lookup) }
    }
}
