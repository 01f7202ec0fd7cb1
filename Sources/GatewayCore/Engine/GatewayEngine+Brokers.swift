import KafkaCore
import SASL
import Timing

/// Who waits for a read.
enum ReadPurpose {
    case fetch(Session, PendingCommand)
    /// Records of a reply that is being written were evicted meanwhile.
    case reread(Session, PartitionLog)
    case direct(DirectRequest)

    /// Nobody waits any more.
    var hasLeft: Bool {
        switch self {
        case .fetch(let session, _): session.hasLeft
        case .reread, .direct: false
        }
    }
}

/// Who waits for a look-up.
enum RequestPurpose {
    case listOffset(Session, PendingCommand)
    case metadata(Session, PendingCommand, MetadataQuery)
    /// Where a followed partition begins.
    case start(Session, LiveSubscription, FollowedPartition, timestamp: Int64)
    /// Which partitions the topics of a subscription have.
    case partitions(Session, LiveSubscription)
    case direct(DirectRequest)

    var hasLeft: Bool {
        switch self {
        case .listOffset(let session, _), .metadata(let session, _, _),
            .start(let session, _, _, _), .partitions(let session, _):
            session.hasLeft
        case .direct: false
        }
    }
}

/// Effects of clusters in their order. What a cluster is asked while one of its effects is looked
/// at queues up behind it: a subscription that finds everything in the cache does not recurse.
struct ClusterEffectQueue {
    var waiting: [(ClusterSeat, ClusterEffect)] = []
    var spare: [ClusterEffect] = []
    var isDraining = false
}

extension GatewayEngine {
    public func brokerOpened(_ connection: BrokerConnectionID, now: Instant) {
        self.now = now
        guard let seat = brokerOwners[connection] else { return }
        call(seat) { $0.opened(connection, now: now, &$1) }
    }

    public func brokerReceived(
        _ connection: BrokerConnectionID, _ bytes: UnsafeRawBufferPointer, now: Instant
    ) {
        self.now = now
        guard let seat = brokerOwners[connection] else { return }
        call(seat) { $0.received(connection, bytes, now: now, &$1) }
    }

    /// In the middle of a large response: where the driver may receive straight into.
    public func brokerReceiveSpace(
        _ connection: BrokerConnectionID
    ) -> UnsafeMutableRawBufferPointer? {
        brokerOwners[connection]?.cluster.receiveSpace(connection)
    }

    /// `count` bytes of `brokerReceiveSpace` were filled.
    public func brokerDidReceive(
        _ connection: BrokerConnectionID, _ count: Int, now: Instant
    ) {
        self.now = now
        guard let seat = brokerOwners[connection] else { return }
        call(seat) { $0.didReceive(connection, count, now: now, &$1) }
    }

    public func brokerClosed(
        _ connection: BrokerConnectionID, _ failure: ConnectionFailure, now: Instant
    ) {
        self.now = now
        guard let seat = brokerOwners.removeValue(forKey: connection) else { return }
        call(seat) { $0.closed(connection, failure, now: now, &$1) }
    }

    public func brokerWorked(
        _ connection: BrokerConnectionID, _ result: LoginWork.Result, now: Instant
    ) {
        self.now = now
        guard let seat = brokerOwners[connection] else { return }
        call(seat) { $0.worked(connection, result, now: now, &$1) }
    }

    // MARK: Clusters

    /// The route as this loop serves it.
    func serve(_ route: Route) -> ServedRoute {
        if let present = served[ObjectIdentifier(route)] { return present }
        let service = ServedRoute(route, route.cluster.map { seat($0) })
        served[ObjectIdentifier(route)] = service
        return service
    }

    func seat(_ settings: ClusterSettings) -> ClusterSeat {
        if let present = seats.first(where: { $0.cluster.settings == settings }) {
            return present
        }
        let cluster = Cluster(
            settings: settings, cache: workshop.cache, limits: self.settings.kafka,
            random: SeededRandom(seed: random.next()), nonces: nonces,
            connectionIDs: connectionIDs)
        let seat = ClusterSeat(cluster)
        seats.append(seat)
        return seat
    }

    /// Lets go of routes that are neither in the table nor in use, and of their clusters.
    func sweep() {
        for (key, service) in served where service.sessionCount == 0 {
            if table.route(id: service.route.id) !== service.route { served[key] = nil }
        }
        var live = Set(served.values.compactMap { $0.seat.map(ObjectIdentifier.init) })
        live.formUnion(directClients.values.map { ObjectIdentifier($0.seat) })
        live.formUnion(directProducers.values.map { ObjectIdentifier($0.seat) })
        for seat in seats {
            let isLive = live.contains(ObjectIdentifier(seat))
            // Records of sessions that have left are still sent.
            seat.isKeptForRecords = !isLive && seat.isProducing
            if seat.isKeptForRecords {
                live.insert(ObjectIdentifier(seat))
            } else if !isLive {
                retire(seat)
            }
        }
        seats.removeAll { !live.contains(ObjectIdentifier($0)) }
    }

