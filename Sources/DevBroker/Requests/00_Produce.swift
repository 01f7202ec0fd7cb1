import Bytes
import KafkaMirror
import KafkaProtocol

/// Produce. The frame is needed beside the request: records are ranges of it.
extension BrokerCluster {
    func produce(
        _ request: ProduceRequest, frame: UnsafeRawBufferPointer, _ context: RequestContext
    ) -> Outcome {
        var response = ProduceResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        var hints: Set<Int32> = []
        var hasError = false
        for topic in request.topicData {
            let partitions = topic.partitionData.map { data in
                let answer = produce(data, to: topic, request, frame: frame, context)
                if answer.errorCode != 0 { hasError = true }
                if let leader = answer.currentLeader?.leaderID, leader >= 0 { hints.insert(leader) }
                return answer
            }
            response.responses.append(
                .init(name: topic.name, topicID: topic.topicID, partitionResponses: partitions))
        }
        // Without acknowledgements the only way to tell of an error is to hang up.
        if request.acks == 0 { return hasError ? .close : .nothing }
        response.nodeEndpoints = hints.sorted().compactMap(broker).map {
            .init(nodeID: $0.id, host: $0.address.host, port: Int32($0.address.port), rack: $0.rack)
        }
        return context.reply(response)
    }

    private func produce(
        _ data: ProduceRequest.Partition, to asked: ProduceRequest.Topic,
        _ request: ProduceRequest, frame: UnsafeRawBufferPointer, _ context: RequestContext
    ) -> ProduceResponse.Partition {
        var answer = ProduceResponse.Partition(index: data.index, baseOffset: -1)
        do throws(KafkaError) {
            let partition = try writable(data.index, of: asked, context)
            guard let records = data.records?.bytes(of: frame) else { throw .invalidRecord }
            try checkAcks(request, partition)
            let batch = try acceptable(records, partition.topic, context)
            try checkKeys(batch, partition, &answer)
            // Refusals of the log tell where it begins, those of the coordinator do not.
            if !settings.profile.verifiesTransactions {
                answer.logStartOffset = partition.log.startOffset
            }
            try mayWrite(batch, partition, request, context)
            answer.logStartOffset = partition.log.startOffset
            let now = wallClock(context.now)
            switch partition.append(batch, wallClock: now) {
            case .refused(let error): throw error
            case .duplicate(let offset): answer.baseOffset = offset
            case .stored(let offset):
                answer.baseOffset = offset
                if partition.topic.settings.timestampType == .logAppendTime {
                    answer.logAppendTimeMilliseconds = now
                }
                appended(to: partition)
            }
            if let code = context.errorAfter(topic: partition.topic.name, partition: data.index) {
                throw KafkaError(code)
            }
        } catch {
            answer.baseOffset = -1
            answer.logAppendTimeMilliseconds = -1
            answer.errorCode = error.rawValue
            if context.version >= 10, error == .notLeaderOrFollower,
                let partition = topic(asked)?.partition(data.index)
            {
                answer.currentLeader = .init(
                    leaderID: partition.leader, leaderEpoch: partition.leaderEpoch)
            }
        }
        return answer
    }

    private func topic(_ asked: ProduceRequest.Topic) -> Topic? {
        asked.topicID == .zero ? topics[asked.name] : topicsByID[asked.topicID]
    }

    /// The partition, if this broker may write it.
    private func writable(
        _ index: Int32, of asked: ProduceRequest.Topic, _ context: RequestContext
    ) throws(KafkaError) -> Partition {
        guard let topic = topic(asked) else {
            throw asked.topicID == .zero ? .unknownTopicOrPartition : .unknownTopicId
        }
        if let code = context.injectedError(topic: topic.name, partition: index) {
            throw KafkaError(code)
        }
        guard let partition = topic.partition(index) else { throw .unknownTopicOrPartition }
        guard partition.leader == context.broker.id else { throw .notLeaderOrFollower }
        return partition
    }

    /// What a broker checks of a batch without looking at its records.
    private func acceptable(
        _ records: UnsafeRawBufferPointer, _ topic: Topic, _ context: RequestContext
    ) throws(KafkaError) -> ProducedBatch {
        let batch = try ProducedBatch(records)
        // Since version 3 a partition gets one batch a request.
        guard batch.bytes.count == records.count else { throw .invalidRecord }
        let bytesMax = topic.settings.messageBytesMax ?? settings.messageBytesMax
        guard batch.bytes.count <= bytesMax else { throw .messageTooLarge }
        guard !batch.isControl, batch.recordCount == batch.lastOffsetDelta + 1 else {
            throw .invalidRecord
        }
        if batch.codec == 4 && context.version < 7 { throw .unsupportedCompressionType }
        guard batch.codec <= 4 else { throw .corruptMessage }
        return batch
    }

    private func checkAcks(
        _ request: ProduceRequest, _ partition: Partition
    ) throws(KafkaError) {
        guard (-1...1).contains(request.acks) else { throw .invalidRequiredAcks }
        let isShort =
            partition.inSyncReplicas.count < partition.topic.settings.inSyncReplicasMin
        if request.acks == -1 && isShort { throw .notEnoughReplicas }
    }

    /// A compacted topic takes no record without a key; the answer names those that have none
    /// (KIP-467).
    private func checkKeys(
        _ batch: ProducedBatch, _ partition: Partition, _ answer: inout ProduceResponse.Partition
    ) throws(KafkaError) {
        guard partition.topic.settings.isCompacted else { return }
        let place = "\(partition.topic.name)-\(partition.index)"
        let errors = try batch.recordsWithoutKey().map { index in
            ProduceResponse.RecordError(
                batchIndex: index,
                batchIndexErrorMessage:
                    "Compacted topic cannot accept message without key in topic partition \(place)."
            )
        }
        guard !errors.isEmpty else { return }
        // Before 2.4 there was no code for it.
        if settings.profile == .kafka2_1 { throw .corruptMessage }
        answer.recordErrors = errors
        let shown = errors.prefix(3).compactMap(\.batchIndexErrorMessage)
        answer.errorMessage =
            "One or more records have been rejected due to \(errors.count) record errors in total, "
            + "and only showing the first three errors at most: \(shown)"
        throw .invalidRecord
    }

    /// A new record is there: for those who wait, and for retention.
    func appended(to partition: Partition) {
        partition.retain(
            bytes: partition.topic.settings.retentionBytes ?? settings.retentionBytes)
        wake(partition)
    }
}
