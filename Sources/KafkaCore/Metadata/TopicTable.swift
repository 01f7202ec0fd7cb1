import Timing

/// The topics that somebody has named, each for a while. Clients choose the names: neither a
/// look-up nor the end of one may cost more for all that was named before.
struct TopicTable {
    private var byName: [String: Topic] = [:]
    private var lastNumber: UInt64 = 0
    /// When each wants to be looked at. A topic remembers the moment that counts.
    private var looks = DeadlineHeap<Topic>()

    var count: Int { byName.count }

    subscript(name: String) -> Topic? { byName[name] }

    func contains(_ topic: Topic) -> Bool { byName[topic.name] === topic }

    /// In the order in which they were named. Not for every event.
    var all: [Topic] { byName.values.sorted { $0.number < $1.number } }

    mutating func insert(_ topic: Topic, lookAt: Instant) {
        lastNumber += 1
        topic.number = lastNumber
        byName[topic.name] = topic
        schedule(topic, at: lookAt)
    }

    mutating func remove(_ topic: Topic) {
        guard contains(topic) else { return }
        byName[topic.name] = nil
        topic.lookAt = nil
    }

    mutating func removeAll() { self = TopicTable() }

    // MARK: Looks

    mutating func schedule(_ topic: Topic, at moment: Instant) {
        topic.lookAt = moment
        looks.insert(topic, at: moment)
    }

    /// The earliest topic whose moment has come; it has to be scheduled again, or removed.
    mutating func next(notAfter moment: Instant) -> Topic? {
        while let (at, topic) = looks.popFirst(notAfter: moment) {
            if topic.lookAt == at, contains(topic) { return topic }
        }
        return nil
    }

    var nextLook: Instant? { looks.earliest }
}
