import KafkaProducing
import KafkaProtocol
import Timing

/// Produce requests and what becomes of them.
extension ProducerPool {
    /// Hands on what the producer tells.
    func drain(_ producer: PooledProducer) {
        while !producer.engine.effects.isEmpty {
            let effects = producer.engine.effects
            producer.engine.effects = []
            for effect in effects { perform(effect, of: producer) }
        }
    }

    private func perform(_ effect: ProducerEffect, of producer: PooledProducer) {
        switch effect {
        case .metadataNeeded(let name): need(name, producer)
        case .identityNeeded(let last): producer.wantedIdentity = last
        case .transactionRequest(let request): producer.transaction = .wanted(request)
        case .report(let report): context.emit(.produced(producer.id, report))
        case .roomAgain: context.emit(.producerHasRoom(producer.id))
        case .flushed(let token): context.emit(.producerFlushed(producer.id, token))
        case .transaction(let outcome): context.emit(.producerTransaction(producer.id, outcome))
        case .gapFound(let topic, let partition, let mayHaveLost):
            let loss = mayHaveLost ? ": records may be missing" : ""
            context.log(
                mayHaveLost ? .warning : .info,
                "\(topic)-\(partition): the producer's sequence begins anew\(loss)")
        }
    }

    /// As much as connections take; what has no room stays.
    func send(_ producer: PooledProducer, _ budget: inout Int) {
        for node in producer.engine.nodesToServe(context.now) {
            guard let broker = links.broker(node) else {
                // What a hint has named, or metadata that is old by now.
                for link in producer.topicOrder { wantAgain(link.topic) }
                continue
            }
            while budget > 0, send(producer, to: broker, node, &budget) {}
        }
    }

    private func send(
        _ producer: PooledProducer, to broker: Broker, _ node: Int32, _ budget: inout Int
    ) -> Bool {
        guard hangUps[node]?.allows(context.now) ?? true || producer.role == .producer,
            let connection = links.free(producer.role, broker)
        else { return false }
        learn(connection.versions)
        guard connection.versions.version(of: ProduceRequest.self) != nil else {
            let cause = "\(connection.endpoint): no common version of Produce"
            links.fail(connection, .kafka(KafkaError.unsupportedVersion.rawValue, cause: cause))
            return false
        }
        if producer.engine.isInTransactionV2, !connection.versions.speaksTransactionsV2 {
            producer.engine.leaderLacksTransactionsV2()
            return false
        }
        guard
            let request = producer.engine.takeRequest(
                to: node, budgetBytes: budget, now: context.now)
        else { return false }
        budget -= request.byteCount
        send(request, of: producer, to: broker, connection)
        return true
    }

    private func send(
        _ request: ProduceRequestToSend, of producer: PooledProducer, to broker: Broker,
        _ connection: BrokerConnection
    ) {
        let version =
            connection.versions.version(of: ProduceRequest.self, atMost: newest(request)) ?? 0
        let message = request.message(version: version)
        let batches = request.batches.map(\.bytes)
        if request.acks == .none {
            connection.sendUnanswered(message, batches: batches, version: version)
            connection.unansweredBytes += request.byteCount
            if connection.unansweredBytes >= context.limits.unansweredBytesMax {
                askWhetherRead(connection, broker)
            }
            return
        }
        connection.send(
            message, batches: batches, version: version,
            for: ProduceInFlight(self, producer, request, broker),
            timeoutMilliseconds: Int64(request.timeoutMilliseconds)
                + context.limits.answerLateMilliseconds,
            waitMilliseconds: request.acks == .all ? context.limits.replicationMilliseconds : 0)
    }

    /// Since version 13 topics go by their ids. Transactions of the first kind do not want what
    /// brokers do to those of the second.
    private func newest(_ request: ProduceRequestToSend) -> Int16 {
        if request.transactionalID != nil, !request.isTransactionV2 {
            return ProduceRequest.firstOfTransactionsV2 - 1
        }
        return request.batches.allSatisfy { $0.topic.id != .zero } ? 13 : 12
    }

    /// A broker reads the requests of a connection in turn: when it answers this one it has read
    /// what was sent before. Until then no more than as much again is sent.
    private func askWhetherRead(_ connection: BrokerConnection, _ broker: Broker) {
        connection.unansweredBytes = 0
        let version = connection.versions.version(of: ApiVersionsRequest.self) ?? 0
        let question = ProducerQuestion<ApiVersionsResponse> { [unowned self] response in
            if response != nil, let node = broker.nodeID { hangUps[node] = nil }
            context.needFlush()
        }
        connection.send(
            ApiVersionsRequest(
                clientSoftwareName: ConnectionSetUp.softwareName,
                clientSoftwareVersion: ConnectionSetUp.softwareVersion),
            version: version, for: question,
            timeoutMilliseconds: context.settings.requestTimeoutMilliseconds)
    }

    // MARK: Answers

    func received(_ sent: ProduceInFlight, _ response: ProduceResponse) {
        guard self[sent.producer.id] != nil else { return }
        var answers: [ProduceAnswer] = []
        var asked = sent.partitions
        for topic in response.responses {
            guard let name = sent.name(of: topic) else { continue }
            for partition in topic.partitionResponses {
                // Each once, and what nobody asked for not at all.
                let place = TransactionPartition(topic: name, partition: partition.index)
                guard asked.remove(place) != nil else { continue }
                if partition.errorCode != 0 { context.counters.failed(partition.errorCode) }
                follow(partition, of: name, sent, response)
                answers.append(ProduceAnswer(name, partition))
            }
        }
        sent.producer.engine.answered(sent.request.id, answers, now: context.now)
        activate(sent.producer)
    }

    /// KIP-951: the answer names the new leader, and where it listens.
    private func follow(
        _ answer: ProduceResponse.Partition, of name: String, _ sent: ProduceInFlight,
        _ response: ProduceResponse
    ) {
        guard let leader = answer.currentLeader, leader.leaderID >= 0,
            let partition = sent.producer.topics[name]?.topic.partitions[answer.index]
        else { return }
        let told = response.nodeEndpoints.first { $0.nodeID == leader.leaderID }
        router.leaderIsNamed(
            LeaderHint(
                partition: partition, nodeID: leader.leaderID, epoch: leader.leaderEpoch,
                endpoint: told.flatMap { Endpoint(told: $0.host, port: $0.port) }))
    }

    func lost(_ sent: ProduceInFlight) {
        guard self[sent.producer.id] != nil else { return }
        sent.producer.engine.lost(sent.request.id, now: context.now)
        activate(sent.producer)
    }
}

extension ProduceAnswer {
    fileprivate init(_ topic: String, _ told: ProduceResponse.Partition) {
        self.init(
            topic: topic, partition: told.index, code: told.errorCode,
            baseOffset: told.baseOffset, logAppendTime: told.logAppendTimeMilliseconds,
            logStartOffset: told.logStartOffset,
            recordErrors: told.recordErrors.map { ($0.batchIndex, $0.batchIndexErrorMessage) },
            text: told.errorMessage,
            leader: told.currentLeader.flatMap { leader in
                leader.leaderID < 0
                    ? nil
                    : PartitionLeader(
                        index: told.index, leader: leader.leaderID, epoch: leader.leaderEpoch)
            })
    }
}
