import Timing

/// Followers come, rest, go on and leave. Whoever is not at the end of its partition has a reader
/// that fetches for it, until it is told of that.
extension ReadDesk {
    // MARK: What owners ask for

    func goOn(_ follower: Follower) {
        if follower.isResting { walks.returns(follower) }
    }

    func rest(_ follower: Follower) { leave(follower, for: .resting) }

    func detach(_ follower: Follower) { leave(follower, for: .over) }

    /// Its owner has no room for what it was told last: it rests in front of that.
    func giveBack(_ follower: Follower, _ slice: RecordSlice) {
        follower.credit.grant(records: Int64(slice.recordCount), bytes: Int64(slice.byteCount))
        rest(follower)
        if !follower.isOver { follower.offset = slice.firstOffset }
    }

    private func leave(_ follower: Follower, for place: Follower.Place) {
        switch follower.place {
        case .over: return
        case .resting: break
        case .returning: walks.returning.remove(follower)
        case .behind(let reader):
            if let log = reader.log { follower.learn(log) }
            end(reader)
        case .atEnd(let follow):
            follow.followers.remove(follower)
            follow.lastWaiterAt = context.now
            follower.learn(follow.log)
        }
        state.move(follower, to: place)
    }

    // MARK: Turns

    /// Tells those at the ends first; some of the others go on in any case.
    func tellFollowers(budgetBytes: Int) {
        let budget = budgetBytes / FollowerWalks.bytesPerCost
        var left = budget
        walks.work(&left)
        left = max(left, budget / 8)
        while left > 0, let follower = walks.takeReturning() {
            left -= FollowerWalks.toldCost
            guard follower.credit.isOpen else { continue }
            let reader = begin(follower)
            guard count <= context.limits.waitingReadersMax else {
                fail(reader, .tooManyReaders)
                continue
            }
            resolve(reader)
        }
    }

    // MARK: To the end and away from it

    func begin(_ follower: Follower) -> Reader {
        let reader = Reader(nextToken(), for: follower)
        add(reader)
        state.move(follower, to: .behind(reader))
        return reader
    }

    /// It has come to the end of its partition.
    func stand(_ follower: Follower, _ reader: Reader, at follow: Follow) {
        end(reader)
        follower.offset = reader.offset
        follower.log = reader.log
        follow.append(follower, now: context.now)
        state.move(follower, to: .atEnd(follow))
    }

    /// They do not stand there any more: each goes on by itself.
    func takeFollowers(_ follow: Follow) -> [Reader] {
        guard !follow.followers.isEmpty else { return [] }
        follow.lastWaiterAt = context.now
        return follow.takeFollowers().map { follower in
            follower.learn(follow.log)
            let reader = begin(follower)
            reader.partition = follow.partition
            return reader
        }
    }

    /// Everybody who waits for something of the partition and whose request is not in flight.
    func takeAll(_ partition: PartitionReads) -> [Reader] {
        partition.takeReaders() + takeFollowers(of: partition)
    }

    func takeFollowers(of partition: PartitionReads) -> [Reader] {
        Isolation.allCases.flatMap { partition.follow($0).map(takeFollowers) ?? [] }
    }

    // MARK: What its reader has come to

    func finish(_ follower: Follower, _ reader: Reader, _ outcome: ReadOutcome) {
        switch outcome {
        case .records(let slice):
            follower.log = slice.log.identity
            follower.wasTold(of: slice)
            follower.stalledBy = nil
            state.move(follower, to: .resting)
            context.emit(.followerTold(follower.tag, FollowedRecords(slice)))
        case .empty(let position, let nextOffset):
            if let log = reader.log { follower.learn(log) }
            follower.offset = nextOffset
            follower.stalledBy = nil
            state.move(follower, to: .resting)
            context.emit(.followerPassed(follower.tag, position))
        case .failed(let failure):
            state.move(follower, to: .over)
            context.emit(.followerFailed(follower.tag, failure))
        }
    }
}
