import KafkaProducing
import KafkaProtocol
import Timing

/// What producers ask of brokers beside Produce: ids, coordinators, and what these are asked.
extension ProducerPool {
    func ask(_ producer: PooledProducer) {
        if producer.needsAnyBroker, let connection = connectionToAny() {
            if producer.wantedIdentity != nil {
                identify(producer, connection)
            } else {
                findCoordinator(producer, connection)
            }
        }
        guard case .wanted(let request) = producer.transaction else { return }
        if case .findCoordinator = request { return }
        askCoordinator(producer, request)
    }

    /// A control connection to a broker, or, before any is known, to a bootstrap node.
    private func connectionToAny() -> BrokerConnection? {
        let free = links.freeControls
        if let best = free.first(where: { !$0.broker.isLate }) ?? free.first {
            return best.connection
        }
        guard !links.isConnectingControl else { return nil }
        let nodes = links.brokers.isEmpty ? links.bootstrap : links.brokers
        for place in nodes.indices {
            let node = nodes[(nextNode + place) % nodes.count]
            guard node.connection(for: .control) == nil, node.mayConnect(now: context.now) else {
                continue
            }
            nextNode = (nextNode + place + 1) % nodes.count
            return links.free(.control, node)
        }
        return nil
    }

    // MARK: Ids

    private func identify(_ producer: PooledProducer, _ connection: BrokerConnection) {
        guard let last = producer.wantedIdentity else { return }
        producer.wantedIdentity = nil
        guard let version = connection.versions.version(of: InitProducerIdRequest.self) else {
            return producer.engine.identificationFailed(.unsupportedVersion, now: context.now)
        }
        let question = ProducerQuestion<InitProducerIdResponse> { [unowned self] response in
            guard self[producer.id] != nil else { return }
            identified(producer, response)
            activate(producer)
        }
        connection.send(
            InitProducerIdRequest(producerID: last.id, producerEpoch: last.epoch),
            version: version, for: question,
            timeoutMilliseconds: context.settings.requestTimeoutMilliseconds)
    }

    private func identified(_ producer: PooledProducer, _ response: InitProducerIdResponse?) {
        guard let response else {
            return producer.engine.identificationFailed(nil, now: context.now)
        }
        guard response.errorCode == 0 else {
            let error = KafkaError(response.errorCode)
            return producer.engine.identificationFailed(error, now: context.now)
        }
        guard let identity = response.identity else {
            return producer.engine.identificationFailed(nil, now: context.now)
        }
        producer.engine.identified(identity, now: context.now)
    }

    // MARK: Coordinators

    private func findCoordinator(_ producer: PooledProducer, _ connection: BrokerConnection) {
        guard case .wanted(.findCoordinator(let id)) = producer.transaction else { return }
        guard let version = connection.versions.version(of: FindCoordinatorRequest.self),
            version >= 1
        else { return answer(producer, .unsupportedVersion) }
        let request = FindCoordinatorRequest(key: id, keyType: 1, coordinatorKeys: [id])
        ask(producer, request, version, connection) { [unowned self] response in
            let code = response.firstErrorCode
            let found = response.coordinators.first
            let node = found?.nodeID ?? response.nodeID
            let endpoint = Endpoint(
                told: found?.host ?? response.host, port: found?.port ?? response.port)
            if code == 0, node >= 0, links.broker(node) == nil, let endpoint {
                links.add(node, endpoint)
            }
            guard code != 0 || links.broker(node) != nil else {
                return TransactionAnswer(code: KafkaError.coordinatorNotAvailable.rawValue)
            }
            if code == 0 { producer.coordinator = node }
            return TransactionAnswer(code: code)
        }
    }

    /// It is looked for again; what it was to be asked, too.
    func lostCoordinator(_ producer: PooledProducer) {
        producer.coordinator = nil
        producer.engine.coordinatorLost()
        if case .wanted(let request) = producer.transaction {
            if case .findCoordinator = request { return activate(producer) }
            producer.transaction = .none
            producer.engine.transactionLost(now: context.now)
        }
        activate(producer)
    }

    private func askCoordinator(_ producer: PooledProducer, _ request: TransactionRequest) {
        guard let broker = producer.coordinator.flatMap({ links.broker($0) }) else {
            return lostCoordinator(producer)
        }
        guard let connection = links.free(.producer, broker) else { return }
        learn(connection.versions)
        switch request {
        case .findCoordinator: break
        case .initialize(let id, let timeout, let current):
            initialize(producer, id, timeout, current, connection)
        case .addPartitions(let id, let identity, let partitions):
            addPartitions(producer, id, identity, partitions, connection)
        case .end(let id, let identity, let commits, let isV2):
            end(producer, id, identity, commits: commits, isV2: isV2, connection)
        }
    }

