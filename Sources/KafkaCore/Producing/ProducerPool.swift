import KafkaProducing
import Timing

/// The producers of one cluster: keeps their topics known, finds connections for their requests and
/// coordinators for their transactions, and hands on what they report.
final class ProducerPool: ClusterService {
    let context: ClusterContext
    let links: Links
    unowned(unsafe) let router: any ProduceRouter
    private var lastID: UInt64 = 0
    private var producers: [ProducerID: PooledProducer] = [:]
    /// In the order of their coming.
    private var order: [PooledProducer] = []
    private var shared: [ProducerSettings: PooledProducer] = [:]
    private var active: [PooledProducer] = []
    /// Who sends to a topic.
    private var users: [ObjectIdentifier: [PooledProducer]] = [:]
    /// Of connections without answers to a broker that has hung up.
    var hangUps: [Int32: RetryPace] = [:]
    /// Where the search for any broker goes on.
    var nextNode = 0
    private var features = TransactionFeatures()
    private var sweepAt = Instant.distantFuture
    private var isClosed = false

    init(_ context: ClusterContext, links: Links, router: any ProduceRouter) {
        self.context = context
        self.links = links
        self.router = router
    }

    subscript(id: ProducerID) -> PooledProducer? { producers[id] }

    var count: Int { order.count }

    // MARK: Producers

    func sharedProducer(_ settings: ProducerSettings) -> PooledProducer {
        precondition(settings.transactionalID == nil, "a transaction is nobody else's")
        if let known = shared[settings] {
            known.lastUsed = context.now
            return known
        }
        let producer = begin(settings, isShared: true)
        shared[settings] = producer
        return producer
    }

    func begin(_ settings: ProducerSettings, isShared: Bool = false) -> PooledProducer {
        lastID += 1
        let engine = Producer(settings, random: SeededRandom(seed: context.random.next()))
        let producer = PooledProducer(
            ProducerID(raw: lastID), engine, isShared: isShared, now: context.now)
        if isClosed { engine.shutDown(Self.closed) }
        engine.brokersHaveTransactionsV2(features.hasV2)
        producers[producer.id] = producer
        order.append(producer)
        keepSweeping()
        return producer
    }

    /// What a broker has told on a connection that is used.
    func learn(_ versions: ApiVersionTable) {
        guard features.learn(versions) else { return }
        for producer in order { producer.engine.brokersHaveTransactionsV2(features.hasV2) }
    }

    /// What was accepted is still delivered, but for an open transaction.
    func end(_ producer: PooledProducer) {
        guard producer.endsAt == nil else { return }
        _ = producer.engine.abortTransaction(now: context.now)
        _ = producer.engine.flush()
        producer.endsAt = context.now.adding(
            milliseconds: producer.engine.settings.deliveryTimeoutMilliseconds)
        activate(producer)
    }

    private func remove(_ producer: PooledProducer) {
        producer.engine.shutDown(Self.closed)
        drain(producer)
        for link in producer.topicOrder { unlink(producer, link) }
        producers[producer.id] = nil
        order.removeAll { $0 === producer }
        if producer.isShared {
            shared[producer.engine.settings] = nil
        } else {
            context.emit(.producerEnded(producer.id))
        }
    }

    /// The next turn looks at it.
    func activate(_ producer: PooledProducer) {
        context.needFlush()
        guard !producer.isActive else { return }
        producer.isActive = true
        active.append(producer)
    }

    // MARK: Topics

    /// Whoever wants to know of it is told when it is known, or refused.
    func need(_ name: String, _ producer: PooledProducer) {
        if let link = producer.topics[name] {
            if link.isTold || !link.hasNews { wantAgain(link.topic) }
            return
        }
        guard TopicName.isValid(name, bytesMax: context.limits.topicNameBytesMax) else {
            let failure = ProduceFailure(
                .notFound, code: .invalidTopicException, "no topic can have that name")
            producer.engine.refuse(name, failure, isFinal: true, now: context.now)
            return
        }
        let topic = router.topic(name)
        let link = ProducedTopic(topic, now: context.now)
        producer.add(link)
        users[ObjectIdentifier(topic), default: []].append(producer)
        if case .known = topic.state {
            producer.noteNews(of: link)
            activate(producer)
        } else {
            wantAgain(topic)
        }
        keepSweeping()
    }

    /// Who asks has had his turn when this is called at the end of ours.
    func wantAgain(_ topic: Topic) {
        guard topic.wantedFrom == nil else { return }
        router.wantAgain(topic)
        context.needFlush()
    }

    private func unlink(_ producer: PooledProducer, _ link: ProducedTopic) {
        producer.remove(link)
        let key = ObjectIdentifier(link.topic)
        users[key]?.removeAll { $0 === producer }
        if users[key]?.isEmpty == true { users[key] = nil }
    }

    /// The producer knows nothing of it any more, and asks if it wants to.
    private func forget(_ producer: PooledProducer, _ link: ProducedTopic) {
        producer.engine.forgetTopic(link.topic.name)
        unlink(producer, link)
    }

    private func tellNews(_ producer: PooledProducer) {
        for link in producer.takeNews() {
            link.isTold = true
            let leaders = link.topic.orderedPartitions.map {
                PartitionLeader(
                    index: $0.index, leader: $0.leader?.nodeID ?? -1, epoch: $0.leaderEpoch)
            }
            producer.engine.tell(link.topic.name, id: link.topic.id, leaders, now: context.now)
        }
    }

    private func noteNews(_ topic: Topic, isOther: Bool = false) {
        for producer in users[ObjectIdentifier(topic)] ?? [] {
            guard let link = producer.topics[topic.name] else { continue }
            producer.noteNews(of: link)
            if isOther { producer.engine.leadersWereWrong(topic.name) }
            activate(producer)
        }
    }

