import Timing

/// One partition in the tail of its leader, for one isolation level: readers that wait for
/// records to come.
final class Follow: Slotted {
    unowned(unsafe) let partition: PartitionReads
    let isolation: Isolation
    var waiters = SlotList<Reader>()
    /// Where the tail reads on: nothing is cached from here.
    var position: Int64
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
    }

    /// Whatever comes behind `position` is told at once.
    var isCurrent: Bool { isPolled || isBetweenPolls }
}
