/// What moved, and silent, leaders mean for reads in flight.
extension PointReader {
    /// What is in flight to a broker that does not lead the partition any more, or led it under
    /// another epoch: its readers ask the leader of today.
    func withdraw(_ partition: PartitionReads, from broker: BrokerReads) {
        guard partition.sentDemands > 0 else { return }
        for fetch in broker.broker.purposes(PointFetch.self) { withdraw(partition, from: fetch) }
    }

    private func withdraw(_ partition: PartitionReads, from fetch: PointFetch) {
        guard let number = fetch.items.firstIndex(where: { $0.partition === partition }),
            !fetch.items[number].isWithdrawn
        else { return }
        fetch.items[number].isWithdrawn = true
        let item = fetch.items[number]
        fetch.outstandingBytes -= item.bytesMax
        cache.outstandingReadBytes -= item.bytesMax
        partition.isBack(item.demand)
        askAgain(item.demand, of: partition, firstAtOnce: true)
    }

    /// The broker is late: records that only wait for it to confirm them are served as they are.
    func serveUnconfirmed(_ fetch: PointFetch) {
        for item in fetch.items where item.demand.confirms && !item.isWithdrawn {
            owner.attempt(item.demand, item.partition)
        }
    }

    func serveUnconfirmed(_ broker: BrokerReads) {
        for partition in Array(broker.favoured) + Array(broker.queue) {
            for demand in partition.demands.all where demand.confirms {
                owner.attempt(demand, partition)
            }
        }
    }
}
