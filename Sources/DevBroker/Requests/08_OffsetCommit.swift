import KafkaMirror
import KafkaProtocol

extension BrokerCluster {
    func offsetCommit(_ request: OffsetCommitRequest, _ context: RequestContext) -> Outcome {
        var response = OffsetCommitResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        var refusal: KafkaError?
        do throws(KafkaError) {
            if let code = context.injectedError() { throw KafkaError(code) }
            guard !request.groupID.isEmpty else { throw .invalidGroupId }
            try checkCoordinator(of: request.groupID, context)
            try mayCommit(request, context)
        } catch {
            refusal = error
        }
        response.topics = request.topics.map { topic in
            .init(
                name: topic.name, topicID: topic.topicID,
                partitions: topic.partitions.map {
                    .init(
                        partitionIndex: $0.partitionIndex,
                        errorCode: (refusal ?? commit($0, of: topic, request)).rawValue)
                })
        }
        return context.reply(response)
    }

    /// A member of this generation, or anybody if the group has no members.
    private func mayCommit(
        _ request: OffsetCommitRequest, _ context: RequestContext
    ) throws(KafkaError) {
        let group = group(request.groupID)
        let generation = request.generationIDOrMemberEpoch
        if generation < 0 && group.members.isEmpty { return }
        guard let member = group.members[request.memberID] else { throw .unknownMemberId }
        if let instance = request.groupInstanceID, member.instanceID != instance {
            throw .fencedInstanceId
        }
        guard generation == group.generation else { throw .illegalGeneration }
        guard group.state != .completingRebalance else { throw .rebalanceInProgress }
        member.seen(now: context.now)
        watch(member, of: group)
    }

    private func commit(
        _ asked: OffsetCommitRequest.Partition, of topic: OffsetCommitRequest.Topic,
        _ request: OffsetCommitRequest
    ) -> KafkaError {
        let name = topicsByID[topic.topicID]?.name ?? topic.name
        guard topics[name]?.partition(asked.partitionIndex) != nil else {
            return topic.topicID == .zero ? .unknownTopicOrPartition : .unknownTopicId
        }
        group(request.groupID).commit(
            name, asked.partitionIndex,
            GroupOffset(
                offset: asked.committedOffset, leaderEpoch: asked.committedLeaderEpoch,
                metadata: asked.committedMetadata))
        return .none
    }
}
