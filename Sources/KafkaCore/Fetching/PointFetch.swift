import KafkaProtocol

/// One request of point reads in flight: one offset of each of several partitions.
final class PointFetch: WholeAnswerPurpose {
    struct Item {
        let partition: PartitionReads
        let demand: Demand
        let leaderEpoch: Int32
        let lastFetchedEpoch: Int32
        let bytesMax: Int
        var isAnswered = false
        /// Others lead the partition by now: its readers ask there, and whatever the answer says
        /// counts no more.
        var isWithdrawn = false
    }

    unowned(unsafe) let reader: PointReader
    let broker: BrokerReads
    let isolation: Isolation
    var items: [Item] = []
    /// Of the budget of the loop.
    var outstandingBytes = 0

    init(_ reader: PointReader, _ broker: BrokerReads, _ isolation: Isolation) {
        self.reader = reader
        self.broker = broker
        self.isolation = isolation
    }

    func answered(_ response: FetchResponse, _ answer: Answer) {
        reader.received(self, response, answer)
    }

    func lost(_ failure: KafkaFailure) { reader.lost(self, failure) }

    func late() { reader.serveUnconfirmed(self) }

    var isAbandoned: Bool { items.allSatisfy(\.isWithdrawn) }
}
