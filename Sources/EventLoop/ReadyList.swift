import CShims
import Glibc
import Timing

/// What epoll has told of and nobody was told yet. epoll tells of 10,000 descriptors in an order of
/// its own, a few at a time; so, where more are ready than a turn takes, all are asked for at once,
/// and those go first that are expected to need least.
struct ReadyList {
    /// A usual turn's.
    static let usualMax = 256
    /// Of a crowd.
    static let crowdMax = 16_384
    /// Who gets ready meanwhile is looked for that often: to list a thousand takes epoll 0.1 ms.
    static let ageMillisecondsMax: Int64 = 4
    /// One of so many is taken from the end: whoever needs much has his turn, too.
    private static let lastShare = 4

    private(set) var events = UnsafeMutablePointer<epoll_event>.allocate(capacity: usualMax)
    private var capacity = usualMax
    /// How many epoll is asked for.
    private(set) var limit = usualMax
    /// Indices of `events` in the order of their ranks; empty: in epoll's.
    private var order: [UInt16] = []
    /// What is left, of `events` or of `order`.
    private var rest = 0..<0
    private var taken = 0
    private var listedAt = Instant.zero

    var count: Int { rest.count }
    var isEmpty: Bool { rest.isEmpty }
    var isRanked: Bool { !order.isEmpty }

    /// Nothing is left, or others may have become ready.
    func isOld(_ now: Instant) -> Bool {
        isEmpty || now.milliseconds(since: listedAt) >= Self.ageMillisecondsMax
    }

    func free() { events.deallocate() }

    /// epoll has written so many.
    mutating func fill(_ count: Int, at now: Instant) {
        rest = 0..<count
        order.removeAll(keepingCapacity: true)
        listedAt = now
        if count < Self.usualMax { limit = Self.usualMax }
        guard count == limit else { return }
        limit = Self.crowdMax
        guard capacity < limit else { return }
        let larger = UnsafeMutablePointer<epoll_event>.allocate(capacity: limit)
        larger.moveInitialize(from: events, count: count)
        events.deallocate()
        events = larger
        capacity = limit
    }

    /// Forgets what is left.
    mutating func clear() {
        rest = 0..<0
        order.removeAll(keepingCapacity: true)
    }

    /// Puts what is left in the order of its ranks, below 64; equal ones stay as they are.
    mutating func sort(_ rank: (UInt64) -> UInt8) {
        var ranks: [UInt8] = []
        ranks.reserveCapacity(rest.count)
        var places = [Int](repeating: 0, count: 65)
        for index in rest {
            let rank = min(rank(data(index)), 63)
            ranks.append(rank)
            places[Int(rank) + 1] += 1
        }
        for rank in 1...64 { places[rank] += places[rank - 1] }
        var sorted = [UInt16](repeating: 0, count: rest.count)
        for (index, rank) in zip(rest, ranks) {
            sorted[places[Int(rank)]] = UInt16(index)
            places[Int(rank)] += 1
        }
        order = sorted
        rest = 0..<sorted.count
        taken = 0
    }

    /// The index of the next one.
    mutating func next() -> Int? {
        guard !rest.isEmpty else { return nil }
        guard isRanked else {
            defer { rest = rest.lowerBound + 1..<rest.upperBound }
            return rest.lowerBound
        }
        taken += 1
        if taken % Self.lastShare == 0 {
            rest = rest.lowerBound..<rest.upperBound - 1
            return Int(order[rest.upperBound])
        }
        defer { rest = rest.lowerBound + 1..<rest.upperBound }
        return Int(order[rest.lowerBound])
    }

    func data(_ index: Int) -> UInt64 { cshims_epoll_data(events, Int32(index)) }
    func readiness(_ index: Int) -> Readiness {
        Readiness(rawValue: cshims_epoll_events(events, Int32(index)))
    }
}
