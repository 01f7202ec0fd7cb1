/// What the parts of the reading service share.
final class ReadState {
    let context: ClusterContext
    let links: Links
    let cache: LogCache
    let decoder: ResponseDecoder
    var partitions = PartitionTable<PartitionReads>()
    var brokers = BrokerTable<BrokerReads>()
    /// Followers of which something is to come, without a reader.
    private(set) var waitingFollowers = 0

    init(_ context: ClusterContext, links: Links, cache: LogCache) {
        self.context = context
        self.links = links
        self.cache = cache
        decoder = ResponseDecoder(batchBytesMax: context.settings.batchBytesMax)
    }

    func move(_ follower: Follower, to place: Follower.Place) {
        let before = follower.waitsByItself ? 1 : 0
        follower.place = place
        waitingFollowers += (follower.waitsByItself ? 1 : 0) - before
    }

    func reads(of partition: Partition) -> PartitionReads {
        if let known = partitions[partition] { return known }
        let new = PartitionReads(
            partition, leader: partition.leader.map(reads(from:)), cache: cache,
            backoffMaxMilliseconds: context.settings.retryBackoffMaxMilliseconds)
        partitions.insert(new)
        return new
    }

    /// What a request tells of where we are: nothing, if a partition is to be read at its leader.
    func rack(for partitions: some Sequence<PartitionReads>) -> String {
        guard let rack = context.settings.rack else { return "" }
        let now = context.now
        return partitions.contains { $0.staysWithLeaderUntil > now } ? "" : rack
    }

    func reads(from broker: Broker) -> BrokerReads {
        if let known = brokers[broker] { return known }
        let new = BrokerReads(
            broker, retryMaxMilliseconds: context.settings.retryBackoffMaxMilliseconds)
        brokers.insert(new)
        return new
    }
}
