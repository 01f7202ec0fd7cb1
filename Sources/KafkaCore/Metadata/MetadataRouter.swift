/// Above the metadata: hands on what is learned of topics, and knows who uses them.
protocol MetadataRouter: AnyObject {
    func partitionChanged(_ change: PartitionChange)
    /// Deleted, or created anew.
    func partitionIsGone(_ partition: Partition)
    func partitionIsForgotten(_ partition: Partition)
    func topicIsKnown(_ topic: Topic)
    func topicFailed(_ topic: Topic, _ failure: KafkaFailure)
    func topicIsOutOfReach(_ topic: Topic, _ failure: KafkaFailure)
    func topicIsVoid(_ topic: Topic)
    func brokersAreAway(_ outage: KafkaFailure)

    /// Somebody waits for what is to be known of it.
    func isAwaited(_ topic: Topic) -> Bool
    func isInUse(_ partition: Partition) -> Bool
    /// Of which the broker is asked for something, whoever leads them by now.
    func topicsAsked(of broker: Broker) -> [Topic]
}

extension MetadataRouter {
    func isInUse(_ topic: Topic) -> Bool {
        isAwaited(topic) || topic.partitions.values.contains(where: isInUse)
    }

    func uses(_ broker: Broker, for topic: Topic) -> Bool {
        topic.partitions.values.contains { $0.leader === broker && isInUse($0) }
    }
}
