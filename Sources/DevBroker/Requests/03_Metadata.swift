import KafkaMirror
import KafkaProtocol

/// Metadata and DescribeCluster.
extension BrokerCluster {
    func metadata(_ request: MetadataRequest, _ context: RequestContext) -> Outcome {
        var response = MetadataResponse(
            throttleTimeMilliseconds: context.throttleMilliseconds,
            clusterID: settings.clusterID, controllerID: controllerID)
        response.brokers = brokers.filter(\.isUp).map {
            .init(
                nodeID: $0.id, host: $0.address.host, port: Int32($0.address.port), rack: $0.rack)
        }
        if context.version >= 13, let injected = context.injected,
            KafkaError(injected.code) == .rebootstrapRequired, let code = context.injectedError()
        {
            response.errorCode = code
            return context.reply(response)
        }
        // Version 0 had no null; its empty list meant all.
        let wantsAll = request.topics.map { $0.isEmpty && context.version == 0 } ?? true
        if wantsAll {
            response.topics = topicNames.compactMap { topics[$0] }.map { describe($0, context) }
        } else {
            let creates = context.version < 4 || request.allowAutoTopicCreation
            response.topics = (request.topics ?? []).map { look($0, creates: creates, context) }
        }
        return context.reply(response)
    }

    /// The first broker that is up; any of them would do here.
    var controllerID: Int32 { brokers.first(where: \.isUp)?.id ?? -1 }

    private func look(
        _ asked: MetadataRequest.Topic, creates: Bool, _ context: RequestContext
    ) -> MetadataResponse.Topic {
        if let name = asked.name {
            if let topic = topics[name] { return describe(topic, context) }
            guard isValidTopicName(name) else {
                return .init(errorCode: KafkaError.invalidTopicException.rawValue, name: name)
            }
            if creates && settings.createsTopics {
                return describe(makeTopic(name, settings.partitions, TopicSettings()), context)
            }
            return .init(errorCode: KafkaError.unknownTopicOrPartition.rawValue, name: name)
        }
        if context.version >= 12, let topic = topicsByID[asked.topicID] {
            return describe(topic, context)
        }
        return .init(
            errorCode: KafkaError.unknownTopicId.rawValue, name: nil, topicID: asked.topicID)
    }

    private func describe(_ topic: Topic, _ context: RequestContext) -> MetadataResponse.Topic {
        var answer = MetadataResponse.Topic(
            name: topic.name, topicID: topic.id, isInternal: topic.isInternal)
        if let injected = context.injected, injected.standing.fault.partition == nil,
            let code = context.injectedError(topic: topic.name, partition: -1)
        {
            answer.errorCode = code
            return answer
        }
        answer.partitions = topic.partitions.map { describe($0, context) }
        return answer
    }

    private func describe(
        _ partition: Partition, _ context: RequestContext
    ) -> MetadataResponse.Partition {
        let injected = context.injectedError(
            topic: partition.topic.name, partition: partition.index)
        let leaderless = partition.leader < 0 ? KafkaError.leaderNotAvailable.rawValue : 0
        return .init(
            errorCode: injected ?? leaderless, partitionIndex: partition.index,
            leaderID: partition.leader, leaderEpoch: partition.leaderEpoch,
            replicaNodes: partition.replicas, isrNodes: partition.inSyncReplicas,
            offlineReplicas: partition.replicas.filter { broker($0)?.isUp != true })
    }

    func describeCluster(_ request: DescribeClusterRequest, _ context: RequestContext) -> Outcome {
        var response = DescribeClusterResponse(
            throttleTimeMilliseconds: context.throttleMilliseconds,
            clusterID: settings.clusterID, controllerID: controllerID)
        response.errorCode = context.injectedError() ?? 0
        response.brokers = brokers.filter(\.isUp).map {
            .init(
                brokerID: $0.id, host: $0.address.host, port: Int32($0.address.port),
                rack: $0.rack)
        }
        return context.reply(response)
    }

    /// Kafka's rule: at most 249 of these characters, and not "." or "..".
    func isValidTopicName(_ name: String) -> Bool {
        let good = name.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return good && (1...249).contains(name.utf8.count) && name != "." && name != ".."
    }
}
