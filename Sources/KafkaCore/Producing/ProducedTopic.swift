import Timing

/// A topic that a producer sends to. While it is kept, the topic counts as awaited: the metadata
/// keeps it known and young.
final class ProducedTopic {
    let topic: Topic
    /// The producer last named it then.
    var lastUsed: Instant
    /// The producer knows its partitions.
    var isTold = false
    /// What is known of it has changed, and the producer does not know.
    var hasNews = false

    init(_ topic: Topic, now: Instant) {
        self.topic = topic
        lastUsed = now
    }
}
