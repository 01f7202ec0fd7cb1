import Timing

/// The fetch sessions of one broker, under a limit. A reader whose session is gone gets error 70
/// and opens another; one that finds no place is served without a session.
struct FetchSessionCache {
    let slots: Int
    let evictionMilliseconds: Int64
    private var sessions: [Int32: FetchSession] = [:]

    init(slots: Int, evictionMilliseconds: Int64) {
        self.slots = slots
        self.evictionMilliseconds = evictionMilliseconds
    }

    var count: Int { sessions.count }

    subscript(id: Int32) -> FetchSession? { sessions[id] }

    mutating func remove(_ id: Int32) { sessions[id] = nil }

    mutating func removeAll() { sessions.removeAll() }

    /// nil if there is no place.
    mutating func open(
        _ partitions: [FetchedPartition], usesTopicIDs: Bool, now: Instant,
        _ random: inout SeededRandom
    ) -> FetchSession? {
        guard slots > 0, sessions.count < slots || evict(now: now) else { return nil }
        var id: Int32 = 0
        while id == 0 || sessions[id] != nil { id = Int32.random(in: 1...(.max), using: &random) }
        let session = FetchSession(
            id: id, usesTopicIDs: usesTopicIDs, partitions: partitions, now: now)
        sessions[id] = session
        return session
    }

    /// Gives up the session that was unused for longest, if for long enough.
    private mutating func evict(now: Instant) -> Bool {
        let oldest = sessions.values.min { ($0.lastUsed, $0.id) < ($1.lastUsed, $1.id) }
        guard let oldest, now.milliseconds(since: oldest.lastUsed) >= evictionMilliseconds else {
            return false
        }
        sessions[oldest.id] = nil
        return true
    }
}
