import Timing

/// One read that is not finished yet.
final class Reader {
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
    let request: ReadRequest
    /// It is answered by then, with `timeout` if nothing better is known. `distantFuture` for
    /// live subscriptions.
    let deadline: Instant
    /// Everything before is judged: no record that this reader may see lies between the asked
    /// offset and here.
    var offset: Int64
    var place = Place.nowhere
    var partition: Partition?
    /// A response to a request that was sent after this read arrived told the end of the log.
    var hasSeenEnd = false
    /// A response sent after the read arrived has told the position.
    var isFresh = false
    /// Records were read for it, and evicted before they were enough: take less.
    var takesWhatIsThere = false
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
    }

    var isLive: Bool { request.waitUntil == .distantFuture }

    func waits(at now: Instant) -> Bool { (request.waitUntil ?? .zero) > now }
}
