import Timing

/// All reads that are not finished: where each one waits, until when, and what it is told.
final class ReadDesk: ClusterService {
    let context: ClusterContext
    let state: ReadState
    unowned(unsafe) let router: any ReadRouter
    private(set) lazy var judge = FetchJudge(context, router: router, owner: self)
    private(set) lazy var points = PointReader(state, judge, router: router, owner: self)
    private(set) lazy var walks = FollowerWalks(state)
    private(set) lazy var tails = Tails(state, judge, router: router, owner: self)
    /// Those that wait for what is to be known of their topics.
    var waitingForTopics = TopicWaiters<Reader>()
    private var readers = NumberTable<ReadToken, Reader>()
    /// Names of readers that fetch for followers: no caller's.
    private var lastOwnToken: UInt64 = 1 << 63
    private var deadlines = DeadlineHeap<ReadToken>()
    /// Partitions that are read at a replica, by when its leader is asked again.
    var leases = DeadlineHeap<PartitionReads>()

    init(_ state: ReadState, router: any ReadRouter) {
        self.state = state
        self.router = router
        context = state.context
    }

    /// Reads that are not finished, and followers of which something is to come.
    var count: Int { readers.count + state.waitingFollowers }

    func isWaiting(_ reader: Reader) -> Bool { readers[reader.token] === reader }

    // MARK: Coming and going

    func start(_ token: ReadToken, _ request: ReadRequest) {
        let reader = Reader(
            token, request, now: context.now,
            timeoutMilliseconds: context.settings.requestTimeoutMilliseconds)
        precondition(readers[token] == nil, "a read token is used twice")
        readers[token] = reader
        guard readers.count <= context.limits.waitingReadersMax else {
            return fail(reader, .tooManyReaders)
        }
        resolve(reader)
        guard readers[token] === reader else { return }
        if reader.deadline != .distantFuture { deadlines.insert(token, at: reader.deadline) }
        if let until = request.waitUntil, until > context.now, until < reader.deadline {
            deadlines.insert(token, at: until)
        }
    }

    func cancel(_ token: ReadToken) {
        if let reader = readers[token] { end(reader) }
    }

    /// Forgets it.
    func end(_ reader: Reader) {
        takeOut(reader)
        readers[reader.token] = nil
        forgetStaleDeadlines()
    }

    func nextToken() -> ReadToken {
        lastOwnToken += 1
        return ReadToken(raw: lastOwnToken)
    }

    func add(_ reader: Reader) { readers[reader.token] = reader }

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
    func waiting(on partition: PartitionReads) -> [Reader] {
        readers.values.filter { $0.partition === partition }
            .sorted { $0.token.raw < $1.token.raw }
    }

    func takeOut(_ reader: Reader) {
        reader.partition = nil
        switch reader.place {
        case .nowhere: break
        case .topic(let topic): waitingForTopics.remove(reader, from: topic)
        case .demand(let demand):
            demand.readers.remove(reader)
            points.forgetUnwanted(demand)
        case .tail(let follow):
            follow.leave(reader, now: context.now)
        }
        reader.place = .nowhere
    }

    // MARK: Answers

    func finish(_ reader: Reader, _ outcome: ReadOutcome) {
        end(reader)
        if let follower = reader.follower { return finish(follower, reader, outcome) }
        context.emit(.readFinished(reader.token, outcome))
    }

    func fail(_ reader: Reader, _ failure: KafkaFailure) { finish(reader, .failed(failure)) }

    /// A live subscription outlives what may pass, and others wait it out if they asked to;
    /// everybody else is told.
    func failOrPark(_ reader: Reader, _ failure: KafkaFailure) {
        // Where no broker has ever answered, the settings may be wrong.
        let waits = reader.request.waitsOutTrouble && router.hasDescription
        guard reader.isLive || waits, failure.isRetriable, reader.deadline > context.now else {
            return fail(reader, failure)
        }
        stall(reader, failure)
        let topic = router.topic(reader.request.topic)
        takeOut(reader)
        awaitTopic(reader, topic)
        router.wantAgain(topic)
    }

    func empty(_ reader: Reader, _ partition: PartitionReads) {
        finish(reader, .empty(position(reader, partition), nextOffset: reader.offset))
    }

    // MARK: Time

    var hasWork: Bool {
        state.decoder.hasWork || points.hasWork || !walks.isEmpty || !walks.returning.isEmpty
    }

    /// A bounded piece of what is to be decoded and told.
    func work(budgetBytes: Int) {
        state.decoder.work(budgetBytes: budgetBytes)
        tellFollowers(budgetBytes: budgetBytes)
    }

    func flush() {
        points.flush()
        tails.flush()
        state.brokers.settle()
    }

    var nextDeadline: Instant {
        min(
            min(deadlines.earliest ?? .distantFuture, leases.earliest ?? .distantFuture),
            min(points.nextDeadline, tails.nextDeadline))
    }

    func tick() {
        endLeases()
        points.tick()
        tails.tick()
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
                follow.leave(reader, now: context.now)
                reader.place = .nowhere
                return attempt(reader, partition)
            }
        }
        guard isOver else { return }
        let request = reader.request
        fail(reader, router.reason(request.topic, request.partition, reader.lastFailure))
    }

    func failEverything(_ failure: KafkaFailure) {
        for token in readers.keys.sorted(by: { $0.raw < $1.raw }) {
            if let reader = readers[token] { fail(reader, failure) }
        }
        for partition in state.partitions.all {
            for reader in takeFollowers(of: partition) { fail(reader, failure) }
        }
        while let follower = walks.takeReturning() { fail(begin(follower), failure) }
    }
}

extension KafkaFailure {
    static var tooManyReaders: KafkaFailure {
        let text = "too many waiting reads"
        return KafkaFailure(kind: .limit, text: text, cause: text)
    }
}
