import Timing

/// All reads that are not finished: where each one waits, until when, and what it is told.
final class ReadDesk {
    unowned(unsafe) let cluster: Cluster
    private var readers: [ReadToken: Reader] = [:]
    private var deadlines = DeadlineHeap<ReadToken>()

    init(_ cluster: Cluster) { self.cluster = cluster }

    var count: Int { readers.count }

    func isWaiting(_ reader: Reader) -> Bool { readers[reader.token] === reader }

    // MARK: Coming and going

    func start(_ token: ReadToken, _ request: ReadRequest) {
        let reader = Reader(
            token, request, now: cluster.now,
            timeoutMilliseconds: cluster.settings.requestTimeoutMilliseconds)
        precondition(readers[token] == nil, "a read token is used twice")
        readers[token] = reader
        guard readers.count <= cluster.limits.waitingReadersMax else {
            let text = "too many waiting reads"
            return fail(reader, KafkaFailure(kind: .limit, text: text, cause: text))
        }
        resolve(reader)
        guard readers[token] === reader else { return }
        if reader.deadline != .distantFuture { deadlines.insert(token, at: reader.deadline) }
        if let until = request.waitUntil, until > cluster.now, until < reader.deadline {
            deadlines.insert(token, at: until)
        }
    }

    func cancel(_ token: ReadToken) {
        guard let reader = readers.removeValue(forKey: token) else { return }
        takeOut(reader)
        forgetStaleDeadlines()
    }

    private func forgetStaleDeadlines() {
        guard deadlines.count > 2 * readers.count + 1_024 else { return }
        deadlines.removeAll { readers[$0] == nil }
    }

    private func takeOut(_ reader: Reader) {
        reader.partition = nil
        switch reader.place {
        case .nowhere: break
        case .topic(let topic): topic.readers.removeAll { $0 === reader }
        case .demand(let demand): demand.remove(reader)
        case .tail(let follow):
            follow.remove(reader)
            follow.lastWaiterAt = cluster.now
        }
        reader.place = .nowhere
    }

    // MARK: Answers

    private func finish(_ reader: Reader, _ outcome: ReadOutcome) {
        takeOut(reader)
        readers[reader.token] = nil
        cluster.emit(.readFinished(reader.token, outcome))
        forgetStaleDeadlines()
    }

    func fail(_ reader: Reader, _ failure: KafkaFailure) { finish(reader, .failed(failure)) }

    /// A live subscription outlives what may pass; everybody else is told.
    func failOrPark(_ reader: Reader, _ failure: KafkaFailure) {
        guard reader.isLive, failure.isRetriable else { return fail(reader, failure) }
        reader.lastFailure = failure
        let topic = cluster.keeper.topic(reader.request.topic)
        takeOut(reader)
        awaitTopic(reader, topic)
        cluster.keeper.wantAgain(topic)
    }

    private func empty(_ reader: Reader, _ partition: Partition) {
        let position = reader.isFresh ? partition.position : .unknown
        finish(reader, .empty(position, nextOffset: reader.offset))
    }

    // MARK: Places

    /// From the name to the partition, by way of the metadata where that is not known.
    func resolve(_ reader: Reader) {
        let request = reader.request
        guard !request.topic.isEmpty,
            request.topic.utf8.count <= cluster.limits.topicNameBytesMax
        else { return fail(reader, .unknownTopic(cause: "no such name can be")) }
        let topic = cluster.keeper.topic(request.topic)
        switch topic.state {
        case .known:
            if let partition = topic.partitions[request.partition] {
                reader.partition = partition
                return attempt(reader, partition)
            }
            // It may have been added since.
            guard isOld(topic) else {
                return fail(
                    reader, .unknownPartition(cause: "\(topic.name)-\(request.partition)"))
            }
        case .failed(let failure):
            if !isOld(topic) { return failOrPark(reader, failure) }
        case .unknown: break
        }
        if let outage = cluster.keeper.currentOutage {
            return failOrPark(reader, outage.asBootstrapFailure)
        }
        awaitTopic(reader, topic)
        cluster.keeper.want(topic)
    }

    private func isOld(_ topic: Topic) -> Bool {
        guard let askedAt = topic.askedAt else { return true }
        let age = cluster.limits.metadataMinAgeMilliseconds
        return askedAt.adding(milliseconds: age) <= cluster.now
    }

    private func awaitTopic(_ reader: Reader, _ topic: Topic) {
        reader.place = .topic(topic)
        reader.partition = nil
        topic.readers.append(reader)
    }

    /// Serves the reader from the cache, or queues it for the tail or for a point read.
    func attempt(_ reader: Reader, _ partition: Partition) {
        let waitOffset: Int64
        switch serve(reader, partition) {
        case .served: return
        case .waitsAt(let offset): waitOffset = offset
        }
        if reader.offset < 0 { return cluster.tellRange(reader, partition) }
        if reader.waits(at: cluster.now), let follow = partition.follow(reader.request.isolation),
            follow.position == waitOffset, partition.leader != nil
        {
            return join(reader, follow)
        }
        if let outage = cluster.keeper.currentOutage, partition.leader?.lastFailure != nil {
            return failOrPark(reader, outage)
        }
        demand(reader, partition, at: waitOffset)
    }

