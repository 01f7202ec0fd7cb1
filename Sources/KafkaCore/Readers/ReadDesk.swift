import Timing

/// All reads that are not finished: where each one waits, until when, and what it is told.
final class ReadDesk {
    let context: ClusterContext
    unowned(unsafe) let cluster: Cluster
    private var readers: [ReadToken: Reader] = [:]
    private var deadlines = DeadlineHeap<ReadToken>()

    init(_ cluster: Cluster) {
        self.cluster = cluster
        context = cluster.context
    }

    var count: Int { readers.count }

    func isWaiting(_ reader: Reader) -> Bool { readers[reader.token] === reader }

    // MARK: Coming and going

    func start(_ token: ReadToken, _ request: ReadRequest) {
        let reader = Reader(
            token, request, now: context.now,
            timeoutMilliseconds: context.settings.requestTimeoutMilliseconds)
        precondition(readers[token] == nil, "a read token is used twice")
        readers[token] = reader
        guard readers.count <= context.limits.waitingReadersMax else {
            let text = "too many waiting reads"
            return fail(reader, KafkaFailure(kind: .limit, text: text, cause: text))
        }
        resolve(reader)
        guard readers[token] === reader else { return }
        if reader.deadline != .distantFuture { deadlines.insert(token, at: reader.deadline) }
        if let until = request.waitUntil, until > context.now, until < reader.deadline {
            deadlines.insert(token, at: until)
        }
    }

    func cancel(_ token: ReadToken) {
        guard let reader = readers.removeValue(forKey: token) else { return }
        takeOut(reader)
        forgetStaleDeadlines()
    }

    /// It waits with records in hand, and not for long.
    func limitWait(_ reader: Reader) {
        guard reader.takesPartAt == nil else { return }
        let at = context.now.adding(milliseconds: context.limits.cacheWaitMilliseconds)
        reader.takesPartAt = at
        deadlines.insert(reader.token, at: at)
    }

    private func forgetStaleDeadlines() {
        guard deadlines.count > 2 * readers.count + 1_024 else { return }
        deadlines.removeAll { readers[$0] == nil }
    }

    /// Everybody who reads the partition, in the order of their tokens.
    func waiting(on partition: Partition) -> [Reader] {
        readers.values.filter { $0.partition === partition }
            .sorted { $0.token.raw < $1.token.raw }
    }

    func takeOut(_ reader: Reader) {
        reader.partition = nil
        switch reader.place {
        case .nowhere: break
        case .topic(let topic): topic.readers.remove(reader)
        case .demand(let demand):
            demand.readers.remove(reader)
            cluster.pointReader.forgetUnwanted(demand)
        case .tail(let follow):
            follow.waiters.remove(reader)
            follow.lastWaiterAt = context.now
        }
        reader.place = .nowhere
    }

    // MARK: Answers

    func finish(_ reader: Reader, _ outcome: ReadOutcome) {
        takeOut(reader)
        readers[reader.token] = nil
        context.emit(.readFinished(reader.token, outcome))
        forgetStaleDeadlines()
    }

    func fail(_ reader: Reader, _ failure: KafkaFailure) { finish(reader, .failed(failure)) }

    /// A live subscription outlives what may pass, and others wait it out if they asked to;
    /// everybody else is told.
    func failOrPark(_ reader: Reader, _ failure: KafkaFailure) {
        // Where no broker has ever answered, the settings may be wrong.
        let waits = reader.request.waitsOutTrouble && cluster.keeper.hasAnswered
        guard reader.isLive || waits, failure.isRetriable, reader.deadline > context.now else {
            return fail(reader, failure)
        }
        stall(reader, failure)
        let topic = cluster.keeper.topic(reader.request.topic)
        takeOut(reader)
        awaitTopic(reader, topic)
        cluster.keeper.wantAgain(topic)
    }

    func empty(_ reader: Reader, _ partition: Partition) {
        finish(reader, .empty(position(reader, partition), nextOffset: reader.offset))
    }

    // MARK: Time

    var nextDeadline: Instant { deadlines.earliest ?? .distantFuture }

    func tick() {
        while let (_, token) = deadlines.popFirst(notAfter: context.now) {
            if let reader = readers[token] { expire(reader) }
        }
    }

    private func expire(_ reader: Reader) {
        let isOver = reader.deadline <= context.now
        if let partition = reader.partition {
            if isOver || (reader.takesPartAt ?? .distantFuture) <= context.now {
                giveUpAsking(reader, partition)
            }
            if isOver { reader.takesWhatIsThere = true }
            if case .served = serve(reader, partition) { return }
            if reader.hasSeenEnd { return empty(reader, partition) }
            if isOver, reader.offset > reader.request.offset { return empty(reader, partition) }
            // No poll has told of its end.
            if !isOver, !reader.waits(at: context.now), case .tail(let follow) = reader.place {
                follow.waiters.remove(reader)
                reader.place = .nowhere
                return attempt(reader, partition)
            }
        }
        guard isOver else { return }
        let request = reader.request
        fail(reader, cluster.keeper.reason(request.topic, request.partition, reader.lastFailure))
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
        for demand in demands.takeAll() { taken += demand.readers.takeAll() }
        for isolation in Isolation.allCases {
            guard let follow = follow(isolation) else { continue }
            taken += follow.waiters.takeAll()
        }
        for reader in taken { reader.place = .nowhere }
        return taken
    }
}
