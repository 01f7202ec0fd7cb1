import Timing

/// Above point reads and long polls, which do not know each other: whoever knows the readers.
protocol FetchOwner: AnyObject {
    // MARK: What becomes of a demand

    /// It was answered, and its records are cached. `end`: of the log, as told for its isolation.
    func settle(_ demand: Demand, _ partition: PartitionReads, end: Int64, sentAt: Instant)
    /// Its records could be read up to some offset only.
    func settleBroken(_ demand: Demand, _ partition: PartitionReads, _ broken: RunBuilder.Failure)
    func settleOutOfRange(
        _ demand: Demand, _ partition: PartitionReads, _ told: PartitionPosition)
    /// Some of its records are cached, and more may push them out again.
    func serveEarly(_ demand: Demand, _ partition: PartitionReads)
    /// Serves whom it can; the others wait on.
    func serve(_ demand: Demand, _ partition: PartitionReads)
    /// It will not be answered: its readers are served from the cache, or begin anew.
    func attempt(_ demand: Demand, _ partition: PartitionReads)
    /// Its partition does not exist any more.
    func beginAnew(_ demand: Demand)
    func fail(_ demand: Demand, _ failure: KafkaFailure)

    // MARK: What comes of a partition

    /// New records are cached.
    func serveDemands(_ partition: PartitionReads, in range: Range<Int64>)
    func serveWaiters(_ partition: PartitionReads)
    /// Nothing comes of it for now.
    func stall(_ readers: SlotList<Reader>, _ failure: KafkaFailure)
    func stall(_ follow: Follow, _ failure: KafkaFailure)
    /// Its log is another one, as its offsets say.
    func restart(_ partition: PartitionReads)

    // MARK: Where a partition is read (KIP-392)

    /// The node is nearer to us than its leader.
    func readNearby(_ partition: PartitionReads, _ nodeID: Int32)
    /// A replica did not help.
    func readAtLeader(_ partition: PartitionReads)

    // MARK: What long polls want

    /// The poll does not reach these readers any more: point reads find out why.
    func leaveTail(_ follow: Follow)
    /// The partition goes first in the next point read.
    func favour(_ partition: PartitionReads)
    /// Point reads ask nothing of it for a while.
    func pause(_ partition: PartitionReads)
    func noteProgress(_ partition: PartitionReads)
}
