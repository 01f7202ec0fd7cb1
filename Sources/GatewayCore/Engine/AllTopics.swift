import Bytes
import KafkaCore
import PubSubProtocol

/// All topics, as one answer of a cluster tells of them, while somebody waits to be told. What is
/// told is made once for all sessions that have the same rights and format, some topics at a time.
final class AllTopics {
    private(set) var topics: [TopicDescription]
    private var replies: [(access: SessionAccess, format: MessageFormat, rest: SharedBytes)] = []
    private var drafts: [AllTopicsDraft] = []

    /// Sessions may have rights of their own each: of the replies the oldest is forgotten, and who
    /// needs one draft more waits.
    private static let repliesMax = 16
    private static let draftsMax = 16

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

    /// Goes on with the session's draft of a reply: so many topics more, by name, as the cluster's
    /// answer has them. nil: there is something left to do.
    /// `isOver`: that session waits for its reply no more.
    func makeReply(
        for session: Session, _ access: SessionAccess, topics count: Int,
        isOver: (SessionID) -> Bool
    ) -> SharedBytes? {
        let format = session.format
        guard let draft = draft(session, access, isOver) else { return nil }
        draft.write(topics, count)
        guard draft.next == topics.count else { return nil }
        drafts.removeAll { $0 === draft }
        let rest = SharedBytes(draft.finish())
        if replies.count == Self.repliesMax { replies.removeFirst() }
        replies.append((access, format, rest))
        return rest
    }

    private func draft(
        _ session: Session, _ access: SessionAccess, _ isOver: (SessionID) -> Bool
    ) -> AllTopicsDraft? {
        let format = session.format
        if let draft = drafts.first(where: { $0.access === access && $0.format == format }) {
            return draft
        }
        if drafts.count == Self.draftsMax { drafts.removeAll { isOver($0.owner) } }
        guard drafts.count < Self.draftsMax else { return nil }
        let draft = AllTopicsDraft(session.id, access, format, capacity: bytes)
        drafts.append(draft)
        return draft
    }

    /// What a reply that tells of all of them takes, about.
    private(set) lazy var bytes = topics.reduce(64) {
        $0 + $1.name.utf8.count + 16 + 8 * $1.partitions.count
    }

    /// Nobody needs it any more: gives back so many topics. Whether those were all.
    func release(_ count: Int) -> Bool {
        topics.removeLast(min(count, topics.count))
        return topics.isEmpty
    }
}

/// A reply that tells of all topics, and is not finished.
final class AllTopicsDraft {
    /// Who needed it first.
    let owner: SessionID
    let access: SessionAccess
    let format: MessageFormat
    private var writer: MetadataReplyWriter
    /// The topic that is looked at next.
    private(set) var next = 0

    init(
        _ owner: SessionID, _ access: SessionAccess, _ format: MessageFormat, capacity: Int
    ) {
        self.owner = owner
        self.access = access
        self.format = format
        writer = MetadataReplyWriter(format, capacity: capacity)
    }

    func write(_ topics: [TopicDescription], _ count: Int) {
        for topic in topics[next..<min(next + count, topics.count)] {
            if access.allows(topic: topic.name) { writer.append(TopicMetadata(topic)) }
        }
        next = min(next + count, topics.count)
    }

    func finish() -> ByteWriter {
        var finished = MetadataReplyWriter(format, capacity: 0)
        swap(&finished, &writer)
        return finished.finish()
    }
}

extension ClusterSeat {
    /// All topics were told of. Somebody more waits to be told.
    func learn(_ found: [TopicDescription]) -> AllTopics {
        tellCount += 1
        hasLearned = true
        if let allTopics, allTopics.isOf(found) { return allTopics }
        let all = AllTopics(found)
        allTopicsBytes = all.bytes
        allTopics = all
        return all
    }

    /// At the end of a turn. A round is over when all who wait have been told, or wait no more; but
    /// the cluster may tell others of the same answer in its next turn. What was known is given
    /// back in the turns behind.
    func endTurn() {
        if let fading, fading.release(Self.topicsReleased) { self.fading = nil }
        guard tellCount == 0, !hasLearned else { return hasLearned = false }
        fading = allTopics ?? fading
        allTopics = nil
    }

    private static let topicsReleased = 2_000
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