    func demand(_ reader: Reader, _ partition: Partition, at offset: Int64) {
        let demand = partition.demand(at: offset, reader.request.isolation)
        demand.readers.append(reader)
        reader.place = .demand(demand)
        cluster.pointReader.queue(partition)
        if partition.leader == nil { cluster.keeper.wantAgain(partition.topic) }
    }

    private func join(_ reader: Reader, _ follow: Follow) {
        // A poll in flight is a request that will tell of records to come; it is as good as one
        // that is sent now.
        if follow.isPolled { reader.hasSeenEnd = true }
        follow.waiters.append(reader)
        follow.lastWaiterAt = cluster.now
        follow.unclaimedBytes = 0
        reader.place = .tail(follow)
        cluster.needsFlush = true
    }

    enum Service {
        case served
        /// Nothing, or not enough, is cached before this offset.
        case waitsAt(Int64)
    }

    /// `early`: more is on its way, so that only a full answer counts.
    private func serve(
        _ reader: Reader, _ partition: Partition, early: Bool = false
    ) -> Service {
        let request = reader.request
        while let found = cluster.cache.records(
            of: partition.log, from: reader.offset, isolation: request.isolation,
            limit: max(0, request.maxBytes))
        {
            guard found.recordCount > 0 else {
                reader.offset = found.nextOffset
                continue
            }
            let isEnough =
                found.isCut || reader.takesWhatIsThere
                || (!early
                    && (found.byteCount >= request.minBytes || !reader.waits(at: cluster.now)))
            guard isEnough else { return .waitsAt(found.nextOffset) }
            deliver(reader, partition, found)
            return .served
        }
        return .waitsAt(reader.offset)
    }

    /// Where a reader goes on behind what is cached for it and not enough yet.
    func waitOffset(_ reader: Reader, _ partition: Partition) -> Int64 {
        cluster.cache.records(
            of: partition.log, from: reader.offset, isolation: reader.request.isolation,
            limit: max(0, reader.request.maxBytes))?.nextOffset ?? reader.offset
    }

    private func deliver(_ reader: Reader, _ partition: Partition, _ found: CachedRecords) {
        let follow = partition.follow(reader.request.isolation)
        let isFresh = reader.isFresh || follow?.isPolled == true
        if reader.isFresh {
            cluster.counters.readsFromBroker += 1
        } else {
            cluster.counters.readsFromCache += 1
        }
        let slice = RecordSlice(
            log: partition.log, firstOffset: found.firstOffset, nextOffset: found.nextOffset,
            byteCount: found.byteCount, recordCount: found.recordCount,
            position: isFresh ? partition.position : .unknown,
            isolation: reader.request.isolation)
        finish(reader, .records(slice))
    }

    // MARK: What responses change

    /// New records are cached: demands that are not sent yet may be served by them.
    func serveDemands(_ partition: Partition, in range: Range<Int64>) {
        for demand in partition.demands where range.contains(demand.offset) {
            let waiting = demand.readers
            demand.readers = []
            for reader in waiting {
                reader.place = .nowhere
                attempt(reader, partition)
            }
        }
    }

    /// New records are cached: whoever waited for them at the end.
    func serveWaiters(_ partition: Partition) {
        for isolation in Isolation.allCases {
            guard let follow = partition.follow(isolation) else { continue }
            let waiting = follow.waiters
            follow.waiters = []
            for reader in waiting {
                reader.place = .tail(follow)
                if case .waitsAt = serve(reader, partition) { follow.waiters.append(reader) }
            }
        }
    }

    /// A run of a response is cached, and more may push it out again: whoever has enough is served.
    func serveEarly(_ demand: Demand, _ partition: Partition) {
        let waiting = demand.readers
        demand.readers = []
        for reader in waiting {
            if case .waitsAt = serve(reader, partition, early: true) {
                demand.readers.append(reader)
            }
        }
    }

    /// The demand's request was answered and its records are cached. `end`: what the response
    /// told as the end for this isolation level.
    func settle(_ demand: Demand, _ partition: Partition, end: Int64, sentAt: Instant) {
        let waiting = demand.readers
        demand.readers = []
        for reader in waiting {
            reader.place = .nowhere
            reader.isFresh = true
            guard case .waitsAt(let offset) = serve(reader, partition) else { continue }
            if offset >= end {
                settleAtEnd(reader, partition, at: offset)
            } else if offset > demand.offset {
                self.demand(reader, partition, at: offset)
            } else {
                starve(reader, partition, demand)
            }
        }
    }

