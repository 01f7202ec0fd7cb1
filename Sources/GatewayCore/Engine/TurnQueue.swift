import Timing

/// Sessions whose input waits for its turn. The one goes first that has cost the least since others
/// had to wait, what it is about to cost included (weighted fair queueing): a session that asks for
/// little is answered next, however many ask for much.
struct TurnQueue {
    private var waiting = DeadlineHeap<SessionID>()
    /// What a session has cost that always had its share.
    private var clock: Int64 = 0
    /// While nobody waits nothing is counted: old costs are forgiven.
    private(set) var period = 0
    /// `GatewayEngine.spent` when the turn under way began.
    var began = 0

    var isEmpty: Bool { waiting.count == 0 }

    /// Puts a session up. `account`: its costs so far.
    mutating func append(_ id: SessionID, _ account: inout TurnAccount) {
        account.enter(period, clock)
        waiting.insert(id, at: Instant(nanoseconds: account.cost &+ Int64(account.expected)))
    }

    /// The next one; it stands here once for each time that it was put up.
    mutating func next() -> SessionID? {
        waiting.popFirst(notAfter: .distantFuture)?.token
    }

    /// A session had its turn. The clock moves for those who come as well: else they could hold up
    /// for ever who waits with much.
    mutating func count(_ work: Int) {
        clock &+= Int64(max(1, work / (waiting.count + 1)))
    }

    /// Behind the turns of all: nobody has to make up for anything any more.
    mutating func forgive() {
        guard waiting.count == 0, clock > 0 else { return }
        period &+= 1
        clock = 0
    }
}

/// What a session's input has cost.
struct TurnAccount {
    private var period = 0
    /// Since the period began.
    private(set) var cost: Int64 = 0
    /// What its next turn may cost: as much as its last one.
    private(set) var expected = Work.slice

    mutating func enter(_ period: Int, _ clock: Int64) {
        if self.period != period {
            self.period = period
            cost = 0
        }
        cost = max(cost, clock)
    }

    mutating func add(_ work: Int) {
        cost &+= Int64(work)
        expected = work
    }
}
