import Timing

/// Sessions whose input waits for its turn. The one goes first that has cost the least since others
/// had to wait, what it is about to cost included (weighted fair queueing): a session that asks for
/// little is answered next, however many ask for much.
///
/// Who needs less than a slice goes before who needs more, for three quarters of the time: a
/// message that is inflated cannot be stopped, and takes some milliseconds.
struct TurnQueue {
    private struct Entry {
        let id: SessionID
        let expected: Int
    }

    private var light = DeadlineHeap<Entry>()
    private var heavy = DeadlineHeap<Entry>()
    private var isHeavy = false
    /// What those who need much have had beyond their quarter.
    private var ahead = 0
    private static let aheadMax = 10 * Work.turn
    /// What a session has cost that always had its share.
    private var clock: Int64 = 0
    /// While nobody waits nothing is counted: old costs are forgiven.
    private(set) var period = 0
    /// `GatewayEngine.spent` when the turn under way began.
    var began = 0

    private var count: Int { light.count + heavy.count }
    var isEmpty: Bool { count == 0 }

    /// Puts a session up. `account`: its costs so far.
    mutating func append(_ id: SessionID, _ account: inout TurnAccount) {
        account.enter(period, clock)
        let at = Instant(nanoseconds: account.cost &+ Int64(account.expected))
        let entry = Entry(id: id, expected: account.expected)
        if account.expected < Work.slice {
            light.insert(entry, at: at)
        } else {
            heavy.insert(entry, at: at)
        }
    }

    /// The next one; it stands here once for each time that it was put up. `room`: who needs more
    /// waits for the next turn of the loop, so that those who were served now get their replies
    /// before.
    mutating func next(room: Int = .max) -> SessionID? {
        isHeavy = light.count == 0 || heavy.count > 0 && ahead <= 0
        if isHeavy, let first = heavy.first, first.token.expected > room { return nil }
        let next =
            isHeavy
            ? heavy.popFirst(notAfter: .distantFuture) : light.popFirst(notAfter: .distantFuture)
        return next?.token.id
    }

    /// A session had its turn. The clock moves for those who come as well: else they could hold up
    /// for ever who waits with much.
    mutating func count(_ work: Int) {
        clock &+= Int64(max(1, work / (count + 1)))
        ahead = isHeavy ? min(ahead + work, Self.aheadMax) : max(ahead - work / 3, 0)
    }

    /// Behind the turns of all: nobody has to make up for anything any more.
    mutating func forgive() {
        guard isEmpty, clock > 0 else { return }
        period &+= 1
        clock = 0
        ahead = 0
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
