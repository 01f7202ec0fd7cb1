import Timing

/// Where a partition is read: at its leader, or at the replica that the leader names to whoever
/// tells it the rack that he is in (KIP-392).
extension ReadDesk {
    /// What is asked of the old source, and not answered, is asked of the new one.
    func changeSource(of partition: PartitionReads, _ change: () -> Void) {
        points.unqueue(partition)
        for isolation in Isolation.allCases {
            if let follow = partition.follow(isolation) { tails.unfollow(follow) }
        }
        points.unqueue(partition)
        let old = partition.source
        change()
        if let old { points.withdraw(partition, from: old) }
    }

    func readNearby(_ partition: PartitionReads, _ nodeID: Int32) {
        guard let broker = state.links.broker(nodeID), partition.leader?.broker !== broker else {
            // A node that nobody knows: the leader serves us itself until it is.
            router.want(partition.topic)
            return readAtLeader(partition)
        }
        let until = context.now.adding(milliseconds: context.settings.metadataMaxAgeMilliseconds)
        changeSource(of: partition) {
            partition.readNearby(state.reads(from: broker), until: until)
        }
        leases.insert(partition, at: until)
        points.queue(partition)
    }

    func readAtLeader(_ partition: PartitionReads) {
        readAtLeader(partition, for: context.limits.nearbyReplicaAvoidedMilliseconds)
    }

    private func readAtLeader(_ partition: PartitionReads, for milliseconds: Int64) {
        let until = context.now.adding(milliseconds: milliseconds)
        changeSource(of: partition) { partition.readAtLeader(until: until) }
        points.queue(partition)
    }

    /// The broker does not serve: what it does not lead is read at its leader.
    func leave(_ broker: Broker) {
        guard context.settings.rack != nil else { return }
        for partition in state.partitions.all where partition.nearby?.replica.broker === broker {
            readAtLeader(partition)
        }
    }

    /// Leaders are asked now and then whether another replica is better by now.
    func endLeases() {
        while let (_, partition) = leases.popFirst(notAfter: context.now) {
            guard let nearby = partition.nearby, nearby.until <= context.now else { continue }
            readAtLeader(partition, for: 0)
        }
    }
}
