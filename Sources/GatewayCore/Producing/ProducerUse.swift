import KafkaCore
import KafkaProducing

/// What sessions have in the buffer of one producer, and who waits for room in it.
///
/// A topic may have as much of the buffer as is left for all others: one whose leader is away fills
/// a half, two fill two thirds, and whoever produces to another always finds room.
final class ProducerUse {
    /// Records of one topic.
    final class Topic {
        let name: String
        fileprivate(set) var bytes = 0
        /// In the order of their coming.
        fileprivate(set) var waiting = WaitingCommands()

        /// Who comes waits behind them.
        var hasWaiting: Bool { !waiting.isEmpty }

        fileprivate init(_ name: String) { self.name = name }
    }

    let cluster: Cluster
    let producer: ProducerID
    let bufferBytes: Int
    private(set) var bytes = 0
    private(set) var recordCount = 0
    private var topics: [String: Topic] = [:]
    /// Those that found the buffer full, whatever their topic.
    private var withoutRoom = WaitingCommands()

    init(_ cluster: Cluster, _ producer: ProducerID, bufferBytes: Int) {
        self.cluster = cluster
        self.producer = producer
        self.bufferBytes = bufferBytes
    }

    var isIdle: Bool { topics.isEmpty && withoutRoom.isEmpty }

    func topic(_ name: String) -> Topic {
        if let known = topics[name] { return known }
        let topic = Topic(name)
        topics[name] = topic
        return topic
    }

    /// What was looked up, and is not used.
    func leave(_ topic: Topic) {
        if topic.bytes == 0, topic.waiting.isEmpty { topics[topic.name] = nil }
    }

    /// Whether the topic's share has room for so much more.
    func hasRoom(for size: Int, _ topic: Topic) -> Bool {
        topic.bytes == 0 || topic.bytes + size <= bufferBytes - bytes
    }

    func take(_ size: Int, _ topic: Topic) {
        topic.bytes += size
        bytes += size
        recordCount += 1
    }

    /// Records were reported of.
    func give(_ size: Int, records: Int, of name: String) {
        bytes -= size
        recordCount -= records
        guard let topic = topics[name] else { return }
        topic.bytes -= size
        precondition(topic.bytes >= 0, "more is given back than was taken")
        leave(topic)
    }

    // MARK: Waiting

    func wait(_ command: ProduceInProgress, for place: ProduceInProgress.Place) {
        switch place {
        case .topic(let topic): topic.waiting.append(command)
        case .buffer: withoutRoom.append(command)
        }
    }

    /// It was the first, and is still.
    func waitOn(_ command: ProduceInProgress, for place: ProduceInProgress.Place) {
        switch place {
        case .topic(let topic): topic.waiting.prepend(command)
        case .buffer: withoutRoom.prepend(command)
        }
    }

    /// Who may find room now that records of a topic have left; nil: nobody.
    func takeWaiting(of name: String) -> ProduceInProgress? {
        guard let topic = topics[name], let first = topic.waiting.removeFirst() else {
            return nil
        }
        leave(topic)
        return first
    }

    func takeWithoutRoom() -> ProduceInProgress? { withoutRoom.removeFirst() }

    /// Everybody who waits.
    func takeAllWaiting() -> [ProduceInProgress] {
        var all = Array(withoutRoom.takeAll())
        for topic in topics.values.sorted(by: { $0.name < $1.name }) {
            all += Array(topic.waiting.takeAll())
            leave(topic)
        }
        return all
    }
}
