import Timing

/// One partition in the tail of its leader, for one isolation level: readers that wait for
/// records to come, and followers that are told of each.
final class Follow: Slotted {
    unowned(unsafe) let partition: PartitionReads
    let isolation: Isolation
    private(set) var waiters = SlotList<Reader>()
    var followers = SlotList<Follower>()
    /// The log as its followers were told of it last.
    var log: LogIdentity
    /// Where the first of those goes on who came since the last poll was sent.
    private var firstNewcomer = Int64.max
    var walk = Walk.none

    /// The walk over followers who were not told yet of what is cached.
    enum Walk {
        case none
        case due
        case underWay
        /// More has come meanwhile, of which those in front are told in another one.
        case again
    }

    /// Where the tail reads on: nothing is cached from here.
    private(set) var position: Int64
    /// The first offset that one of those who wait waits for. Who leaves does not change it: the
    /// next poll may then bring a little that nobody needs.
    private var awaited: Int64?
    /// The poll in flight covers this partition at `position`.
    var isPolled = false
    /// Its poll was answered in this turn, at whose end the next one is sent.
    var isBetweenPolls = false
    /// Until the poll in flight is back, and can take this partition, somebody has to look: ever
    /// more seldom, as it may not come back.
    var joinPace: RetryPace
    var lastWaiterAt: Instant
    /// Read since anybody waited; beyond a limit the partition is not followed any more.
    var unclaimedBytes = 0
    var slot = 0

    init(
        _ partition: PartitionReads, _ isolation: Isolation, position: Int64, now: Instant,
        joinPace: RetryPace
    ) {
        self.partition = partition
        self.isolation = isolation
        self.position = position
        self.joinPace = joinPace
        lastWaiterAt = now
        log = partition.log.identity
    }

    /// Nobody waits here.
    var isEmpty: Bool { waiters.isEmpty && followers.isEmpty }

    func append(_ follower: Follower, now: Instant) {
        // Nobody else minds where it reads on.
        if isEmpty, !isCurrent { position = follower.offset }
        followers.append(follower)
        firstNewcomer = min(firstNewcomer, follower.offset)
        lastWaiterAt = now
        unclaimedBytes = 0
    }

    /// Everybody leaves.
    func takeFollowers() -> SlotList<Follower> {
        firstNewcomer = .max
        return followers.takeAll()
    }

    /// A poll is to be sent, from where the first of all goes on. Followers that are not new were
    /// told of all in front of `position`, or are about to be.
    func settlePosition() {
        let first = waiters.isEmpty ? nil : awaited
        if followers.isEmpty {
            position = first ?? position
        } else {
            position = min(position, first ?? .max, firstNewcomer)
        }
        firstNewcomer = .max
    }

    // MARK: Waiting

    func join(_ reader: Reader, at offset: Int64, now: Instant) {
        awaited = waiters.isEmpty ? offset : min(offset, awaited ?? offset)
        waiters.append(reader)
        lastWaiterAt = now
    }

    func leave(_ reader: Reader, now: Instant) {
        waiters.remove(reader)
        lastWaiterAt = now
    }

    /// All of them leave at once, so that nobody finds one here whose turn has not come yet.
    func takeWaiters() -> SlotList<Reader> {
        awaited = nil
        return waiters.takeAll()
    }

    /// Everything before `offset` is cached.
    func moved(to offset: Int64) { position = max(position, offset) }

    /// Whatever comes behind `position` is told at once.
    var isCurrent: Bool { isPolled || isBetweenPolls }
}
