import Timing

/// Sessions whose input waits for its turn. The one goes first that has cost the least since others
/// had to wait, what it is about to cost included (weighted fair queueing): a session that asks for
/// little is answered next, however many ask for much.
///
/// Who needs next to nothing goes before who needs a slice, and both before who needs more, for
/// three quarters of the time each: among ten thousand sessions that want all they can get, one
/// that pings has soon had its share, and a message that is inflated cannot be stopped, and takes
/// some milliseconds.
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

    /// Needs next to nothing, a slice, more.
    private var ranks = [Rank](repeating: Rank(), count: 3)
    /// The rank of the last one.
    private var rank = 0
    private static let aheadMax = 10 * Work.turn
    /// What a session has cost that always had its share.
    private var clock: Int64 = 0
    /// While nobody waits nothing is counted: old costs are forgiven.
    private(set) var period = 0
    /// `GatewayEngine.spent` when the turn under way began.
    var began = 0

    private(set) var count = 0
    var isEmpty: Bool { count == 0 }

    /// Puts a session up. `account`: its costs so far.
    mutating func append(_ id: SessionID, _ account: inout TurnAccount) {
        account.enter(period, clock)
        let at = Instant(nanoseconds: account.cost &+ Int64(account.expected))
        let entry = Entry(id: id, expected: account.expected)
        ranks[Self.rank(account.expected)].entries.insert(entry, at: at)
        count += 1
    }

    private static func rank(_ expected: Int) -> Int {
        if expected < Work.little { return 0 }
        return expected < Work.slice ? 1 : 2
    }

    /// The next one; it stands here once for each time that it was put up. `room`: who needs more
    /// waits for the next turn of the loop, so that those who were served now get their replies
    /// before.
    mutating func next(room: Int = .max) -> SessionID? {
        guard let rank = nextRank else { return nil }
        self.rank = rank
        if rank == 2, let first = ranks[2].entries.first, first.token.expected > room {
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

/// What a session's input has cost.
struct TurnAccount {
    private var period = 0
    /// Since the period began.
    private(set) var cost: Int64 = 0
    /// What its next turn may cost: as much as its last one, or half of what was expected of that.
    /// Who sends messages that inflate ends many turns with the start of the next one, which costs
    /// nothing.
    var expected = Work.unknown

    mutating func enter(_ period: Int, _ clock: Int64) {
        if self.period != period {
            self.period = period
            cost = 0
        }
        cost = max(cost, clock)
    }

    mutating func add(_ work: Int) {
        cost &+= Int64(work)
        expected = max(work, expected / 2)
    }
}
