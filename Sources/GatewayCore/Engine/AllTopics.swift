import Bytes
import KafkaCore
import PubSubProtocol

/// All topics, as one answer of a cluster tells of them, while somebody waits to be told. What is
/// told is made once for all sessions that have the same rights and format.
final class AllTopics {
    let topics: [TopicDescription]
    private var replies: [(access: SessionAccess, format: MessageFormat, rest: SharedBytes)] = []

    /// Sessions may have rights of their own each: the oldest is forgotten.
    private static let repliesMax = 16

    init(_ topics: [TopicDescription]) { self.topics = topics }

    /// Whether that is the very same answer, not one that is equal.
    func isOf(_ other: [TopicDescription]) -> Bool {
        topics.withUnsafeBufferPointer { $0.baseAddress }
            == other.withUnsafeBufferPointer { $0.baseAddress }
    }

    /// But for its start (`Reply.writeStart`); nil: it was not made.
    func reply(_ access: SessionAccess, _ format: MessageFormat) -> SharedBytes? {
        replies.first { $0.access === access && $0.format == format }?.rest
    }

    /// By name, as the cluster's answer has them.
    func makeReply(_ access: SessionAccess, _ format: MessageFormat) -> SharedBytes {
        let told = topics.filter { access.allows(topic: $0.name) }.map(TopicMetadata.init)
        var out = ByteWriter(capacity: bytes)
        Reply.metadata(told).writeRest(as: format, into: &out)
        let rest = SharedBytes(out)
        if replies.count == Self.repliesMax { replies.removeFirst() }
        replies.append((access, format, rest))
        return rest
    }

    /// What a reply that tells of all of them takes, about.
    var bytes: Int {
        topics.reduce(64) { $0 + $1.name.utf8.count + 16 + 8 * $1.partitions.count }
    }
}

extension ClusterSeat {
    /// All topics were told of.
    func learn(_ found: [TopicDescription]) {
        guard allTopics?.isOf(found) != true else { return }
        let all = AllTopics(found)
        allTopicsBytes = all.bytes
        allTopics = all
    }
}

extension TopicMetadata {
    init(_ topic: TopicDescription) {
        if let failure = topic.failure {
            self.init(topic: topic.name, code: GatewayFault(failure).replyCode ?? .internalError)
            return
        }
        let partitions = topic.partitions.map {
            PartitionMetadata(partition: $0.index, code: $0.leader < 0 ? .unavailable : nil)
        }
        self.init(topic: topic.name, partitions: partitions)
    }
}
