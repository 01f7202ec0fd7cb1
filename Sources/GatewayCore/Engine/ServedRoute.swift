import KafkaCore
import Timing

/// A route in use on this loop, with its cluster.
final class ServedRoute {
    let route: Route
    /// nil: the route has no Kafka.
    let seat: ClusterSeat?
    /// Of sessions without a policy of their own.
    let access: SessionAccess
    var sessionCount = 0

    /// Of those who send requests, by who they are.
    private var postPaces: [String: ProducePaces] = [:]
    private static let postPacesKept = 1_000

    func postPaces(
        of sender: String, _ now: Instant, _ make: () -> ProducePaces
    ) -> ProducePaces {
        if let known = postPaces[sender] { return known }
        let paces = make()
        guard !paces.areUnlimited else { return paces }
        if postPaces.count >= Self.postPacesKept {
            postPaces = postPaces.filter { !$0.value.areFull(now) }
        }
        postPaces[sender] = paces
        return paces
    }

    init(_ route: Route, _ seat: ClusterSeat?) {
        self.route = route
        self.seat = seat
        access = SessionAccess(route.policy)
    }
}

/// A cluster in use on this loop. Routes that agree in every setting share it.
final class ClusterSeat {
    let cluster: Cluster
    /// What a reply that tells of all topics takes, as far as one was made.
    var allTopicsBytes = 64 << 10
    /// The last answer that told of all topics, as long as somebody waits to be told. Nobody asks
    /// again meanwhile: a thousand who ask without end would have as many answers read for them.
    var allTopics: AllTopics?
    /// The one before it.
    var fading: AllTopics?
    /// Commands that wait to be told.
    var tellCount = 0
    /// In this turn.
    var hasLearned = false
    /// Sessions that ask when all have been told, in the order of their coming.
    var roundWaiters: [SessionID] = []

    var hasRoundWork: Bool { allTopics != nil || fading != nil || !roundWaiters.isEmpty }

    /// Those that sessions share.
    var producers: [ProducerID: ProducerUse] = [:]
    var isProducing: Bool { producers.values.contains { !$0.isIdle } }
    /// Nobody else has a use for it.
    var isKeptForRecords = false

    init(_ cluster: Cluster) { self.cluster = cluster }
}
