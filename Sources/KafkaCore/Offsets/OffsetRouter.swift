import Timing

/// Above the look-ups of offsets: what else an answer tells of a log.
protocol OffsetRouter: TopicRouter {
    /// The log ends there. `sentAt`: of the request that was answered.
    func endIsTold(_ partition: Partition, _ offset: Int64, sentAt: Instant)
    func startIsTold(_ partition: Partition, _ offset: Int64)
    /// The broker refuses us the partition.
    func rightIsGone(_ partition: Partition)
}
