import Timing

/// One read that is not finished yet.
final class Reader: Slotted {
    /// Where the reader waits; it stands in exactly one queue.
    enum Place {
        case nowhere
        /// For the topic's metadata.
        case topic(Topic)
        /// For a point read, sent or not.
        case demand(Demand)
        /// At the end of a partition, for new records.
        case tail(Follow)
    }

    let token: ReadToken
    var request: ReadRequest
    /// For whom it fetches what is not at hand; nil: for itself.
    let follower: Follower?
    /// It is answered by then, with `timeout` if nothing better is known. `distantFuture` for
    /// followers.
    let deadline: Instant
    /// Everything before is judged: no record that this reader may see lies between the asked
    /// offset and here.
    var offset: Int64
    var place = Place.nowhere
    var slot = 0
    var partition: PartitionReads?
    /// The log that it reads on in, if it must not be another's.
    var log: LogIdentity?
    /// A response to a request that was sent after this read arrived told the end of the log.
    var hasSeenEnd = false
    /// A response sent after the read arrived has told the position.
    var isFresh = false
    /// Where the log ended when a response, or a poll that covers the partition, first told after
    /// the read arrived. Not later: a reader must not chase an end that moves on.
    var end = Int64.max
    /// What is cached will do, though the log may go on.
    var takesPart: Bool
    /// From then on it does in any case: the broker has had its time.
    var takesPartAt: Instant?
    /// Records were read for it, and evicted before they were enough: take less.
    var takesWhatIsThere = false
    /// It needs no newer metadata to know that the topic is the one that it was.
    var hasAskedForTopic = false
    /// How often it was begun anew elsewhere, because its offset was not in the log.
    var resets = 0
    /// A batch that could not be read was asked for again.
    var hasSeenCorruption = false
    /// For the log and the answer at the deadline: what kept it waiting last.
    var lastFailure: KafkaFailure?

    init(_ token: ReadToken, _ request: ReadRequest, now: Instant, timeoutMilliseconds: Int64) {
        self.token = token
        self.request = request
        follower = nil
        offset = request.offset
        let ordinary = now.adding(milliseconds: timeoutMilliseconds)
        deadline = max(ordinary, request.waitUntil ?? .zero)
        log = request.log
        takesPart = request.takesPart
    }

    init(_ token: ReadToken, for follower: Follower) {
        self.token = token
        self.follower = follower
        request = ReadRequest(
            topic: follower.topic, partition: follower.partition, offset: follower.offset,
            maxBytes: follower.bytesWanted, isolation: follower.isolation,
            waitUntil: .distantFuture)
        request.recordsMax = follower.credit.recordsMax
        offset = follower.offset
        deadline = .distantFuture
        log = follower.log
        takesPart = true
    }

    var isNowhere: Bool { if case .nowhere = place { true } else { false } }

    /// It outlives what may pass.
    var isLive: Bool { follower != nil }

    /// A response to a request that was sent after the read arrived told this end.
    func learnEnd(_ told: Int64) {
        isFresh = true
        end = min(end, told)
    }

    func waits(at now: Instant) -> Bool { (request.waitUntil ?? .zero) > now }
}
