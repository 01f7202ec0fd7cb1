/// What the cluster tells about a topic.
public struct TopicDescription: Sendable {
    public var name: String
    public var isInternal: Bool
    /// Sorted by index.
    public var partitions: [PartitionDescription]
    /// Why there are no partitions: not found, not authorised.
    public var failure: KafkaFailure?

    public init(
        name: String, isInternal: Bool = false, partitions: [PartitionDescription] = [],
        failure: KafkaFailure? = nil
    ) {
        self.name = name
        self.isInternal = isInternal
        self.partitions = partitions
        self.failure = failure
    }
}

/// What the cluster tells about a partition.
public struct PartitionDescription: Sendable {
    public var index: Int32
    /// Node id of the leader; -1 while there is none.
    public var leader: Int32
    public var leaderEpoch: Int32

    public init(index: Int32, leader: Int32, leaderEpoch: Int32) {
        self.index = index
        self.leader = leader
        self.leaderEpoch = leaderEpoch
    }
}
