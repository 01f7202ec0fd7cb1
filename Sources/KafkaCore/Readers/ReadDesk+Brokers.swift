/// What is learned of brokers.
extension ReadDesk {
    func brokerFailed(_ broker: Broker, _ failure: KafkaFailure) {
        leave(broker)
        if broker.nodeID != nil { stall(broker, failure) }
    }

    func brokerIsLate(_ broker: Broker) {
        if let late = state.brokers[broker] { points.serveUnconfirmed(late) }
        leave(broker)
    }

    /// A refusal is a word of a broker's, unlike its silence: whatever no other broker vouches for
    /// was read under a right that may be gone, and is not served any more.
    func brokerRefuses(_ broker: Broker) {
        for partition in state.partitions.all {
            let leader = partition.source?.broker
            if leader == nil || leader === broker || leader?.hasFailed == true {
                partition.log.purge()
            }
        }
    }

    func brokerIsGone(_ broker: Broker) {
        leave(broker)
        state.brokers.remove(broker)
    }

    func awaits(_ role: ConnectionRole, _ broker: Broker) -> Bool {
        guard let broker = state.brokers[broker] else { return false }
        return switch role {
        case .pointReads: broker.hasQueue
        case .tail(let isolation): !broker.tail(isolation).follows.isEmpty
        case .control, .producer, .unansweredProducer: false
        }
    }
}

/// What the fetches want.
extension ReadDesk: FetchOwner {
    func favour(_ partition: PartitionReads) { points.favour(partition) }
    func pause(_ partition: PartitionReads) { points.pause(partition) }
    func noteProgress(_ partition: PartitionReads) { points.noteProgress(partition) }
}
