import GatewayCore

/// What the callers of a producer have asked for and its loop has not taken, in the order of the
/// calls. Whoever of the loop comes takes from the front, whatever made it come: so that nothing
/// overtakes, neither a record another one, nor a record the end of a transaction.
struct WaitingAsks {
    /// Why the loop comes.
    enum Look {
        /// A job was posted.
        case job
        /// It has looked a moment ago, and there was something.
        case timer
    }

    struct Taken {
        var asks: [ProducerAsk] = []
        /// A timer is to be set for another look.
        var looksAgain = false
        /// More is left: a job is to be posted.
        var hasMore = false
    }

    private var asks: [ProducerAsk] = []
    /// Behind all of `asks`; takes more records.
    private var open: RecordBlock?
    private var isPosted = false
    private var isTimed = false

    /// A fuller block is handed over at once.
    static let blockBytesMax = 256 << 10
    private static let blockBytesMin = 4 << 10
    /// How much one look takes: blocks are the most of it, and the loop has others to serve.
    static let takenMax = 8

    var isEmpty: Bool { asks.isEmpty && open == nil }

    // MARK: Callers

    /// Where the next records go; then `keep`.
    var block: RecordBlock { open ?? RecordBlock(capacity: Self.blockBytesMin) }

    /// Answers whether a job has to be posted: where the loop looks by itself, it is not woken for
    /// each record.
    mutating func keep(_ block: RecordBlock) -> Bool {
        guard block.recordCount > 0 else { return false }
        open = block
        if block.byteCount >= Self.blockBytesMax {
            close()
            return needsPost()
        }
        return !isTimed && needsPost()
    }

    /// Answers whether a job has to be posted.
    mutating func append(_ ask: ProducerAsk) -> Bool {
        close()
        asks.append(ask)
        return needsPost()
    }

    /// The loop has to come, whatever there is.
    mutating func needsPost() -> Bool {
        defer { isPosted = true }
        return !isPosted
    }

    private mutating func close() {
        if let block = open.take() { asks.append(.records(block)) }
    }

    // MARK: The loop

    /// - Parameter lingers: records may wait for others, and the loop for them.
    mutating func take(_ look: Look, lingers: Bool) -> Taken {
        switch look {
        case .job: isPosted = false
        case .timer: isTimed = false
        }
        close()
        var taken = Taken()
        if asks.count <= Self.takenMax {
            swap(&taken.asks, &asks)
        } else {
            taken.asks = Array(asks.prefix(Self.takenMax))
            asks.removeFirst(Self.takenMax)
            taken.hasMore = needsPost()
        }
        // One timer, however many jobs come beside it.
        taken.looksAgain = lingers && !isTimed && !taken.asks.isEmpty
        if taken.looksAgain { isTimed = true }
        return taken
    }

    /// Nobody comes again.
    mutating func takeAll() -> [ProducerAsk] {
        close()
        defer { asks = [] }
        return asks
    }
}
