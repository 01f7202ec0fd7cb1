import Timing

/// What is asked of one partition.
final class PartitionLookups: PartitionEntry {
    let partition: Partition
    /// What is not sent yet; nil: nothing.
    var queue: LookupQueue?
    /// After answers that did not help nothing is asked before.
    var pace: RetryPace

    init(_ partition: Partition, backoffMaxMilliseconds: Int64) {
        self.partition = partition
        pace = RetryPace(
            initialMilliseconds: KafkaLimits.firstRetryMilliseconds,
            maximumMilliseconds: backoffMaxMilliseconds)
    }
}

/// What is to be looked up of one partition; it stands in the queue of the partition's leader.
final class LookupQueue: Slotted {
    let partition: PartitionLookups
    var demands = JoinQueue<OffsetDemand>()
    var slot = 0

    init(_ partition: PartitionLookups) { self.partition = partition }
}

/// What is asked of one broker.
final class BrokerLookups: BrokerEntry {
    let broker: Broker
    /// Of partitions that it leads; they wait for the control connection, in turn.
    var queues = SlotList<LookupQueue>()
    var isActive = false

    init(_ broker: Broker) { self.broker = broker }

    var hasWork: Bool { !queues.isEmpty }
}
