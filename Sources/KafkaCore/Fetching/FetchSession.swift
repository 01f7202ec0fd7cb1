import KafkaProtocol
import Timing

/// The client's half of a fetch session (KIP-227): the broker remembers the partitions, each
/// request tells only what changed.
struct FetchSession {
    /// What the broker knows of one partition.
    struct Known: Equatable {
        var offset: Int64
        var leaderEpoch: Int32
        var lastFetchedEpoch: Int32
        var bytesMax: Int32
    }

    /// One partition as the next request wants it.
    struct Wish {
        let partition: Partition
        var known: Known
    }

    private(set) var id: Int32 = 0
    private(set) var epoch: Int32 = 0
    private var known: [ObjectIdentifier: (partition: Partition, state: Known)] = [:]
    private var order: [ObjectIdentifier] = []
    private(set) var usesIDs = false
    /// The broker has no room for sessions: asking for one in every request would push out those
    /// of others, cluster-wide.
    private var sessionlessUntil: Instant?

    static let sessionlessMilliseconds: Int64 = 60_000

    init() {}

    /// The next request opens a session anew.
    mutating func reset() {
        id = 0
        epoch = 0
        known = [:]
        order = []
    }

    /// The broker keeps it.
    var isOpen: Bool { id != 0 }

    /// The request ends the session, and asks for nothing.
    mutating func close(_ request: inout FetchRequest) {
        request.sessionID = id
        request.sessionEpoch = -1
        reset()
    }

    /// Fills in topics, forgotten topics, id and epoch.
    mutating func prepare(
        _ request: inout FetchRequest, wishes: [Wish], usesIDs: Bool, now: Instant
    ) {
        // A session is of one kind, topic ids or names.
        if usesIDs != self.usesIDs { reset() }
        self.usesIDs = usesIDs
        if let until = sessionlessUntil {
            if until > now { return full(&request, wishes, epoch: -1) }
            sessionlessUntil = nil
        }
        guard id != 0 else { return full(&request, wishes, epoch: 0) }
        let wanted = Set(wishes.map { ObjectIdentifier($0.partition) })
        let gone = order.filter { !wanted.contains($0) }
        request.forgottenTopicsData = FetchTopics.forgotten(
            gone.compactMap { known[$0]?.partition })
        for identifier in gone { known[identifier] = nil }
        order.removeAll { !wanted.contains($0) }
        let changed = wishes.filter { known[ObjectIdentifier($0.partition)]?.state != $0.known }
        remember(changed)
        request.topics = Self.topics(changed)
        request.sessionID = id
        request.sessionEpoch = epoch
    }

    private mutating func full(_ request: inout FetchRequest, _ wishes: [Wish], epoch: Int32) {
        known = [:]
        order = []
        remember(wishes)
        request.topics = Self.topics(wishes)
        request.sessionID = 0
        request.sessionEpoch = epoch
    }

    private mutating func remember(_ wishes: [Wish]) {
        for wish in wishes {
            let identifier = ObjectIdentifier(wish.partition)
            if known.updateValue((wish.partition, wish.known), forKey: identifier) == nil {
                order.append(identifier)
            }
        }
    }

    private static func topics(_ wishes: [Wish]) -> [FetchRequest.Topic] {
        FetchTopics.grouped(
            wishes.map { wish in
                (
                    wish.partition,
                    FetchRequest.Partition(
                        partition: wish.partition.index,
                        currentLeaderEpoch: wish.known.leaderEpoch, fetchOffset: wish.known.offset,
                        lastFetchedEpoch: wish.known.lastFetchedEpoch,
                        partitionMaxBytes: wish.known.bytesMax)
                )
            })
    }

    /// A good answer came. The first one to a client over its quota opens no session: that says
    /// nothing about the broker's room.
    mutating func answered(sessionID: Int32, isThrottled: Bool = false, now: Instant) {
        if sessionID == 0 {
            reset()
            if sessionlessUntil == nil && !isThrottled {
                sessionlessUntil = now.adding(milliseconds: Self.sessionlessMilliseconds)
            }
        } else if sessionID == id {
            epoch = epoch == .max ? 1 : epoch + 1
        } else {
            id = sessionID
            epoch = 1
        }
    }

    /// The broker refused the session: gone (70), out of step (71), or opened with other topic ids
    /// (103, 106). Whether that is what the error means.
    mutating func refused(_ error: KafkaError) -> Bool {
        switch error {
        case .fetchSessionIdNotFound, .invalidFetchSessionEpoch, .fetchSessionTopicIdError,
            .inconsistentTopicId:
            reset()
            return true
        default: return false
        }
    }
}
