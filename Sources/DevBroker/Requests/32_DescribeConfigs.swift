import KafkaMirror
import KafkaProtocol

extension TopicSettings {
    /// The settings by Kafka's names.
    var entries: [(name: String, value: String, isDefault: Bool)] {
        [
            ("cleanup.policy", cleanupPolicy, cleanupPolicy == "delete"),
            (
                "max.message.bytes", String(messageBytesMax ?? 1_048_588),
                messageBytesMax == nil
            ),
            (
                "message.timestamp.type", timestampType.rawValue, timestampType == .createTime
            ),
            (
                "min.insync.replicas", String(inSyncReplicasMin), inSyncReplicasMin == 1
            ),
            ("retention.bytes", String(retentionBytes ?? -1), retentionBytes == nil),
            ("compression.type", "producer", true),
        ]
    }

    /// Takes a setting by Kafka's name; false if its value is not one. Settings that mean nothing
    /// here are taken and forgotten.
    mutating func set(_ name: String, _ value: String?) -> Bool {
        guard let value else { return true }
        switch name {
        case "cleanup.policy": cleanupPolicy = value
        case "message.timestamp.type":
            guard let type = TimestampType(rawValue: value) else { return false }
            timestampType = type
        case "max.message.bytes":
            guard let bytes = Int(value), bytes >= 0 else { return false }
            messageBytesMax = bytes
        case "min.insync.replicas":
            guard let count = Int(value), count >= 1 else { return false }
            inSyncReplicasMin = count
        case "retention.bytes":
            guard let bytes = Int(value) else { return false }
            retentionBytes = bytes < 0 ? nil : bytes
        default: break
        }
        return true
    }
}

extension BrokerCluster {
    func describeConfigs(_ request: DescribeConfigsRequest, _ context: RequestContext) -> Outcome {
        var response = DescribeConfigsResponse(
            throttleTimeMilliseconds: context.throttleMilliseconds)
        response.results = request.resources.map { resource in
            var result = DescribeConfigsResponse.Result(
                resourceType: resource.resourceType, resourceName: resource.resourceName)
            if let code = context.injectedError() {
                result.errorCode = code
            } else if resource.resourceType == 2, let topic = topics[resource.resourceName] {
                result.configs = describe(topic.settings, resource.configurationKeys)
            } else if resource.resourceType == 2 {
                result.errorCode = KafkaError.unknownTopicOrPartition.rawValue
            } else if resource.resourceType != 4 {
                result.errorCode = KafkaError.invalidRequest.rawValue
            }
            return result
        }
        return context.reply(response)
    }

    private func describe(
        _ settings: TopicSettings, _ keys: [String]?
    ) -> [DescribeConfigsResponse.Config] {
        settings.entries.filter { keys?.contains($0.name) ?? true }.map {
            .init(
                name: $0.name, value: $0.value, configSource: $0.isDefault ? 5 : 1,
                isDefault: $0.isDefault, configType: 2)
        }
    }
}
