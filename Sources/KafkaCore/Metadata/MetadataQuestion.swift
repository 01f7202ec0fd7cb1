import KafkaProtocol
import Timing

/// One metadata request: for topics in use, or for look-ups of the API.
final class MetadataQuestion: RequestPurpose {
    unowned(unsafe) let keeper: MetadataKeeper
    /// nil: all topics.
    let topics: [Topic]?
    let lookups: [MetadataLookup]
    let askedAt: Instant
    let broker: Broker

    init(
        _ keeper: MetadataKeeper, topics: [Topic]?, lookups: [MetadataLookup], askedAt: Instant,
        broker: Broker
    ) {
        self.keeper = keeper
        self.broker = broker
        self.topics = topics
        self.lookups = lookups
        self.askedAt = askedAt
    }

    func answered(_ response: MetadataResponse, _ answer: Answer) {
        keeper.received(self, response)
    }

    func lost(_ failure: KafkaFailure) { keeper.lost(self, failure) }

    func late() { keeper.askElsewhere(self) }
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
