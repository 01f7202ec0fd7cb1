import Timing

/// What keeps reads from their answers. Each is told at its end; a live read has none, so that it
/// is told at once.
extension ReadDesk {
    func stall(_ reader: Reader, _ failure: KafkaFailure) {
        reader.lastFailure = failure
        guard reader.isLive else { return }
        let told = cluster.told(failure)
        guard reader.stalledBy != told.kind else { return }
        reader.stalledBy = told.kind
        context.emit(.readStalled(reader.token, told))
    }

    func stall(_ readers: SlotList<Reader>, _ failure: KafkaFailure) {
        for reader in readers { stall(reader, failure) }
    }

    /// All who wait for an answer about the partition.
    func stall(_ partition: Partition, _ failure: KafkaFailure) {
        for demand in partition.demands.all { stall(demand.readers, failure) }
    }

    /// All who wait for what this broker leads.
    func stall(_ broker: Broker, _ failure: KafkaFailure) {
        for topic in cluster.keeper.topics {
            for index in topic.indexes {
                guard let partition = topic.partitions[index], partition.leader === broker else {
                    continue
                }
                stall(partition, failure)
            }
        }
    }

    /// An answer about the partition has come.
    func resume(_ reader: Reader) {
        guard reader.stalledBy != nil else { return }
        reader.stalledBy = nil
        context.emit(.readResumed(reader.token))
    }
}

extension Cluster {
    /// What keeps requests about the partition from being answered; nil: nothing that is known.
    public func obstacle(topic: String, _ partition: Int32) -> KafkaFailure? {
        if let outage = keeper.currentOutage { return outage }
        guard let partition = keeper.knownTopic(topic)?.partitions[partition] else { return nil }
        guard let leader = partition.leader else { return .noLeader(cause: partition.name) }
        return leader.lastFailure.map(told)
    }

    /// While others answer, a broker that cannot be reached is a leader that is missing.
    fileprivate func told(_ failure: KafkaFailure) -> KafkaFailure {
        guard keeper.currentOutage == nil else { return failure }
        switch failure.kind {
        case .unavailable, .timedOut: return .noLeader(cause: failure.cause)
        default: return failure
        }
    }
}
