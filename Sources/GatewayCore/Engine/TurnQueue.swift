import Timing

/// Sessions whose input waits for its turn. The one goes first that has cost the least since others
/// had to wait, what it is about to cost included (weighted fair queueing): a session that asks for
/// little is answered next, however many ask for much.
///
/// Who needs next to nothing goes before who needs a little, both before who needs a slice, and all
/// before who needs more, for three quarters of the time each: among ten thousand sessions that
/// want all they can get, one that pings has soon had its share, and a message that is inflated
/// cannot be stopped, and takes some milliseconds.
struct TurnQueue {
    private struct Entry {
        let id: SessionID
        let expected: Int
    }

    /// Those that need about as much.
    private struct Rank {
        var entries = DeadlineHeap<Entry>()
        /// What it has had beyond its quarter of what it and those before it had.
        var ahead = 0
    }

    /// Needs next to nothing, a little, a slice, more.
    private var ranks = [Rank](repeating: Rank(), count: 4)
    /// The rank of the last one.
    private var rank = 0
    private static let aheadMax = 10 * Work.turn
    /// What a session has cost that always had its share.
    private var clock: Int64 = 0
    /// While nobody waits nothing is counted: old costs are forgiven.
    private(set) var period: UInt32 = 0
    /// `GatewayEngine.spent` when the turn under way began.
    var began = 0

    private(set) var count = 0
    var isEmpty: Bool { count == 0 }

    /// Puts a session up. `account`: its costs so far.
    mutating func append(_ id: SessionID, _ account: inout TurnAccount) {
        account.enter(period, clock)
        let at = Instant(nanoseconds: account.cost &+ Int64(account.expected))
        let entry = Entry(id: id, expected: account.expected)
        ranks[Self.rank(account.need)].entries.insert(entry, at: at)
        count += 1
    }

    private static func rank(_ need: Int) -> Int {
        if need < Work.nothing { return 0 }
        if need < Work.little { return 1 }
        return need < Work.slice ? 2 : 3
    }

    /// The next one; it stands here once for each time that it was put up. `room`: who needs more
    /// waits for the next turn of the loop, so that those who were served now get their replies
    /// before.
    mutating func next(room: Int = .max) -> SessionID? {
        guard let rank = nextRank else { return nil }
        self.rank = rank
        if rank == ranks.count - 1, let first = ranks[rank].entries.first,
            first.token.expected > room
        {
            return nil
        }
        guard let next = ranks[rank].entries.popFirst(notAfter: .distantFuture) else { return nil }
        count -= 1
        return next.token.id
    }

    /// The last one that has not had its quarter; else the first one.
    private var nextRank: Int? {
        var first: Int?
        for rank in ranks.indices.reversed() where ranks[rank].entries.count > 0 {
            if rank > 0, ranks[rank].ahead <= 0 { return rank }
            first = rank
        }
        return first
    }

    /// A session had its turn. The clock moves for those who come as well: else they could hold up
    /// for ever who waits with much.
    mutating func count(_ work: Int) {
        clock &+= Int64(max(1, work / (count + 1)))
        ranks[rank].ahead = min(ranks[rank].ahead + work, Self.aheadMax)
        for other in ranks.indices where other > rank {
            ranks[other].ahead = max(ranks[other].ahead - work / 3, 0)
        }
    }

    /// Behind the turns of all: nobody has to make up for anything any more.
    mutating func forgive() {
        guard isEmpty, clock > 0 else { return }
        period &+= 1
        clock = 0
        for rank in ranks.indices { ranks[rank].ahead = 0 }
    }
}

/// What a session's input has cost, and the replies that were written to it.
struct TurnAccount {
    private var period: UInt32 = 0
    private var expectedWork = Int32(Work.unknown)
    /// Written since its last turn, and before that.
    private var output: Int32 = 0
    private var lastOutput: Int32 = 0
    /// Since the period began.
    private(set) var cost: Int64 = 0

    /// What its next turn may cost: as much as its last one, or half of what was expected of that.
    /// Who sends messages that inflate ends many turns with the start of the next one, which costs
    /// nothing.
    var expected: Int {
        get { Int(expectedWork) }
        set { expectedWork = Int32(clamping: newValue) }
    }

    /// The same for its rank among others: who is sent much does not need next to nothing, however
    /// short the command.
    var need: Int { max(expected, min(Int(lastOutput), Work.slice - 1)) }

    mutating func enter(_ period: UInt32, _ clock: Int64) {
        if self.period != period {
            self.period = period
            cost = 0
        }
        cost = max(cost, clock)
    }

    /// It has sent what has to wait: no turn, and no reason to expect less of the next one.
    mutating func received(_ work: Int) {
        cost &+= Int64(work)
        expected = max(work, expected)
    }

    /// It has had its turn.
    mutating func add(_ work: Int) {
        cost &+= Int64(work)
        expected = max(work, expected / 2)
        lastOutput = max(output, lastOutput / 2)
        output = 0
    }

    mutating func wrote(_ work: Int) {
        cost &+= Int64(work)
        output = Int32(clamping: Int(output) + work)
    }
}
