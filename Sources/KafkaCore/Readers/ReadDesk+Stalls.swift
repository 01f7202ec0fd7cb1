import Timing

/// What keeps reads from their answers. Each is told at its end; a live read has none, so that it
/// is told at once.
extension ReadDesk {
    func stall(_ reader: Reader, _ failure: KafkaFailure) {
        reader.lastFailure = failure
        guard reader.isLive else { return }
        let told = self.told(failure)
        guard reader.stalledBy != told.kind else { return }
        reader.stalledBy = told.kind
        context.emit(.readStalled(reader.token, told))
    }

    func stall(_ readers: SlotList<Reader>, _ failure: KafkaFailure) {
        for reader in readers { stall(reader, failure) }
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
        guard reader.stalledBy != nil else { return }
        reader.stalledBy = nil
        context.emit(.readResumed(reader.token))
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
