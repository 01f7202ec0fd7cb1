import KafkaProtocol
import Timing

/// Follows the ends of partitions. What a poll brings goes into the cache and from there to all
/// who wait; whatever goes wrong sends them to point reads, which find out why.
final class Tails {
    let context: ClusterContext
    let state: ReadState
    let judge: FetchJudge
    unowned(unsafe) let router: any ReadRouter
    unowned(unsafe) let owner: any FetchOwner
    /// Followers by the end of their `joinPace`'s pause, and some that have none any more.
    private var joins = DeadlineHeap<Follow>()

    init(
        _ state: ReadState, _ judge: FetchJudge, router: any ReadRouter, owner: any FetchOwner
    ) {
        context = state.context
        self.state = state
        self.judge = judge
        self.router = router
        self.owner = owner
    }

    /// Those in use.
    var all: [TailReader] { state.brokers.active.flatMap(\.tails) }

    // MARK: Followers

    /// The place where readers of the partition wait for records at `offset`.
    func follow(_ partition: PartitionReads, _ isolation: Isolation, at offset: Int64) -> Follow {
        if let follow = partition.follow(isolation) { return joined(follow) }
        guard let leader = partition.source else {
            preconditionFailure("a partition without a leader has no end to wait at")
        }
        let follow = Follow(
            partition, isolation, position: offset, now: context.now,
            joinPace: RetryPace(
                initialMilliseconds: context.limits.tailJoinPollMilliseconds,
                maximumMilliseconds: Int64(context.limits.tailWaitMilliseconds)))
        let tail = leader.tail(isolation)
        tail.follows.append(follow)
        state.brokers.activate(leader)
        tail.changedAt = context.now
        partition.setFollow(isolation, follow)
        context.needFlush()
        return joined(follow)
    }

    private func joined(_ follow: Follow) -> Follow {
        guard let leader = follow.partition.source else { return follow }
        // The poll in flight does not know it: somebody has to look until it is back.
        if leader.tail(follow.isolation).fetch != nil, !follow.isPolled {
            let before = follow.joinPace.retryAt
            follow.joinPace.delay(from: context.now, &context.random)
            if let at = follow.joinPace.retryAt, at != before { joins.insert(follow, at: at) }
        }
        return follow
    }

    /// Ends following; those who wait find out by point reads.
    func unfollow(_ follow: Follow) {
        let partition = follow.partition
        if let leader = partition.source {
            let tail = leader.tail(follow.isolation)
            tail.follows.remove(follow)
            tail.changedAt = context.now
        }
        follow.isPolled = false
        follow.isBetweenPolls = false
        follow.joinPace.reset()
        partition.setFollow(follow.isolation, nil)
        owner.leaveTail(follow)
    }

    func isUnused(_ follow: Follow) -> Bool {
        guard follow.isEmpty else { return false }
        let linger = follow.lastWaiterAt.adding(milliseconds: context.limits.tailLingerMilliseconds)
        return linger <= context.now || follow.unclaimedBytes > context.limits.readAheadBytesMax
    }

    // MARK: Time

    var nextDeadline: Instant {
        var earliest = joins.earliest ?? .distantFuture
        for tail in all {
            if let at = tail.pace.retryAt, at > context.now { earliest = min(earliest, at) }
        }
        return earliest
    }

    func tick() {
        while let (_, follow) = joins.popFirst(notAfter: context.now) {
            guard follow.joinPace.retryAt ?? .distantFuture <= context.now else { continue }
            follow.joinPace.endPause()
            if !follow.isPolled { owner.leaveTail(follow) }
        }
    }
}