    /// Asks a cluster for something and performs what comes of it.
    func call(_ seat: ClusterSeat, _ body: (Cluster, inout [ClusterEffect]) -> Void) {
        var effects = clusterEffects.spare
        clusterEffects.spare = []
        body(seat.cluster, &effects)
        if clusterEffects.isDraining {
            for effect in effects { clusterEffects.waiting.append((seat, effect)) }
        } else {
            clusterEffects.isDraining = true
            for index in effects.indices {
                // Thousands may come at a time, and to copy an effect costs as much as this.
                if case .followerTold(let tag, let records) = effects[index] {
                    told(tag, records)
                } else {
                    perform(effects[index], seat)
                }
            }
            performWaiting()
            clusterEffects.isDraining = false
        }
        effects.removeAll(keepingCapacity: true)
        clusterEffects.spare = effects
    }

    private func performWaiting() {
        var next = 0
        while next < clusterEffects.waiting.count {
            let (seat, effect) = clusterEffects.waiting[next]
            next += 1
            perform(effect, seat)
        }
        clusterEffects.waiting.removeAll(keepingCapacity: next < 1024)
    }

    private func perform(_ effect: ClusterEffect, _ seat: ClusterSeat) {
        switch effect {
        case .connect(let connection, let endpoint, _):
            brokerOwners[connection] = seat
            effects.append(.brokerConnect(connection, endpoint, seat.cluster.settings))
        case .send(let connection, let block): effects.append(.brokerSend(connection, block))
        case .close(let connection):
            brokerOwners[connection] = nil
            effects.append(.brokerClose(connection))
        case .work(let connection, let work): effects.append(.brokerWork(connection, work))
        case .readFinished(let token, let outcome):
            if let purpose = reads.removeValue(forKey: token), !purpose.hasLeft {
                finish(purpose, outcome)
            }
        case .followerTold(let tag, let records): told(tag, records)
        case .followerPassed(let tag, let position): passed(tag, position)
        case .followerStalled(let tag, let failure): stalled(tag, failure)
        case .followerResumed(let tag): resumed(tag)
        case .followerFailed(let tag, let failure): failed(tag, failure)
        case .offsetFinished(let token, let result):
            if let purpose = requests.removeValue(forKey: token), !purpose.hasLeft {
                finish(purpose, token, result)
            }
        case .metadataFinished(let token, let result):
            if let purpose = requests.removeValue(forKey: token), !purpose.hasLeft {
                finish(purpose, token, result)
            }
        case .produced(let producer, let report): produced(report, by: producer, seat)
        case .producerHasRoom(let producer): hasRoom(producer, seat)
        case .producerFlushed(let producer, let token): flushed(token, by: producer, seat)
        case .producerTransaction(let producer, let outcome):
            transacted(outcome, by: producer, seat)
        case .producerEnded(let producer): ended(producer, seat)
        case .log(let level, let line): effects.append(.log(level, line))
        }
    }

    private func finish(_ purpose: ReadPurpose, _ outcome: ReadOutcome) {
        switch purpose {
        case .fetch(let session, let command): fetched(session, command, outcome)
        case .reread(let session, let log): reread(session, log, outcome)
        case .direct(let request): finish(request, outcome)
        }
    }

    private func finish(
        _ purpose: RequestPurpose, _ token: RequestToken,
        _ result: Result<ListedOffset, KafkaFailure>
    ) {
        switch purpose {
        case .listOffset(let session, let command): listed(session, command, result)
        case .start(let session, let subscription, let partition, let timestamp):
            subscription.lookUps.remove(token)
            located(session, subscription, partition, timestamp, result)
        case .direct(let request): finish(request, result)
        case .metadata, .partitions: assertionFailure("an offset was not asked for")
        }
    }

    private func finish(
        _ purpose: RequestPurpose, _ token: RequestToken,
        _ result: Result<[TopicDescription], KafkaFailure>
    ) {
        switch purpose {
        case .metadata(let session, let command, let query):
            described(session, command, query, result)
        case .partitions(let session, let subscription):
            subscription.lookUps.remove(token)
            partitionsFound(session, subscription, result)
        case .direct(let request): finish(request, result)
        case .listOffset, .start: assertionFailure("metadata was not asked for")
        }
    }
}
