import KafkaMirror
import KafkaProtocol

extension BrokerCluster {
    func transactionOffsetCommit(
        _ request: TxnOffsetCommitRequest, _ context: RequestContext
    ) -> Outcome {
        var response = TxnOffsetCommitResponse(
            throttleTimeMilliseconds: context.throttleMilliseconds)
        var error: KafkaError = .none
        var transaction: Transaction?
        do throws(KafkaError) {
            if let code = context.injectedError() { throw KafkaError(code) }
            try checkCoordinator(of: request.groupID, context)
            let found = try self.transaction(
                request.transactionalID, producerID: request.producerID,
                epoch: request.producerEpoch, fenced: .invalidProducerEpoch)
            try checkMember(request)
            if context.version >= 5 && transactionVersion >= 2 {
                try begin(found, now: context.now)
                found.groups.insert(request.groupID)
            }
            guard found.state == .ongoing, found.groups.contains(request.groupID) else {
                throw context.version >= 4 ? .transactionAbortable : .invalidTxnState
            }
            transaction = found
        } catch let refusal {
            error = refusal
        }
        response.topics = request.topics.map { topic in
            .init(
                name: topic.name,
                partitions: topic.partitions.map {
                    let code = commit($0, of: topic.name, request, transaction) ?? error
                    return .init(partitionIndex: $0.partitionIndex, errorCode: code.rawValue)
                })
        }
        return context.reply(response)
    }

    /// KIP-447: a consumer that commits through a producer must still be a member.
    private func checkMember(_ request: TxnOffsetCommitRequest) throws(KafkaError) {
        guard !request.memberID.isEmpty || request.generationID >= 0 else { return }
        guard let group = groups[request.groupID] else { throw .illegalGeneration }
        guard group.members[request.memberID] != nil else { throw .unknownMemberId }
        guard group.generation == request.generationID else { throw .illegalGeneration }
    }

    private func commit(
        _ asked: TxnOffsetCommitRequest.Partition, of name: String,
        _ request: TxnOffsetCommitRequest, _ transaction: Transaction?
    ) -> KafkaError? {
        guard topics[name]?.partition(asked.partitionIndex) != nil else {
            return .unknownTopicOrPartition
        }
        guard let transaction else { return nil }
        let offset = GroupOffset(
            offset: asked.committedOffset, leaderEpoch: asked.committedLeaderEpoch,
            metadata: asked.committedMetadata)
        transaction.offsets.append(
            .init(
                groupID: request.groupID, topic: name, partition: asked.partitionIndex,
                offset: offset))
        group(request.groupID).pendingOffsets.append(
            .init(
                producerID: transaction.producerID, topic: name,
                partition: asked.partitionIndex))
        return nil
    }
}
