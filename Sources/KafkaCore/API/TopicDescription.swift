/// What the cluster tells about a topic.
public struct TopicDescription: Sendable {
    public struct Partition: Sendable {
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

    public var name: String
    public var isInternal: Bool
    /// Sorted by index.
    public var partitions: [Partition]
    /// Why there are no partitions: not found, not authorised.
    public var failure: KafkaFailure?

    public init(
        name: String, isInternal: Bool = false, partitions: [Partition] = [],
        failure: KafkaFailure? = nil
    ) {
        self.name = name
        self.isInternal = isInternal
        self.partitions = partitions
        self.failure = failure
    }
}
