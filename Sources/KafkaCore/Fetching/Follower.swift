import Timing

/// One who is told of the records of a partition, in their order and without end: it is attached
/// once, and keeps its position. Its owner grants, lets it rest and go on, and detaches it; each of
/// these takes constant time.
///
///     resting -> returning -> behind <-> at the end
///     any of them -> resting, or over
public final class Follower: Slotted {
    enum Place {
        /// Its owner does not want it to be told of anything, has given no credit, or has yet to
        /// take what it was told.
        case resting
        /// It goes on at the end of the turn.
        case returning
        /// A reader fetches for it, as for anybody else, what is not at hand.
        case behind(Reader)
        /// It stands at the end of its partition, and is told of what comes.
        case atEnd(Follow)
        /// It was detached, or has failed.
        case over
    }

    public let tag: FollowerTag
    public let topic: String
    public let partition: Int32
    public let isolation: Isolation
    let credit: FollowCredit
    /// What its owner wants in one slice.
    public var maxBytes: Int
    /// Behind all that it was told, and that it may not see: where it goes on.
    public internal(set) var offset: Int64
    /// The log that it was told of last.
    public internal(set) var log: LogIdentity?
    /// For `ReadState.move` only.
    var place = Place.resting
    /// Its owner was told that nothing comes of it for now, and why.
    var stalledBy: KafkaFailure.Kind?
    public var slot = 0

    init(_ tag: FollowerTag, _ request: FollowRequest, credit: FollowCredit) {
        self.tag = tag
        self.credit = credit
        topic = request.topic
        partition = request.partition
        isolation = request.isolation
        maxBytes = request.maxBytes
        offset = request.offset
        log = request.log
    }

    /// Nothing comes of it until it goes on.
    public var isResting: Bool { if case .resting = place { true } else { false } }
    public var isOver: Bool { if case .over = place { true } else { false } }

    /// Something is to come of it, without a reader.
    var waitsByItself: Bool {
        switch place {
        case .returning, .atEnd: true
        case .resting, .behind, .over: false
        }
    }

    /// Bytes of the next slice.
    var bytesWanted: Int {
        guard let bytes = credit.bytes else { return maxBytes }
        return Int(min(Int64(maxBytes), max(1, bytes)))
    }

    func wasTold(of slice: RecordSlice) {
        offset = slice.nextOffset
        credit.spend(records: slice.recordCount, bytes: slice.byteCount)
    }

    /// What is known of the log since, unless it is another one.
    func learn(_ known: LogIdentity) {
        guard let log else { return self.log = known }
        if known.differs(from: log) || known.topicID == .zero && log.topicID != .zero { return }
        self.log = known
    }
}
