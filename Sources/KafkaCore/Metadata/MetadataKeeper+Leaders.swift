import Timing

/// Who leads what.
extension MetadataKeeper {
    /// Where the partition is from now on; -1 leaves the epoch as it is.
    func setLeader(_ partition: Partition, _ leader: Broker?, epoch: Int32 = -1) {
        let hasNewEpoch = epoch >= 0 && epoch != partition.leaderEpoch
        guard partition.leader !== leader || hasNewEpoch else { return }
        let (oldLeader, oldEpoch) = (partition.leader, partition.leaderEpoch)
        partition.leader = leader
        partition.leaderSince = context.now
        if epoch >= 0 { partition.leaderEpoch = epoch }
        router.partitionChanged(
            PartitionChange(partition: partition, oldLeader: oldLeader, oldEpoch: oldEpoch))
    }

    /// KIP-951: an answer named the new leader, and where it listens. Metadata is asked for all the
    /// same, but nobody has to wait for it.
    func follow(_ hint: LeaderHint) {
        let partition = hint.partition
        guard hint.nodeID >= 0, hint.epoch > partition.leaderEpoch else { return }
        if links.broker(hint.nodeID) == nil, let endpoint = hint.endpoint {
            links.add(hint.nodeID, endpoint)
        }
        guard let leader = links.broker(hint.nodeID) else { return }
        setLeader(partition, leader, epoch: hint.epoch)
        partition.isHinted = true
    }
}
