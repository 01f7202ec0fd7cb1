import KafkaCore
import PubSubProtocol
import Timing

/// One CmdSubscribe: partitions that are followed under one credit.
final class LiveSubscription {
    let sequence: Int64
    let isolation: Isolation
    /// Bytes of records in one push.
    let maxBytes: Int
    /// Records that cannot be read are passed over.
    let skipsUnreadable: Bool
    let credit: FollowCredit
    var isPaused = false
    /// The CmdSubscribe, until its first reply has gone out: where each partition begins.
    var command: PendingCommand?
    /// All that it ever had, those too that were dropped.
    private(set) var partitions: [FollowedPartition] = []
    /// Those that were not dropped.
    private(set) var followedCount = 0
    private(set) var wholeTopics: [WholeTopic] = []
    /// Look-ups in flight, for the start or for partitions that came later.
    var lookUps: Set<RequestToken> = []
    /// When `wholeTopics` are looked at again.
    var refreshesAt = Instant.distantFuture
    /// Between attempts to learn of topics of which nothing is known.
    var refreshBackoff = Backoff(
        initialMilliseconds: FollowedPartition.searchPauseMilliseconds,
        maximumMilliseconds: FollowedPartition.searchPauseMillisecondsMax)
    /// When a partition wants to be looked at.
    private(set) var looksAt = Instant.distantFuture

    /// Partitions are being asked for; nothing is told before all of them are.
    var isAsking = true
    /// Until then what is to be told waits for the look-ups, so that one message tells it all.
    /// `zero`: it does not.
    private(set) var gathersUntil = Instant.zero
    /// Partitions that may have news.
    private var newsmakers: [FollowedPartition] = []
    /// Topics that were dropped as a whole, until that is told.
    private var lostTopics: [Loss] = []
    /// For the reply, if all that was asked for fails.
    private(set) var firstFailure: Loss?
    /// What was told last as no longer read.
    private(set) var lastLoss: Loss?

    /// What cannot be read, and why. `partition` of a whole topic: `wholeTopic`.
    struct Loss {
        var topic: String
        var partition: Int32
        var failure: KafkaFailure
    }

    /// The largest push (a single larger record goes alone).
    static let pushBytesMax = 64 << 10
    /// How long the first reply waits for look-ups: twice as long as a frozen node holds one up,
    /// and many times as long as they take else.
    static let gatherMilliseconds: Int64 = 500
    /// The number of the partition in what is told of a whole topic.
    static let wholeTopic: Int32 = -1

    init(
        sequence: Int64, isolation: Isolation, maxBytes: Int, skipsUnreadable: Bool,
        creditMessages: Int64?, creditBytes: Int64?
    ) {
        self.sequence = sequence
        self.isolation = isolation
        self.maxBytes = maxBytes
        self.skipsUnreadable = skipsUnreadable
        credit = FollowCredit(records: creditMessages, bytes: creditBytes)
    }

    // MARK: Partitions

    func add(
        _ topic: String, _ partition: Int32, _ start: PubSubProtocol.Subscription.Start,
        isOfWholeTopic: Bool = false
    ) -> FollowedPartition {
        let followed = FollowedPartition(
            topic, partition, start, isOfWholeTopic: isOfWholeTopic)
        partitions.append(followed)
        followedCount += 1
        return followed
    }

    func add(_ whole: WholeTopic) { wholeTopics.append(whole) }

    func drop(_ followed: FollowedPartition, _ failure: KafkaFailure) {
        guard !followed.isDropped else { return }
        followedCount -= 1
        followed.drop(failure)
        noteFailure(Loss(topic: followed.topic, partition: followed.partition, failure: failure))
        note(followed)
    }

    func drop(_ whole: WholeTopic, _ failure: KafkaFailure) {
        guard !whole.isDropped else { return }
        whole.state = .dropped
        let loss = Loss(topic: whole.topic, partition: Self.wholeTopic, failure: failure)
        noteFailure(loss)
        lostTopics.append(loss)
    }

    func noteFailure(_ loss: Loss) {
        if firstFailure == nil { firstFailure = loss }
    }

    func follows(_ topic: String) -> Bool {
        partitions.contains { $0.topic == topic && !$0.isDropped }
    }

    /// Nothing of it can be read, now or later.
    var isOver: Bool { followedCount == 0 && wholeTopics.allSatisfy(\.isDropped) }

    /// Nothing of it can be begun now.
    var isWithoutHope: Bool {
        partitions.allSatisfy(\.isWithoutHope) && wholeTopics.allSatisfy(\.isWithoutHope)
    }

    // MARK: News

    /// Something has happened to the partition that its client or the clock has to know.
    func note(_ followed: FollowedPartition) {
        if followed.news != nil { newsmakers.append(followed) }
        looksAt = min(looksAt, followed.deadline)
    }

    func gather(now: Instant) {
        guard gathersUntil == .zero else { return }
        gathersUntil = now.adding(milliseconds: Self.gatherMilliseconds)
    }

    /// Whether nothing is to be waited for with what there is to tell.
    func mayTell(now: Instant) -> Bool {
        !isAsking && (lookUps.isEmpty || gathersUntil <= now)
    }

    /// What is to be told of partitions that go on, and what of those that do not.
    func takeNews() -> (starts: [PartitionStart], losses: [Loss]) {
        gathersUntil = .zero
        var starts: [PartitionStart] = []
        var losses: [Loss] = []
        for followed in newsmakers {
            switch followed.takeNews() {
            case .begins(let outcome): starts.append(PartitionStart(followed, outcome))
            case .waits(let reason): starts.append(PartitionStart(followed, .waits, reason))
            case .dropped(let failure):
                losses.append(
                    Loss(
                        topic: followed.topic, partition: followed.partition, failure: failure))
            // It stands here twice.
            case nil: break
            }
        }
        losses += lostTopics
        newsmakers = []
        lostTopics = []
        lastLoss = losses.last ?? lastLoss
        return (starts, losses)
    }

    // MARK: Time

    var deadline: Instant {
        min(refreshesAt, looksAt, gathersUntil == .zero ? .distantFuture : gathersUntil)
    }

    /// The partitions that are due. They are to be noted again.
    func takeDue(now: Instant) -> [FollowedPartition] {
        guard looksAt <= now else { return [] }
        let due = partitions.filter { $0.deadline <= now }
        looksAt = partitions.lazy.map(\.deadline).filter { $0 > now }.min() ?? .distantFuture
        return due
    }

    /// Its client wants more, and may be told.
    var isRunning: Bool { command == nil && !isPaused && credit.isOpen }
}

extension PartitionStart {
    fileprivate init(
        _ followed: FollowedPartition, _ outcome: Outcome, _ reason: String = ""
    ) {
        self.init(
            topic: followed.topic, partition: followed.partition,
            nextOffset: followed.nextOffset, outcome: outcome, reason: reason)
    }
}
