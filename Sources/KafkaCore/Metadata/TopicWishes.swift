import Timing

/// The topics that a metadata request is to ask for, by the moment from which on it may. A topic
/// remembers the moment that counts (`wantedFrom`); others of it mean nothing any more.
struct TopicWishes {
    private var heap = DeadlineHeap<Topic>()

    mutating func insert(_ topic: Topic, from moment: Instant) {
        if let before = topic.wantedFrom, before <= moment { return }
        topic.wantedFrom = moment
        heap.insert(topic, at: moment)
    }

    var earliest: Instant? {
        mutating get {
            while let first = heap.first, first.token.wantedFrom != first.at {
                _ = heap.popFirst(notAfter: first.at)
            }
            return heap.earliest
        }
    }

    /// Those that may be asked for, at most so many.
    mutating func take(notAfter now: Instant, atMost count: Int) -> [Topic] {
        var taken: [Topic] = []
        while taken.count < count, let (at, topic) = heap.popFirst(notAfter: now) {
            guard topic.wantedFrom == at else { continue }
            topic.wantedFrom = nil
            taken.append(topic)
        }
        return taken
    }

    mutating func removeAll() { heap = DeadlineHeap() }
}
