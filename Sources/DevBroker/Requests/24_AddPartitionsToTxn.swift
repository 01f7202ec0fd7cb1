import KafkaMirror
import KafkaProtocol

extension BrokerCluster {
    func addPartitionsToTransaction(
        _ request: AddPartitionsToTxnRequest, _ context: RequestContext
    ) -> Outcome {
        var response = AddPartitionsToTxnResponse(
            throttleTimeMilliseconds: context.throttleMilliseconds)
        if context.version >= 4 {
            response.resultsByTransaction = request.transactions.map {
                .init(
                    transactionalID: $0.transactionalID,
                    topicResults: add(
                        $0.topics, to: $0.transactionalID, producerID: $0.producerID,
                        epoch: $0.producerEpoch, verifyOnly: $0.verifyOnly, context))
            }
        } else {
            response.resultsByTopicV3AndBelow = add(
                request.v3AndBelowTopics, to: request.v3AndBelowTransactionalID,
                producerID: request.v3AndBelowProducerID, epoch: request.v3AndBelowProducerEpoch,
                verifyOnly: false, context)
        }
        return context.reply(response)
    }

    private func add(
        _ asked: [AddPartitionsToTxnRequest.Topic], to id: String, producerID: Int64,
        epoch: Int16, verifyOnly: Bool, _ context: RequestContext
    ) -> [AddPartitionsToTxnResponse.Topic] {
        var error: KafkaError?
        var transaction: Transaction?
        do throws(KafkaError) {
            transaction = try coordinated(id, producerID: producerID, epoch: epoch, context)
            let isMissing = asked.contains { topic in
                topic.partitions.contains { topics[topic.name]?.partition($0) == nil }
            }
            if isMissing { throw .operationNotAttempted }
            if let transaction, !verifyOnly { try begin(transaction, now: context.now) }
        } catch let refusal {
            error = refusal
        }
        return asked.map { topic in
            .init(
                name: topic.name,
                resultsByPartition: topic.partitions.map { index in
                    let partition = topics[topic.name]?.partition(index)
                    if error == nil, !verifyOnly, let partition { transaction?.add(partition) }
                    let code = partition == nil ? .unknownTopicOrPartition : error ?? .none
                    return .init(partitionIndex: index, partitionErrorCode: code.rawValue)
                })
        }
    }

    func addOffsetsToTransaction(
        _ request: AddOffsetsToTxnRequest, _ context: RequestContext
    ) -> Outcome {
        var response = AddOffsetsToTxnResponse(
            throttleTimeMilliseconds: context.throttleMilliseconds)
        do throws(KafkaError) {
            let transaction = try coordinated(
                request.transactionalID, producerID: request.producerID,
                epoch: request.producerEpoch, context)
            try begin(transaction, now: context.now)
            transaction.groups.insert(request.groupID)
        } catch {
            response.errorCode = error.rawValue
        }
        return context.reply(response)
    }
}
