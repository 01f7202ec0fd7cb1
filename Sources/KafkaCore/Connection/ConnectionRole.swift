/// What a connection to a broker is for. A broker answers one request of a connection at a time, so
/// that what may be held for long, or must not wait, has a connection of its own.
enum ConnectionRole: Equatable, CustomStringConvertible {
    /// Metadata, ListOffsets.
    case control
    case pointReads
    case tail(Isolation)
    /// Produce, of which the broker answers all, and what producers ask of coordinators.
    case producer
    /// Produce that is not answered: a broker tells its errors by hanging up.
    case unansweredProducer

    /// Requests in flight. One is enough to read: a broker takes the next only when it has answered
    /// (SocketServer mutes the channel), and a lost connection then loses one. A producer keeps the
    /// broker busy with five, whose order an idempotent one can restore
    /// (`max.in.flight.requests.per.connection`).
    var depth: Int {
        switch self {
        case .control, .pointReads, .tail: 1
        case .producer: 5
        // Of questions whether what was sent before has arrived.
        case .unansweredProducer: 2
        }
    }

    /// So many of them to one broker.
    func connectionsMax(_ settings: ClusterSettings) -> Int {
        self == .pointReads ? settings.pointConnectionsPerBroker : 1
    }

    /// For the log.
    var description: String {
        switch self {
        case .control: "metadata and offsets"
        case .pointReads: "reads"
        case .tail: "following"
        case .producer: "producing"
        case .unansweredProducer: "producing without acknowledgement"
        }
    }
}
