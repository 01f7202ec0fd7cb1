import KafkaMirror
import KafkaProtocol

/// OffsetFetch, for one group or (from version 8 on) several.
extension BrokerCluster {
    func offsetFetch(_ request: OffsetFetchRequest, _ context: RequestContext) -> Outcome {
        var response = OffsetFetchResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        if context.version >= 8 {
            response.groups = request.groups.map {
                look($0, stable: request.requireStable, context)
            }
            return context.reply(response)
        }
        if let code = refusal(request.groupID, context) {
            response.errorCode = code
            // Before version 2 the error stands with each partition.
            response.topics = (request.topics ?? []).map { topic in
                .init(
                    name: topic.name,
                    partitions: topic.partitionIndexes.map {
                        .init(
                            partitionIndex: $0, committedOffset: -1, committedLeaderEpoch: -1,
                            metadata: "", errorCode: code)
                    })
            }
            return context.reply(response)
        }
        let group = groups[request.groupID]
        let asked =
            request.topics ?? everything(group).map { .init(name: $0, partitionIndexes: $1) }
        response.topics = asked.map { topic in
            .init(
                name: topic.name,
                partitions: topic.partitionIndexes.map {
                    let found = position(group, topic.name, $0, stable: request.requireStable)
                    return .init(
                        partitionIndex: $0, committedOffset: found.offset,
                        committedLeaderEpoch: found.epoch, metadata: found.metadata,
                        errorCode: found.error)
                })
        }
        return context.reply(response)
    }

    private func refusal(_ groupID: String, _ context: RequestContext) -> Int16? {
        if let code = context.injectedError() { return code }
        return coordinator(of: groupID) === context.broker
            ? nil : KafkaError.notCoordinator.rawValue
    }

    private func look(
        _ asked: OffsetFetchRequest.Group, stable: Bool, _ context: RequestContext
    ) -> OffsetFetchResponse.Group {
        var answer = OffsetFetchResponse.Group(groupID: asked.groupID)
        if let code = refusal(asked.groupID, context) {
            answer.errorCode = code
            return answer
        }
        let group = groups[asked.groupID]
        let topics =
            asked.topics
            ?? everything(group).map {
                .init(
                    name: $0, topicID: self.topics[$0]?.id ?? .zero, partitionIndexes: $1)
            }
        answer.topics = topics.map { topic in
            let name = topicsByID[topic.topicID]?.name ?? topic.name
            return .init(
                name: topic.name, topicID: topic.topicID,
                partitions: topic.partitionIndexes.map {
                    let found = position(group, name, $0, stable: stable)
                    return .init(
                        partitionIndex: $0, committedOffset: found.offset,
                        committedLeaderEpoch: found.epoch, metadata: found.metadata,
                        errorCode: found.error)
                })
        }
        return answer
    }

    /// Every partition that the group has committed, by topic.
    private func everything(_ group: Group?) -> [(String, [Int32])] {
        var topics: [(String, [Int32])] = []
        for key in group?.offsetOrder ?? [] {
            if let index = topics.firstIndex(where: { $0.0 == key.topic }) {
                topics[index].1.append(key.partition)
            } else {
                topics.append((key.topic, [key.partition]))
            }
        }
        return topics
    }

    private func position(
        _ group: Group?, _ topic: String, _ partition: Int32, stable: Bool
    ) -> (offset: Int64, epoch: Int32, metadata: String?, error: Int16) {
        // KIP-447: an open transaction may still commit another position.
        if stable, let group, group.isPending(topic, partition) {
            return (-1, -1, "", KafkaError.unstableOffsetCommit.rawValue)
        }
        guard let found = group?.offset(topic, partition) else { return (-1, -1, "", 0) }
        return (found.offset, found.leaderEpoch, found.metadata ?? "", 0)
    }
}
