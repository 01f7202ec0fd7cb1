import KafkaMirror
import KafkaProtocol

/// CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords.
extension BrokerCluster {
    func createTopics(_ request: CreateTopicsRequest, _ context: RequestContext) -> Outcome {
        var response = CreateTopicsResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        response.topics = request.topics.map {
            create($0, validateOnly: request.validateOnly, context)
        }
        return context.reply(response)
    }

    private func create(
        _ asked: CreateTopicsRequest.Topic, validateOnly: Bool, _ context: RequestContext
    ) -> CreateTopicsResponse.Topic {
        var answer = CreateTopicsResponse.Topic(name: asked.name)
        let count =
            asked.assignments.isEmpty
            ? (asked.numPartitions == -1 ? settings.partitions : asked.numPartitions)
            : Int32(asked.assignments.count)
        do throws(KafkaError) {
            if let code = context.injectedError() { throw KafkaError(code) }
            guard isValidTopicName(asked.name) else { throw .invalidTopicException }
            guard topics[asked.name] == nil else { throw .topicAlreadyExists }
            guard count > 0, count <= 10_000 else { throw .invalidPartitions }
            let copies = asked.replicationFactor == -1 ? nil : Int(asked.replicationFactor)
            guard (copies ?? 1) >= 1, (copies ?? 1) <= brokers.count || !asked.assignments.isEmpty
            else { throw .invalidReplicationFactor }
            var topicSettings = TopicSettings()
            topicSettings.replicationFactor = copies
            for config in asked.configs {
                guard topicSettings.set(config.name, config.value) else { throw .invalidConfig }
            }
            guard !validateOnly else { return answer }
            let topic = makeTopic(asked.name, count, topicSettings)
            answer.topicID = topic.id
            answer.numPartitions = count
            answer.replicationFactor = Int16(topic.partitions.first?.replicas.count ?? 1)
            answer.configs = topicSettings.entries.map {
                .init(name: $0.name, value: $0.value, configSource: $0.isDefault ? 5 : 1)
            }
        } catch {
            answer.errorCode = error.rawValue
            answer.errorMessage = error.name
        }
        return answer
    }

    func deleteTopics(_ request: DeleteTopicsRequest, _ context: RequestContext) -> Outcome {
        var response = DeleteTopicsResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        let asked =
            context.version >= 6
            ? request.topics : request.topicNames.map { .init(name: $0, topicID: .zero) }
        response.responses = asked.map { delete($0, context) }
        return context.reply(response)
    }

    private func delete(
        _ asked: DeleteTopicsRequest.Topic, _ context: RequestContext
    ) -> DeleteTopicsResponse.Topic {
        var answer = DeleteTopicsResponse.Topic(name: asked.name, topicID: asked.topicID)
        let topic = asked.name.map { topics[$0] } ?? topicsByID[asked.topicID]
        if let code = context.injectedError() {
            answer.errorCode = code
        } else if let topic {
            answer.name = topic.name
            answer.topicID = topic.id
            deleteTopic(topic.name, now: context.now)
        } else {
            let error: KafkaError = asked.name == nil ? .unknownTopicId : .unknownTopicOrPartition
            answer.errorCode = error.rawValue
        }
        return answer
    }

    func createPartitions(
        _ request: CreatePartitionsRequest, _ context: RequestContext
    ) -> Outcome {
        var response = CreatePartitionsResponse(
            throttleTimeMilliseconds: context.throttleMilliseconds)
        response.results = request.topics.map { asked in
            var answer = CreatePartitionsResponse.Topic(name: asked.name)
            if let topic = topics[asked.name] {
                if asked.count > Int32(topic.partitions.count) && asked.count <= 10_000 {
                    if !request.validateOnly { addPartitions(to: topic, count: asked.count) }
                } else {
                    answer.errorCode = KafkaError.invalidPartitions.rawValue
                }
            } else {
                answer.errorCode = KafkaError.unknownTopicOrPartition.rawValue
            }
            return answer
        }
        return context.reply(response)
    }

    func deleteRecords(_ request: DeleteRecordsRequest, _ context: RequestContext) -> Outcome {
        var response = DeleteRecordsResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        response.topics = request.topics.map { topic in
            .init(
                name: topic.name,
                partitions: topic.partitions.map { deleteRecords($0, of: topic.name, context) })
        }
        return context.reply(response)
    }

    private func deleteRecords(
        _ asked: DeleteRecordsRequest.Partition, of name: String, _ context: RequestContext
    ) -> DeleteRecordsResponse.Partition {
        var answer = DeleteRecordsResponse.Partition(
            partitionIndex: asked.partitionIndex, lowWatermark: -1)
        do throws(KafkaError) {
            guard let partition = topics[name]?.partition(asked.partitionIndex) else {
                throw .unknownTopicOrPartition
            }
            guard partition.leader == context.broker.id else { throw .notLeaderOrFollower }
            let offset = asked.offset == -1 ? partition.highWatermark : asked.offset
            guard offset >= 0, offset <= partition.highWatermark else { throw .offsetOutOfRange }
            guard partition.topic.settings.cleanupPolicy != "compact" else {
                throw .policyViolation
            }
            partition.deleteRecords(before: offset)
            answer.lowWatermark = partition.log.startOffset
        } catch {
            answer.errorCode = error.rawValue
        }
        return answer
    }
}
