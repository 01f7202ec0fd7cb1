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

    func finish(_ reader: Reader, _ outcome: ReadOutcome) {
        takeOut(reader)
        readers[reader.token] = nil
        cluster.emit(.readFinished(reader.token, outcome))
        forgetStaleDeadlines()
    }

    func fail(_ reader: Reader, _ failure: KafkaFailure) { finish(reader, .failed(failure)) }

    /// A live subscription outlives what may pass; everybody else is told.
    func failOrPark(_ reader: Reader, _ failure: KafkaFailure) {
        guard reader.isLive, failure.isRetriable else { return fail(reader, failure) }
        stall([reader], failure)
        let topic = cluster.keeper.topic(reader.request.topic)
        takeOut(reader)
        awaitTopic(reader, topic)
        cluster.keeper.wantAgain(topic)
    }

    func empty(_ reader: Reader, _ partition: Partition) {
        let position = reader.isFresh ? partition.position : .unknown
        finish(reader, .empty(position, nextOffset: reader.offset))
    }

    // MARK: Time

    var nextDeadline: Instant { deadlines.earliest ?? .distantFuture }

    func tick() {
        while let (_, token) = deadlines.popFirst(notAfter: cluster.now) {
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
        // A leader that cannot be reached at all is the reason, if nothing else was told.
        let cause = reader.lastFailure ?? reader.partition?.leader?.lastFailure
        fail(reader, cause ?? .timeout(cause: "\(what): no answer in time"))
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
