import Timing

/// Above the reading service.
protocol ReadRouter: TopicRouter {
    /// Asks the leader for the offset of a timestamp; -1: none was told before `deadline`.
    func lookUp(
        _ topic: String, _ partition: Int32, timestamp: Int64, deadline: Instant,
        _ then: @escaping (Int64) -> Void)
}