    /// The records could be read up to some offset only. Whoever stands there is told why; others
    /// get what is in front of it.
    func settleBroken(_ demand: Demand, _ partition: Partition, _ broken: RunBuilder.Failure) {
        let waiting = demand.readers
        demand.readers = []
        for reader in waiting {
            reader.place = .nowhere
            reader.isFresh = true
            reader.takesWhatIsThere = true
            if case .waitsAt = serve(reader, partition) { fail(reader, broken.failure) }
        }
    }

    private func settleAtEnd(_ reader: Reader, _ partition: Partition, at offset: Int64) {
        reader.hasSeenEnd = true
        guard reader.waits(at: cluster.now) else { return empty(reader, partition) }
        guard partition.leader != nil else { return demand(reader, partition, at: offset) }
        join(reader, cluster.tails.follow(partition, reader.request.isolation, at: offset))
    }

    /// Records are there and did not come: other partitions filled the response, or the next batch
    /// is larger than what was asked for (KIP-74).
    private func starve(_ reader: Reader, _ partition: Partition, _ starved: Demand) {
        reader.takesWhatIsThere = true
        demand(reader, partition, at: starved.offset)
        guard case .demand(let demand) = reader.place, demand !== starved else { return }
        demand.starvations = max(demand.starvations, starved.starvations + 1)
        demand.bytesMin = max(demand.bytesMin, starved.bytesMin)
        partition.isStarved = true
        if demand.starvations > 3 { cluster.pointReader.pause(partition) }
    }

    /// Everybody in the demand is told.
    func fail(_ demand: Demand, _ failure: KafkaFailure) {
        let waiting = demand.readers
        demand.readers = []
        for reader in waiting {
            reader.place = .nowhere
            fail(reader, failure)
        }
    }

    /// The tail does not reach these readers any more: point reads find out why.
    func leaveTail(_ follow: Follow) {
        let waiting = follow.waiters
        follow.waiters = []
        for reader in waiting {
            reader.place = .nowhere
            switch serve(reader, follow.partition) {
            case .served: break
            case .waitsAt(let offset): demand(reader, follow.partition, at: offset)
            }
        }
    }

    /// Fails everybody who waits for a broker that cannot be reached.
    func failAll(_ failure: KafkaFailure) {
        for topic in cluster.keeper.order {
            for index in topic.indexes {
                guard let partition = topic.partitions[index] else { continue }
                guard partition.leader?.lastFailure != nil || partition.leader == nil else {
                    continue
                }
                for reader in partition.takeReaders() { failOrPark(reader, failure) }
            }
        }
    }

    // MARK: What metadata changes

    func topicKnown(_ topic: Topic) {
        let waiting = topic.readers
        topic.readers = []
        for reader in waiting {
            reader.place = .nowhere
            resolve(reader)
        }
        for index in topic.indexes {
            if let partition = topic.partitions[index] { cluster.pointReader.queue(partition) }
        }
    }

    func topicFailed(_ topic: Topic, _ failure: KafkaFailure) {
        var waiting = topic.readers
        topic.readers = []
        for index in topic.indexes {
            guard let partition = topic.partitions[index] else { continue }
            waiting += partition.takeReaders()
        }
        for reader in waiting {
            reader.place = .nowhere
            fail(reader, failure)
        }
    }

    /// The partition does not exist any more: its readers begin anew, by name.
    func abandon(_ partition: Partition) {
        partition.isAbandoned = true
        partition.log.purge()
        cluster.setLeader(partition, nil)
        for reader in partition.takeReaders() {
            reader.place = .nowhere
            resolve(reader)
        }
    }

    // MARK: Time

    var nextDeadline: Instant { deadlines.earliest ?? .distantFuture }

    func tick() {
        while let token = deadlines.popFirst(notAfter: cluster.now) {
            if let reader = readers[token] { expire(reader) }
        }
    }

    private func expire(_ reader: Reader) {
        if let partition = reader.partition {
            if case .served = serve(reader, partition) { return }
            if reader.hasSeenEnd { return empty(reader, partition) }
            if reader.deadline <= cluster.now, reader.offset > reader.request.offset {
                return empty(reader, partition)
            }
        }
        guard reader.deadline <= cluster.now else { return }
        let what = "\(reader.request.topic)-\(reader.request.partition)"
        fail(reader, reader.lastFailure ?? .timeout(cause: "\(what): no answer in time"))
    }

    func failEverything(_ failure: KafkaFailure) {
        for token in readers.keys.sorted(by: { $0.raw < $1.raw }) {
            if let reader = readers[token] { fail(reader, failure) }
        }
    }
}

extension Partition {
    /// Everybody who waits here and whose request is not in flight.
    func takeReaders() -> [Reader] {
        var taken: [Reader] = []
        for demand in demands {
            taken += demand.readers
            demand.readers = []
        }
        demands = []
        pending = [:]
        for isolation in Isolation.allCases {
            guard let follow = follow(isolation) else { continue }
            taken += follow.waiters
            follow.waiters = []
        }
        for reader in taken { reader.place = .nowhere }
        return taken
    }
}
