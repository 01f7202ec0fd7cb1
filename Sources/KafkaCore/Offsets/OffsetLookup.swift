import Timing

/// Somebody wants to know the offset of a timestamp.
final class OffsetLookup {
    let topic: String
    let partition: Int32
    let timestamp: Int64
    let isolation: Isolation
    let deadline: Instant
    /// nil: for ourselves.
    let token: RequestToken?
    let completion: (Result<ListedOffset, KafkaFailure>) -> Void
    var isDone = false
    var lastFailure: KafkaFailure?

    init(
        topic: String, partition: Int32, timestamp: Int64, isolation: Isolation,
        deadline: Instant, token: RequestToken?,
        completion: @escaping (Result<ListedOffset, KafkaFailure>) -> Void
    ) {
        self.topic = topic
        self.partition = partition
        self.timestamp = timestamp
        self.isolation = isolation
        self.deadline = deadline
        self.token = token
        self.completion = completion
    }
}

/// One ListOffsets request in flight: one timestamp of each of several partitions, each perhaps
/// for many.
final class OffsetBatch {
    struct Entry {
        let partition: Partition
        let timestamp: Int64
        var lookups: [OffsetLookup]
        var isAnswered = false
    }

    let broker: Broker
    let isolation: Isolation
    var entries: [Entry] = []

    init(_ broker: Broker, _ isolation: Isolation) {
        self.broker = broker
        self.isolation = isolation
    }
}
