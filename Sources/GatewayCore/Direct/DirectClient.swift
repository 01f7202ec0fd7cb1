import KafkaCore

/// A Kafka client of the host's on one loop: the cluster, connections and cache are those of the
/// sessions with equal settings.
final class DirectClient {
    let id: DirectClientID
    let settings: DirectSettings
    let seat: ClusterSeat
    /// By the host's tokens.
    var requests: [UInt64: DirectRequest] = [:]

    init(_ id: DirectClientID, _ settings: DirectSettings, _ seat: ClusterSeat) {
        self.id = id
        self.settings = settings
        self.seat = seat
    }

    /// In the order of asking, so that runs replay.
    var requestsInOrder: [DirectRequest] { requests.values.sorted { $0.number < $1.number } }
}

/// One request of the host's, until its last event.
final class DirectRequest {
    let client: DirectClient
    let token: UInt64
    let number: UInt64
    let ask: DirectAsk
    /// What waits at the cluster.
    var read: ReadToken?
    /// A subscription's, once it is known where that begins.
    var follower: Follower?
    var lookUp: RequestToken?
    /// The timestamp that is looked up.
    var timestamp: Int64 = 0
    /// Where to read; nil: not looked up yet.
    var offset: Int64?
    /// Bytes of a subscription's events that the host has not taken.
    var queuedBytes = 0
    /// What one read asks for: less after its records were evicted before they could be copied.
    var maxBytes: Int
    var evictions = 0

    init(_ client: DirectClient, token: UInt64, number: UInt64, _ ask: DirectAsk) {
        self.client = client
        self.token = token
        self.number = number
        self.ask = ask
        switch ask {
        case .fetch(let fetch):
            maxBytes = fetch.maxBytes > 0 ? fetch.maxBytes : client.settings.fetch.defaultBytes
        case .subscribe(let subscribe): maxBytes = subscribe.maxBytes
        case .listOffset, .metadata: maxBytes = 0
        }
    }

    var kind: DirectEvent.Kind {
        switch ask {
        case .fetch, .subscribe: .records
        case .listOffset: .offset
        case .metadata: .metadata
        }
    }

    var isSubscription: Bool { if case .subscribe = ask { true } else { false } }

    var isolation: Isolation {
        switch ask {
        case .fetch(let fetch): fetch.isolation ?? client.settings.isolation
        case .subscribe(let subscribe): subscribe.isolation ?? client.settings.isolation
        case .listOffset, .metadata: client.settings.isolation
        }
    }

    var place: (topic: String, partition: Int32) {
        switch ask {
        case .fetch(let fetch): (fetch.topic, fetch.partition)
        case .subscribe(let subscribe): (subscribe.topic, subscribe.partition)
        case .listOffset(let topic, let partition, _): (topic, partition)
        case .metadata(let topic): (topic ?? "", 0)
        }
    }
}
