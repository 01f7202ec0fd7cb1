import Bytes
import KafkaProtocol
import Timing

/// One metadata request: for topics in use, or for look-ups of the API.
final class MetadataQuestion: RequestPurpose {
    typealias Response = MetadataResponse

    unowned(unsafe) let keeper: MetadataKeeper
    /// nil: all topics.
    let topics: [Topic]?
    let lookups: [MetadataLookup]
    let askedAt: Instant
    let broker: Broker
    /// Those of `topics` that the answer has not come to yet; of all topics, those it has come to.
    private var marked: [ObjectIdentifier: Topic] = [:]

    init(
        _ keeper: MetadataKeeper, topics: [Topic]?, lookups: [MetadataLookup], askedAt: Instant,
        broker: Broker
    ) {
        self.keeper = keeper
        self.broker = broker
        self.topics = topics
        self.lookups = lookups
        self.askedAt = askedAt
        for topic in topics ?? [] { marked[ObjectIdentifier(topic)] = topic }
    }

    /// Whether the topic was asked for, and is answered for the first time.
    func noteAnswer(_ topic: Topic) -> Bool {
        let key = ObjectIdentifier(topic)
        return topics == nil
            ? marked.updateValue(topic, forKey: key) == nil : marked.removeValue(forKey: key) != nil
    }

    func take(_ reader: inout ByteReader, _ answer: Answer) throws(KafkaFailure) {
        try keeper.received(self, reader, answer)
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