    private func initialize(
        _ producer: PooledProducer, _ id: String, _ timeout: Int32, _ current: ProducerIdentity,
        _ connection: BrokerConnection
    ) {
        guard let version = connection.versions.version(of: InitProducerIdRequest.self) else {
            return answer(producer, .unsupportedVersion)
        }
        guard version >= 3 || !producer.engine.mayBeFenced else {
            return answer(producer, .producerFenced)
        }
        let request = InitProducerIdRequest(
            transactionalID: id, transactionTimeoutMilliseconds: timeout,
            producerID: current.id, producerEpoch: current.epoch)
        ask(producer, request, version, connection) { response in
            guard response.errorCode == 0 else {
                return TransactionAnswer(code: response.errorCode)
            }
            // An id that is none: asked again, as for any answer that makes no sense.
            guard let identity = response.identity else {
                return TransactionAnswer(code: KafkaError.coordinatorNotAvailable.rawValue)
            }
            return TransactionAnswer(code: 0, identity: identity)
        }
    }

    /// Versions above 3 are for brokers among themselves.
    private func addPartitions(
        _ producer: PooledProducer, _ id: String, _ identity: ProducerIdentity,
        _ partitions: [TransactionPartition], _ connection: BrokerConnection
    ) {
        let versions = connection.versions
        guard let version = versions.version(of: AddPartitionsToTxnRequest.self, atMost: 3) else {
            return answer(producer, .unsupportedVersion)
        }
        var topics: [AddPartitionsToTxnRequest.Topic] = []
        for name in Set(partitions.map(\.topic)).sorted() {
            let indexes = partitions.filter { $0.topic == name }.map(\.partition)
            topics.append(.init(name: name, partitions: indexes))
        }
        let request = AddPartitionsToTxnRequest(
            v3AndBelowTransactionalID: id, v3AndBelowProducerID: identity.id,
            v3AndBelowProducerEpoch: identity.epoch, v3AndBelowTopics: topics)
        ask(producer, request, version, connection) { response in
            response.transactionAnswer
        }
    }

    /// A transaction ends as it has begun, whatever the cluster has decided meanwhile.
    private func end(
        _ producer: PooledProducer, _ id: String, _ identity: ProducerIdentity, commits: Bool,
        isV2: Bool, _ connection: BrokerConnection
    ) {
        let first = EndTxnRequest.firstOfTransactionsV2
        let known = connection.versions.version(
            of: EndTxnRequest.self, atMost: isV2 ? .max : first - 1)
        guard let version = known, !isV2 || version >= first else {
            return answer(producer, .unsupportedVersion)
        }
        let request = EndTxnRequest(
            transactionalID: id, producerID: identity.id, producerEpoch: identity.epoch,
            committed: commits)
        ask(producer, request, version, connection) {
            TransactionAnswer(code: $0.errorCode, identity: isV2 ? $0.identity : nil)
        }
    }

    private func ask<R: KafkaRequest>(
        _ producer: PooledProducer, _ request: R, _ version: Int16,
        _ connection: BrokerConnection,
        _ answer: @escaping (R.Response) -> TransactionAnswer
    ) where R.Response: ThrottlingResponse {
        producer.transaction = .asked
        let question = ProducerQuestion<R.Response> { [unowned self] response in
            guard self[producer.id] != nil else { return }
            producer.transaction = .none
            if let response {
                producer.engine.transactionAnswered(answer(response), now: context.now)
            } else {
                producer.engine.transactionLost(now: context.now)
            }
            activate(producer)
        }
        connection.send(
            request, version: version, for: question,
            timeoutMilliseconds: context.settings.requestTimeoutMilliseconds)
    }

    /// Without asking.
    private func answer(_ producer: PooledProducer, _ error: KafkaError) {
        producer.transaction = .none
        producer.engine.transactionAnswered(
            TransactionAnswer(code: error.rawValue), now: context.now)
    }
}

extension AddPartitionsToTxnResponse {
    /// The first error that is one: partitions beside it were not looked at.
    fileprivate var transactionAnswer: TransactionAnswer {
        for topic in resultsByTopicV3AndBelow {
            for partition in topic.resultsByPartition {
                let error = KafkaError(partition.partitionErrorCode)
                guard error != .none, error != .operationNotAttempted else { continue }
                return TransactionAnswer(
                    code: error.rawValue,
                    partition: TransactionPartition(
                        topic: topic.name, partition: partition.partitionIndex))
            }
        }
        return TransactionAnswer(code: errorCode)
    }
}

extension InitProducerIdResponse {
    fileprivate var identity: ProducerIdentity? { .told(producerID, producerEpoch) }
}

extension EndTxnResponse {
    /// For the next transaction.
    fileprivate var identity: ProducerIdentity? { .told(producerID, producerEpoch) }
}

extension ProducerIdentity {
    /// nil: no producer can have these numbers.
    fileprivate static func told(_ id: Int64, _ epoch: Int16) -> ProducerIdentity? {
        id >= 0 && epoch >= 0 ? ProducerIdentity(id: id, epoch: epoch) : nil
    }
}