    // MARK: What metadata tells

    func topicIsKnown(_ topic: Topic) { noteNews(topic) }

    func partitionChanged(_ change: PartitionChange) {
        guard case .known = change.partition.topic.state else { return }
        // Epochs fall in another log, or after a hint that was wrong.
        noteNews(
            change.partition.topic, isOther: change.partition.leaderEpoch < change.oldEpoch)
    }

    func topicFailed(_ topic: Topic, _ failure: KafkaFailure) {
        let isFinal = failure.kind != .notFound && !failure.isRetriable
        for producer in users[ObjectIdentifier(topic)] ?? [] {
            guard let link = producer.topics[topic.name] else { continue }
            producer.forgetNews(of: link)
            link.isTold = false
            producer.engine.refuse(
                topic.name, ProduceFailure(failure), isFinal: isFinal, now: context.now)
            if producer.engine.uses(topic.name) {
                wantAgain(topic)
            } else {
                forget(producer, link)
            }
            activate(producer)
        }
    }

    func awaits(_ topic: Topic) -> Bool { users[ObjectIdentifier(topic)] != nil }

    func uses(_ partition: Partition) -> Bool {
        users[ObjectIdentifier(partition.topic)]?.contains {
            $0.engine.uses(partition.topic.name, partition.index)
        } ?? false
    }

    // MARK: What is learned of brokers

    func brokerFailed(_ broker: Broker, _ failure: KafkaFailure) { coordinatorLost(broker) }
    func brokerIsGone(_ broker: Broker) { coordinatorLost(broker) }

    /// Which request it was, nobody tells: the leaders may be others, or the topics not be ours.
    func brokerHasHungUp(_ broker: Broker) {
        guard let node = broker.nodeID else { return }
        var pace =
            hangUps[node]
            ?? RetryPace(
                initialMilliseconds: KafkaLimits.firstRetryMilliseconds,
                maximumMilliseconds: context.settings.retryBackoffMaxMilliseconds)
        pace.delay(from: context.now, &context.random)
        hangUps[node] = pace
        for producer in order where producer.role == .unansweredProducer {
            for link in producer.topicOrder
            where link.topic.partitions.values.contains(where: { $0.leader === broker }) {
                wantAgain(link.topic)
            }
            activate(producer)
        }
    }

    private func coordinatorLost(_ broker: Broker) {
        guard let node = broker.nodeID else { return }
        for producer in order where producer.coordinator == node {
            lostCoordinator(producer)
        }
    }

    func topicsAsked(of broker: Broker) -> [Topic] {
        broker.purposes(ProduceInFlight.self).flatMap(\.topics)
    }

    func awaits(_ role: ConnectionRole, _ broker: Broker) -> Bool {
        guard let node = broker.nodeID else { return false }
        return order.contains {
            $0.role == role && $0.engine.nodesToServe(context.now).contains(node)
        }
    }

    // MARK: Turns and time

    func flush() {
        var budget = context.limits.produceBytesPerTurn
        let now = context.now
        let turn = active
        active = []
        for producer in turn { producer.isActive = false }
        for producer in turn where self[producer.id] != nil {
            serve(producer, &budget)
            if producer.endsAt != nil, producer.engine.isIdle { remove(producer) }
        }
        // Whoever had no room waits for a connection, which wakes us; who goes first changes.
        let left = turn.filter { self[$0.id] != nil && $0.hasWork(now) && !$0.isActive }
        for producer in left.dropFirst() + left.prefix(1) {
            producer.isActive = true
            active.append(producer)
        }
        if budget <= 0 { context.needFlush() }
    }

    private func serve(_ producer: PooledProducer, _ budget: inout Int) {
        producer.engine.tick(context.now)
        drain(producer)
        tellNews(producer)
        send(producer, &budget)
        drain(producer)
        ask(producer)
        drain(producer)
    }

    var nextDeadline: Instant {
        let earliest = order.reduce(sweepAt) { min($0, $1.nextDeadline) }
        let resumptions = hangUps.values.compactMap(\.retryAt).filter { $0 > context.now }
        return min(earliest, resumptions.min() ?? .distantFuture)
    }

    func tick() {
        for producer in order where producer.nextDeadline <= context.now {
            if let at = producer.endsAt, at <= context.now {
                remove(producer)
            } else {
                producer.engine.tick(context.now)
                activate(producer)
            }
        }
        guard sweepAt <= context.now else { return }
        sweepAt = .distantFuture
        sweep()
        keepSweeping()
    }

    /// Looks at times for what nobody uses, while there is something that may be that.
    private func keepSweeping() {
        guard sweepAt == .distantFuture,
            order.contains(where: { $0.isShared || !$0.topicOrder.isEmpty })
        else { return }
        sweepAt = context.now.adding(milliseconds: context.limits.producerIdleMilliseconds / 2)
    }

    private func sweep() {
        let limits = context.limits
        for producer in order {
            for link in producer.topicOrder {
                let keptUntil = link.lastUsed.adding(
                    milliseconds: limits.producedTopicIdleMilliseconds)
                guard keptUntil <= context.now, !producer.engine.uses(link.topic.name) else {
                    continue
                }
                forget(producer, link)
            }
            guard producer.isShared, producer.engine.isIdle, producer.engine.bufferedBytes == 0
            else { continue }
            let keptUntil = producer.lastUsed.adding(
                milliseconds: limits.producerIdleMilliseconds)
            if keptUntil <= context.now { remove(producer) }
        }
    }

    static let closed = ProduceFailure(.closed, "the client is shut down")

    func failEverything(_ failure: KafkaFailure) { endAll() }

    func endAll() {
        isClosed = true
        for producer in order { remove(producer) }
        active = []
    }
}
