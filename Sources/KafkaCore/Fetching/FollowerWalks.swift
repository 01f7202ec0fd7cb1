import Timing

/// Tells followers at the ends of partitions of what has come there: one walk over all of a
/// partition for whatever came since the last one, a bounded piece of it a turn. It calls nobody.
/// It appends an effect for each follower, with the slice that its credit allows; who cannot be
/// told, or not of all, leaves the end.
final class FollowerWalks {
    private let context: ClusterContext
    private let state: ReadState
    /// Those whose followers were not all told yet, in turn.
    private var walking: [Follow] = []
    /// Followers that go on, and those that the walk could not help: a reader fetches for each.
    var returning = SlotList<Follower>()

    /// What the budget of a walk counts: a follower that is told, whose owner writes a frame for
    /// it, and one that is only looked at.
    static let toldCost = 16
    static let lookCost = 1
    /// To tell a follower takes about as long as to decode 4 KiB.
    static let bytesPerCost = 4_096 / toldCost

    init(_ state: ReadState) {
        context = state.context
        self.state = state
    }

    var isEmpty: Bool { walking.isEmpty }

    /// Records have come that the followers were not told of.
    func begin(_ follow: Follow) {
        guard !follow.followers.isEmpty else { return }
        switch follow.walk {
        case .none:
            follow.walk = .due
            walking.append(follow)
            context.needFlush()
        case .due: break
        case .underWay, .again: follow.walk = .again
        }
    }

    func work(_ budget: inout Int) {
        for _ in 0..<walking.count where budget > 0 {
            let follow = walking.removeFirst()
            if !isDone(follow, &budget) { walking.append(follow) }
        }
    }

    // MARK: One walk

    /// A piece of it; whether all of them were told of everything.
    private func isDone(_ follow: Follow, _ budget: inout Int) -> Bool {
        // Those who are not followed any more have lost their partition, too.
        guard !follow.followers.isEmpty else {
            follow.walk = .none
            return true
        }
        if follow.walk != .underWay {
            follow.followers.beginWalk()
            follow.walk = .underWay
        }
        follow.log = follow.partition.log.identity
        var look = Look(follow, state.cache)
        while budget > 0 {
            guard let follower = follow.followers.nextOfWalk() else { return hasEnded(follow) }
            budget -= tell(follower, follow, &look) ? Self.toldCost : Self.lookCost
        }
        return false
    }

    private func hasEnded(_ follow: Follow) -> Bool {
        let isDone = follow.walk == .underWay
        follow.walk = isDone ? .none : .due
        return isDone
    }

    /// Whether there was something to tell.
    private func tell(_ follower: Follower, _ follow: Follow, _ look: inout Look) -> Bool {
        guard follower.credit.isOpen else {
            leave(follower, follow)
            return false
        }
        look.look(for: follower)
        guard let records = look.records else {
            follower.offset = look.nextOffset
            // Evicted before its turn came, or not to be seen yet for what is known.
            if look.nextOffset < follow.position {
                leave(follower, follow)
                returns(follower)
            }
            return false
        }
        context.counters.readsFromCache += 1
        follower.wasTold(of: records.slice)
        follower.stalledBy = nil
        context.emit(.followerTold(follower.tag, records))
        if look.nextOffset < follow.position || !follower.credit.isOpen {
            leave(follower, follow)
        }
        return true
    }

    private func leave(_ follower: Follower, _ follow: Follow) {
        follow.followers.remove(follower)
        follow.lastWaiterAt = context.now
        follower.learn(follow.log)
        state.move(follower, to: .resting)
    }

    /// Goes on at the end of the turn, wherever it is by then.
    func returns(_ follower: Follower) {
        state.move(follower, to: .returning)
        returning.append(follower)
        context.needFlush()
    }

    /// The next one who goes on.
    func takeReturning() -> Follower? {
        guard let follower = returning.removeFirst() else { return nil }
        state.move(follower, to: .resting)
        return follower
    }
}

/// What the cache has for followers of one partition: nearly all stand at the same offset and have
/// credit for all there is, so that it is looked up once.
private struct Look {
    private let cache: LogCache
    private let log: PartitionLog
    private let isolation: Isolation
    private let position: PartitionPosition
    /// The followers' position that was looked up, and what limited what was found.
    private var offset: Int64 = -1
    private var bytesMax = 0
    private var recordsMax = 0
    private(set) var records: FollowedRecords?
    /// Where a follower stands that was told.
    private(set) var nextOffset: Int64 = -1
    private let isDoubtful: Bool

    init(_ follow: Follow, _ cache: LogCache) {
        let partition = follow.partition
        self.cache = cache
        log = partition.log
        isolation = follow.isolation
        position = partition.told(isolation)
        isDoubtful = partition.isDoubtful
    }

    @inline(__always)
    mutating func look(for follower: Follower) {
        let bytes = follower.bytesWanted
        let count = follower.credit.recordsMax
        if follower.offset == offset {
            if bytes == bytesMax && count == recordsMax { return }
            guard let found = records?.slice else { return }
            // It was found for one with other limits, and has room within these.
            let isWhole = found.byteCount < bytesMax && found.recordCount < recordsMax
            if isWhole, found.byteCount < bytes, found.recordCount <= count { return }
        }
        find(follower.offset, bytes, count)
    }

    private mutating func find(_ offset: Int64, _ bytes: Int, _ count: Int) {
        (self.offset, bytesMax, recordsMax) = (offset, bytes, count)
        nextOffset = offset
        records = nil
        guard !isDoubtful else { return }
        while let found = cache.records(
            of: log, from: nextOffset, isolation: isolation, limit: bytes, recordsMax: count)
        {
            nextOffset = found.nextOffset
            guard found.recordCount > 0 else { continue }
            records = FollowedRecords(
                RecordSlice(
                    log: log, firstOffset: found.firstOffset, nextOffset: found.nextOffset,
                    byteCount: found.byteCount, recordCount: found.recordCount,
                    position: position, isolation: isolation))
            return
        }
    }
}
