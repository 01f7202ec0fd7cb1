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
            let epoch = context.version >= 2 ? asked.currentLeaderEpoch : -1
            let partition = try led(name, asked.partition, epoch: epoch, context)
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
