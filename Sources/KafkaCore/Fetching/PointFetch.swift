/// One request of point reads in flight: one offset of each of several partitions.
final class PointFetch {
    struct Item {
        let partition: Partition
        let demand: Demand
        let leaderEpoch: Int32
        let lastFetchedEpoch: Int32
        let bytesMax: Int
        var isAnswered = false
        /// Others lead the partition by now: its readers ask there, and whatever the answer says
        /// counts no more.
        var isWithdrawn = false
    }

    let broker: Broker
    let isolation: Isolation
    var items: [Item] = []
    /// Of the budget of the loop.
    var outstandingBytes = 0

    init(_ broker: Broker, _ isolation: Isolation) {
        self.broker = broker
        self.isolation = isolation
    }
}
