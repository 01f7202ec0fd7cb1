import Timing

/// What keeps reads from their answers. Each is told at its end; a follower has none, so that it
/// is told at once.
extension ReadDesk {
    func stall(_ reader: Reader, _ failure: KafkaFailure) {
        reader.lastFailure = failure
        if let follower = reader.follower { stall(follower, failure) }
    }

    private func stall(_ follower: Follower, _ failure: KafkaFailure) {
        let told = self.told(failure)
        guard follower.stalledBy != told.kind else { return }
        follower.stalledBy = told.kind
        context.emit(.followerStalled(follower.tag, told))
    }

    func stall(_ readers: SlotList<Reader>, _ failure: KafkaFailure) {
        for reader in readers { stall(reader, failure) }
    }

    func stall(_ follow: Follow, _ failure: KafkaFailure) {
        stall(follow.waiters, failure)
        for follower in follow.followers { stall(follower, failure) }
    }

    /// All who wait for an answer about the partition.
    func stall(_ partition: PartitionReads, _ failure: KafkaFailure) {
        for demand in partition.demands.all { stall(demand.readers, failure) }
    }

    /// All who wait for what this broker leads.
    func stall(_ broker: Broker, _ failure: KafkaFailure) {
        for partition in state.partitions.all where partition.source?.broker === broker {
            stall(partition, failure)
        }
    }

    /// An answer about the partition has come.
    func resume(_ reader: Reader) {
        guard let follower = reader.follower, follower.stalledBy != nil else { return }
        follower.stalledBy = nil
        context.emit(.followerResumed(follower.tag))
    }

    /// While others answer, a broker that cannot be reached is a leader that is missing.
    func told(_ failure: KafkaFailure) -> KafkaFailure {
        guard router.currentOutage == nil else { return failure }
        switch failure.kind {
        case .unavailable, .timedOut: return .noLeader(cause: failure.cause)
        default: return failure
        }
    }
}
