import KafkaMirror
import KafkaProtocol

extension BrokerCluster {
    func offsetForLeaderEpoch(
        _ request: OffsetForLeaderEpochRequest, _ context: RequestContext
    ) -> Outcome {
        var response = OffsetForLeaderEpochResponse(
            throttleTimeMilliseconds: context.throttleMilliseconds)
        response.topics = request.topics.map { topic in
            .init(
                topic: topic.topic,
                partitions: topic.partitions.map { look($0, of: topic.topic, context) })
        }
        return context.reply(response)
    }

    private func look(
        _ asked: OffsetForLeaderEpochRequest.Partition, of name: String, _ context: RequestContext
    ) -> OffsetForLeaderEpochResponse.Partition {
        var answer = OffsetForLeaderEpochResponse.Partition(partition: asked.partition)
        do throws(KafkaError) {
            if let code = context.injectedError(topic: name, partition: asked.partition) {
                throw KafkaError(code)
            }
            guard let partition = topics[name]?.partition(asked.partition) else {
                throw .unknownTopicOrPartition
            }
            let epoch = context.version >= 2 ? asked.currentLeaderEpoch : -1
            if let error = leaderError(partition, context.broker, epoch: epoch) { throw error }
            let end = partition.epochs.endOffset(
                of: asked.leaderEpoch, current: partition.leaderEpoch,
                logEnd: partition.log.endOffset)
            answer.leaderEpoch = end.epoch
            answer.endOffset = end.offset
        } catch {
            answer.errorCode = error.rawValue
        }
        return answer
    }
}
