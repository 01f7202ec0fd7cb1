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
    private(set) var request: ReadRequest
    /// It is answered by then, with `timeout` if nothing better is known. `distantFuture` for
    /// live subscriptions.
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
    /// The caller was told that nothing comes of it for now, and why.
    var stalledBy: KafkaFailure.Kind?
    /// For the log and the answer at the deadline: what kept it waiting last.
    var lastFailure: KafkaFailure?

    init(_ token: ReadToken, _ request: ReadRequest, now: Instant, timeoutMilliseconds: Int64) {
        self.token = token
        self.request = request
        offset = request.offset
        let ordinary = now.adding(milliseconds: timeoutMilliseconds)
        deadline = max(ordinary, request.waitUntil ?? .zero)
        log = request.log
        takesPart = request.takesPart || request.waitUntil == .distantFuture
    }

    var isNowhere: Bool { if case .nowhere = place { true } else { false } }

    var isLive: Bool { request.waitUntil == .distantFuture }

    /// A response to a request that was sent after the read arrived told this end.
    func learnEnd(_ told: Int64) {
        isFresh = true
        end = min(end, told)
    }

    /// Whether it may be told of records and wait on behind them. One that has met with anything
    /// else on its way is begun anew, and forgets it by that.
    var mayStay: Bool {
        request.staysAtEnd && isLive && takesPartAt == nil && !takesWhatIsThere
    }

    /// It waits on at `offset` of the log, as a read that has just begun there.
    func goesOn(at offset: Int64, in log: LogIdentity) {
        request.offset = offset
        self.offset = offset
        self.log = log
        hasSeenEnd = false
        isFresh = false
        end = .max
        hasAskedForTopic = false
        resets = 0
        hasSeenCorruption = false
        stalledBy = nil
        lastFailure = nil
    }

    func waits(at now: Instant) -> Bool { (request.waitUntil ?? .zero) > now }
}
