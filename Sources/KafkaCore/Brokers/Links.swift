import Bytes
import SASL
import Timing

/// All brokers and connections of a cluster: who is connected to where, since when, and who may
/// try again.
final class Links {
    /// A connection, and whom it goes to. One to a bootstrap node may turn out to go to a broker.
    struct Link {
        let connection: BrokerConnection
        var broker: Broker
    }

    let context: ClusterContext
    let memory: EndpointMemory
    unowned(unsafe) let router: any BrokerRouter
    private let ids: BrokerConnectionIDs
    private let spares: SpareBlocks
    var nonces: NonceSource
    /// The brokers that metadata named, in the order of their node ids.
    private(set) var brokers: [Broker] = []
    private var byNodeID: [Int32: Broker] = [:]
    /// When nodes that failed may be tried again.
    private var retries = DeadlineHeap<Broker>()
    /// The configured nodes, until real ones are known, and when those are lost (KIP-899).
    let bootstrap: [Broker]
    private var links: [BrokerConnectionID: Link] = [:]

    init(
        _ context: ClusterContext, router: any BrokerRouter, ids: BrokerConnectionIDs,
        spares: SpareBlocks, nonces: NonceSource
    ) {
        self.context = context
        self.router = router
        self.ids = ids
        self.spares = spares
        self.nonces = nonces
        memory = EndpointMemory(context)
        bootstrap = context.settings.bootstrap.map {
            Broker(nodeID: nil, endpoint: $0, settings: context.settings)
        }
    }

    var connectionCount: Int { links.count }

    /// In the order in which they were opened.
    var ordered: [Link] {
        links.values.sorted { $0.connection.id.raw < $1.connection.id.raw }
    }

    subscript(id: BrokerConnectionID) -> BrokerConnection? { links[id]?.connection }

    func link(_ connection: BrokerConnection) -> Link? { links[connection.id] }

    func broker(_ nodeID: Int32) -> Broker? { byNodeID[nodeID] }

    // MARK: Connections

    private func open(_ role: ConnectionRole, to broker: Broker) {
        let connection = BrokerConnection(
            id: ids.next(), role: role, endpoint: broker.endpoint, memory: memory, owner: self,
            nonces: nonces, spares: spares)
        links[connection.id] = Link(connection: connection, broker: broker)
        context.counters.connectionsOpened += 1
        if broker.lostConnections > 0 {
            broker.lostConnections -= 1
            context.counters.reconnects += 1
        }
        broker.add(connection)
        context.emit(.connect(connection.id, broker.endpoint, context.settings.tls))
    }

    /// A connection of that role to `broker` on which a request can be sent at once. Opens one
    /// where all are busy, the role allows one more, and the broker may be tried.
    func free(_ role: ConnectionRole, _ broker: Broker) -> BrokerConnection? {
        var (count, isOpening) = (0, false)
        for connection in broker.connections where connection.role == role {
            if connection.isFree { return connection }
            count += 1
            isOpening = isOpening || !connection.hasSetUp
        }
        if !isOpening, count < role.connectionsMax(context.settings),
            broker.mayConnect(now: context.now)
        {
            open(role, to: broker)
        }
        return nil
    }

    /// Control connections on which a request can be sent at once: to brokers that are known
    /// before those to bootstrap nodes.
    var freeControls: [Link] {
        let free = links.values.filter { $0.connection.role == .control && $0.connection.isFree }
        return free.sorted {
            ($0.broker.nodeID ?? .max, $0.connection.id.raw)
                < ($1.broker.nodeID ?? .max, $1.connection.id.raw)
        }
    }

    /// Whether there is a control connection to a node of that kind.
    func hasControl(where isSuch: (Broker) -> Bool = { _ in true }) -> Bool {
        links.values.contains { $0.connection.role == .control && isSuch($0.broker) }
    }

    /// Why no control connection is free, if brokers have asked for that.
    var controlThrottle: KafkaFailure? {
        ordered.filter { $0.connection.role == .control }.lazy
            .compactMap { [now = context.now] in $0.broker.throttle(now: now) }.first
    }

    /// A control connection is on its way to be one.
    var isConnectingControl: Bool {
        links.values.contains { $0.connection.role == .control && !$0.connection.hasSetUp }
    }

    /// Ends a connection that is not needed, or must not be used any more.
    func drop(_ connection: BrokerConnection, losing failure: KafkaFailure? = nil) {
        guard let link = links[connection.id] else { return }
        context.emit(.close(connection.id))
        forget(link)
        tellClosed(connection, failure?.cause ?? "not needed")
        let reason = failure ?? .connection(.closed, "closed", cause: "connection was closed")
        lose(connection.pipeline.takeAll(), reason)
    }

    /// The connection is lost, or has to be given up for `failure`.
    func fail(_ connection: BrokerConnection, _ failure: KafkaFailure, isClosed: Bool = false) {
        guard let link = links[connection.id] else { return }
        if !isClosed { context.emit(.close(connection.id)) }
        forget(link)
        tellClosed(connection, failure.cause)
        context.counters.connectionsLost += 1
        let broker = link.broker
        broker.lostConnections += 1
        // A listener that hangs up on an idle connection tells nothing; we connect when we need.
        // Whoever does so behind the set-up, before anything was asked, serves nobody.
        let isIdleEnd =
            isClosed && connection.state == .ready && connection.pipeline.isEmpty
            && connection.hasBeenIdle
        // The only way to tell of an error without an answer (`acks` 0).
        let isAnswer =
            isClosed && connection.role == .unansweredProducer && connection.unansweredBytes > 0
        if !isIdleEnd && !isAnswer {
            broker.noteFailure(failure, context)
            if let retryAt = broker.pace.retryAt { retries.insert(broker, at: retryAt) }
            memory.noteFailure(broker.endpoint, failure)
        }
        if failure.isRefusal { router.brokerRefuses(broker) }
        lose(connection.pipeline.takeAll(), failure)
        if isAnswer { return router.brokerHasHungUp(broker) }
        guard !isIdleEnd else { return }
        router.brokerFailed(broker, failure, hasServed: connection.hasAnswered)
    }

