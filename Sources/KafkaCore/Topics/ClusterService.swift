import Timing

/// What asks brokers for something, with tables of its own by topic, partition and broker. Services
/// know neither each other nor the router: what one learns and others need it tells the router that
/// it was given, and what others have learned it is told here.
protocol ClusterService: AnyObject {
    // MARK: What metadata tells

    func partitionChanged(_ change: PartitionChange)
    /// Deleted, or created anew: whoever waits begins anew, by name.
    func partitionIsGone(_ partition: Partition)
    /// Nobody uses it any more, and neither is it known.
    func partitionIsForgotten(_ partition: Partition)
    /// Whoever waits for the topic may ask for its place again.
    func topicIsKnown(_ topic: Topic)
    func topicFailed(_ topic: Topic, _ failure: KafkaFailure)
    /// No broker told of it: whoever waits for it is told, or waits for the next attempt.
    func topicIsOutOfReach(_ topic: Topic, _ failure: KafkaFailure)
    /// What was read under a right that is gone, or in a log that may be gone, counts no more.
    func topicIsVoid(_ topic: Topic)

    // MARK: What is learned of brokers

    /// A connection to it failed.
    func brokerFailed(_ broker: Broker, _ failure: KafkaFailure)
    func brokerIsLate(_ broker: Broker)
    func brokerRefuses(_ broker: Broker)
    func brokerIsGone(_ broker: Broker)
    /// No broker can be reached.
    func brokersAreAway(_ outage: KafkaFailure)

    // MARK: What it needs

    /// Somebody waits for what is to be known of the topic.
    func awaits(_ topic: Topic) -> Bool
    /// Somebody waits for something of the partition: it is kept known.
    func uses(_ partition: Partition) -> Bool
    /// Of which the broker is asked for something that `uses` does not tell.
    func topicsAsked(of broker: Broker) -> [Topic]
    /// Somebody waits for a connection of that role.
    func awaits(_ role: ConnectionRole, _ broker: Broker) -> Bool

    // MARK: Turns and time

    /// The end of a turn: what can be sent is sent.
    func flush()
    func tick()
    var nextDeadline: Instant { get }
    /// The client ends: everybody who waits is told.
    func failEverything(_ failure: KafkaFailure)
}

extension ClusterService {
    func partitionChanged(_ change: PartitionChange) {}
    func partitionIsGone(_ partition: Partition) {}
    func partitionIsForgotten(_ partition: Partition) {}
    func topicIsKnown(_ topic: Topic) {}
    func topicFailed(_ topic: Topic, _ failure: KafkaFailure) {}
    func topicIsOutOfReach(_ topic: Topic, _ failure: KafkaFailure) {}
    func topicIsVoid(_ topic: Topic) {}
    func brokerFailed(_ broker: Broker, _ failure: KafkaFailure) {}
    func brokerIsLate(_ broker: Broker) {}
    func brokerRefuses(_ broker: Broker) {}
    func brokerIsGone(_ broker: Broker) {}
    func brokersAreAway(_ outage: KafkaFailure) {}
    func awaits(_ topic: Topic) -> Bool { false }
    func uses(_ partition: Partition) -> Bool { false }
    func topicsAsked(of broker: Broker) -> [Topic] { [] }
    func awaits(_ role: ConnectionRole, _ broker: Broker) -> Bool { false }
    func tick() {}
    var nextDeadline: Instant { .distantFuture }
}
