import Timing

/// Requests of one connection that are not answered yet. A broker answers them in the order in
/// which they were sent.
struct Pipeline {
    struct Request {
        var apiKey: Int16
        var version: Int16
        var correlationID: Int32
        var hasFlexibleHeader: Bool
        /// nil: it is one of the connection's own, of its set-up.
        var purpose: (any RequestPurpose)?
        var sentAt: Instant
        var deadline: Instant
        /// How long the broker may hold it, by agreement.
        var waitMilliseconds: Int64
        /// The broker was silent for longer than that.
        var wasLate = false
    }

    /// So many may be on their way at once.
    let depth: Int
    private(set) var requests: [Request] = []
    private var lastCorrelationID: Int32

    init(depth: Int, lastCorrelationID: Int32 = 0) {
        self.depth = depth
        self.lastCorrelationID = lastCorrelationID
    }

    var isEmpty: Bool { requests.isEmpty }
    var hasRoom: Bool { requests.count < depth }
    /// The one that is answered next.
    var first: Request? { requests.first }
    /// An answer that comes after it would be the next one's: the connection is of no use then.
    var deadline: Instant? { requests.lazy.map(\.deadline).min() }

    /// Wraps to 0 and not to a negative number: correlation ids of clients never are.
    mutating func nextCorrelationID() -> Int32 {
        lastCorrelationID = lastCorrelationID == .max ? 0 : lastCorrelationID + 1
        return lastCorrelationID
    }

    mutating func append(_ request: Request) {
        precondition(hasRoom, "more requests at once than the connection is for")
        requests.append(request)
    }

    mutating func removeFirst() { requests.removeFirst() }

    /// Its answer could not be read: it is lost with the others.
    mutating func putBack(_ request: Request) { requests.insert(request, at: 0) }

    mutating func takeAll() -> [Request] {
        defer { requests = [] }
        return requests
    }

    /// The broker is silent about the one that it owes, and about those behind it.
    mutating func noteLate() {
        for place in requests.indices { requests[place].wasLate = true }
    }
}
