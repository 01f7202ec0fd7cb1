import KafkaProducing
import Timing

/// One producer, and what it waits for.
final class PooledProducer {
    /// A request on its way to the coordinator, or for it.
    enum TransactionState {
        case none
        case wanted(TransactionRequest)
        case asked
    }

    let id: ProducerID
    let engine: Producer
    /// All who ask for a producer with equal settings have this one.
    let isShared: Bool
    /// Somebody asked for it then.
    var lastUsed: Instant
    /// Its caller has left: it goes when everything is reported of, and then at the latest.
    var endsAt: Instant?
    /// The next turn looks at it.
    var isActive = false
    private(set) var topics: [String: ProducedTopic] = [:]
    /// In the order in which they were named.
    private(set) var topicOrder: [ProducedTopic] = []
    /// Those of which it does not know what has changed.
    private var news: [ProducedTopic] = []

    /// It needs an id of any broker, which is to be asked with what it had.
    var wantedIdentity: ProducerIdentity?
    var transaction = TransactionState.none
    /// Node id; nil: not known.
    var coordinator: Int32?

    init(_ id: ProducerID, _ engine: Producer, isShared: Bool, now: Instant) {
        self.id = id
        self.engine = engine
        self.isShared = isShared
        lastUsed = now
    }

    var role: ConnectionRole {
        engine.settings.acks == .none ? .unansweredProducer : .producer
    }

    /// It has to be asked of any broker who coordinates, or for an id.
    var needsAnyBroker: Bool {
        if wantedIdentity != nil { return true }
        if case .wanted(.findCoordinator) = transaction { return true }
        return false
    }

    /// Turns have to look at it until brokers have taken what it has.
    func hasWork(_ now: Instant) -> Bool {
        if case .wanted = transaction { return true }
        return wantedIdentity != nil || !engine.effects.isEmpty || !news.isEmpty
            || !engine.nodesToServe(now).isEmpty
    }

    var nextDeadline: Instant {
        min(engine.nextDeadline ?? .distantFuture, endsAt ?? .distantFuture)
    }

    // MARK: Topics

    func add(_ link: ProducedTopic) {
        topics[link.topic.name] = link
        topicOrder.append(link)
    }

    func remove(_ link: ProducedTopic) {
        topics[link.topic.name] = nil
        topicOrder.removeAll { $0 === link }
        forgetNews(of: link)
    }

    func noteNews(of link: ProducedTopic) {
        guard !link.hasNews else { return }
        link.hasNews = true
        news.append(link)
    }

    func forgetNews(of link: ProducedTopic) {
        guard link.hasNews else { return }
        link.hasNews = false
        news.removeAll { $0 === link }
    }

    func takeNews() -> [ProducedTopic] {
        defer { news = [] }
        for link in news { link.hasNews = false }
        return news
    }
}
