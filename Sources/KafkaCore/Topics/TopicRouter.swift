import Timing

/// Above the services: the way from a name to its partition, for whoever reads, writes or looks up
/// an offset there, and the way of their wishes to the metadata.
protocol TopicRouter: AnyObject {
    func place(_ topic: String, _ partition: Int32) -> TopicPlace
    /// What is known of the topic does not do: it is asked for.
    func awaited(_ topic: Topic) -> TopicPlace
    /// The topic of that name, known or not.
    func topic(_ name: String) -> Topic
    /// The topic of that name if its partitions are known.
    func knownTopic(_ name: String) -> Topic?
    /// The next request asks for it.
    func want(_ topic: Topic)
    /// What is known of it did not help: ask again, but not more often than its backoff allows.
    func wantAgain(_ topic: Topic)
    func leaderIsNamed(_ hint: LeaderHint)
    /// Why a partition did not answer in time, as far as that is known. `last`: what kept whoever
    /// waited for it last.
    func reason(_ topic: String, _ partition: Int32, _ last: KafkaFailure?) -> KafkaFailure
    /// The failure that everybody gets while no broker can be reached, between two attempts.
    var currentOutage: KafkaFailure? { get }
    /// A broker has described the cluster once.
    var hasDescription: Bool { get }
}

/// Where a name leads.
enum TopicPlace {
    case partition(Partition)
    /// Nothing is known, or nothing that is young enough: whoever asks waits until the topic is
    /// known or fails.
    case awaited(Topic)
    /// There is none of that name.
    case none(KafkaFailure)
    /// What may pass keeps it from being known.
    case trouble(KafkaFailure)
}