    private func forget(_ link: Link) {
        context.needFlush()
        links[link.connection.id] = nil
        heard(link)
        link.broker.remove(link.connection)
    }

    private func lose(_ requests: [Pipeline.Request], _ failure: KafkaFailure) {
        for request in requests {
            context.counters.ended(request.apiKey, failure.kind == .timedOut ? .timedOut : .lost)
            request.purpose?.lost(failure)
        }
    }

    // MARK: Brokers

    /// Takes over the brokers of a metadata response. A node at another address is another broker
    /// (its connections end); nodes that are not listed any more are gone.
    func update(_ listed: [(nodeID: Int32, endpoint: Endpoint)]) {
        var next: [Int32: Broker] = [:]
        next.reserveCapacity(listed.count)
        for (nodeID, endpoint) in listed where next[nodeID] == nil {
            let known = byNodeID[nodeID].flatMap { $0.endpoint == endpoint ? $0 : nil }
            next[nodeID] =
                known ?? Broker(nodeID: nodeID, endpoint: endpoint, settings: context.settings)
        }
        let gone = brokers.filter { $0.nodeID.flatMap { next[$0] } !== $0 }
        replace(by: next, gone)
        if !brokers.isEmpty { retireBootstrap() }
    }

    private func replace(by next: [Int32: Broker], _ gone: [Broker]) {
        guard !gone.isEmpty || next.count != brokers.count else { return }
        byNodeID = next
        brokers = next.values.sorted { $0.nodeID ?? -1 < $1.nodeID ?? -1 }
        guard !gone.isEmpty else { return }
        router.brokersChanged()
        for broker in gone { retire(broker) }
        memory.forget(but: (brokers + bootstrap).map(\.endpoint))
    }

    /// A broker that an answer named before the metadata did (KIP-951).
    func add(_ nodeID: Int32, _ endpoint: Endpoint) {
        let broker = Broker(nodeID: nodeID, endpoint: endpoint, settings: context.settings)
        byNodeID[nodeID] = broker
        let place = brokers.firstIndex { $0.nodeID ?? -1 > nodeID }
        brokers.insert(broker, at: place ?? brokers.count)
    }

    private func retire(_ broker: Broker) {
        broker.isGone = true
        router.brokerIsGone(broker)
        for connection in broker.connections { drop(connection) }
    }

    /// Bootstrap nodes are not brokers to read from: their connection goes to the broker at the
    /// same address, or ends.
    private func retireBootstrap() {
        for node in bootstrap {
            guard let connection = node.connection(for: .control), connection.pipeline.isEmpty
            else { continue }
            let real = brokers.first {
                $0.endpoint == node.endpoint && $0.connection(for: .control) == nil
            }
            if let real, connection.state == .ready {
                node.remove(connection)
                real.add(connection)
                links[connection.id]?.broker = real
            } else {
                drop(connection)
            }
        }
    }

    /// KIP-1102: nothing that is known of the cluster counts any more.
    func rebootstrap() {
        replace(by: [:], brokers)
    }

    // MARK: Time

    var nextDeadline: Instant {
        var earliest = Instant.distantFuture
        for link in links.values {
            earliest = min(earliest, link.connection.deadline, link.connection.lateAt)
        }
        return min(earliest, retries.earliest ?? .distantFuture)
    }

    func tick() {
        let now = context.now
        // Whoever waits for one of them tries it at the end of the turn.
        while retries.popFirst(notAfter: now) != nil {}
        for link in ordered where links[link.connection.id] != nil {
            if link.connection.deadline <= now {
                due(link, now)
            } else if link.connection.lateAt <= now {
                late(link)
            }
        }
    }

    private func due(_ link: Link, _ now: Instant) {
        let connection = link.connection
        let endpoint = connection.endpoint
        // A throttle that is over is no deadline any more, whether or not anybody asks next.
        if connection.throttledUntil <= now { connection.throttledUntil = .zero }
        if !connection.hasSetUp || connection.state == .works {
            fail(connection, .timeout(cause: "\(endpoint): not connected in time"))
        } else if let next = connection.pipeline.first {
            if connection.deadline <= now {
                let cause = "\(endpoint): no answer to API \(next.apiKey) in time"
                fail(connection, .timeout(cause: cause))
            }
        } else if let at = connection.reauthenticateAt, at <= now {
            reauthenticateIfDue(connection)
        } else if connection.idleUntil <= now, connection.state == .ready {
            // A throttle is kept while somebody waits for its end, and goes with the connection.
            guard connection.isThrottled, router.awaits(connection.role, link.broker) else {
                return drop(connection)
            }
            connection.lastUsed = now
        }
    }

    func reauthenticateIfDue(_ connection: BrokerConnection) {
        guard let at = connection.reauthenticateAt, at <= context.now,
            connection.state == .ready, connection.pipeline.isEmpty, links[connection.id] != nil
        else { return }
        do {
            try connection.reauthenticate()
        } catch {
            fail(connection, error)
        }
    }
}
