import Timing

/// One metadata request: for topics in use, or for look-ups of the API.
final class MetadataQuestion {
    /// nil: all topics.
    let topics: [Topic]?
    let lookups: [MetadataLookup]
    let askedAt: Instant
    let broker: Broker

    init(topics: [Topic]?, lookups: [MetadataLookup], askedAt: Instant, broker: Broker) {
        self.broker = broker
        self.topics = topics
        self.lookups = lookups
        self.askedAt = askedAt
    }
}

/// Somebody wants to know about topics.
final class MetadataLookup: Slotted {
    let token: RequestToken
    /// nil: all topics.
    let topics: [String]?
    let deadline: Instant
    var isDone = false
    var slot = 0

    init(_ token: RequestToken, topics: [String]?, deadline: Instant) {
        self.token = token
        self.topics = topics
        self.deadline = deadline
    }
}
