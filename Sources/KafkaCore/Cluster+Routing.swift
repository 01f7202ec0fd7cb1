import Timing

// What services and brokers tell, handed on to all whom it concerns.

extension Cluster: BrokerRouter {
    func brokerFailed(_ broker: Broker, _ failure: KafkaFailure, hasServed: Bool) {
        // A broker that has served us is worth another attempt in this round.
        if hasServed { keeper.tryAgain(broker) }
        for service in services { service.brokerFailed(broker, failure) }
    }

    func brokerHasHungUp(_ broker: Broker) { producers.brokerHasHungUp(broker) }

    func brokerRefuses(_ broker: Broker) {
        for service in services { service.brokerRefuses(broker) }
    }

    func brokerIsLate(_ broker: Broker) {
        for service in services { service.brokerIsLate(broker) }
    }

    func brokerServes(_ broker: Broker) { keeper.tellOutageIsOver(broker) }

    func brokerMayBeTriedAgain(_ broker: Broker) { keeper.tryAgain(broker) }

    func brokersChanged() { keeper.reassignLeaders() }

    func brokerIsGone(_ broker: Broker) {
        for service in services { service.brokerIsGone(broker) }
    }

    func awaits(_ role: ConnectionRole, _ broker: Broker) -> Bool {
        services.contains { $0.awaits(role, broker) }
    }
}

extension Cluster: MetadataRouter {
    func partitionChanged(_ change: PartitionChange) {
        for service in services { service.partitionChanged(change) }
    }

    func partitionIsGone(_ partition: Partition) {
        for service in services { service.partitionIsGone(partition) }
    }

    func partitionIsForgotten(_ partition: Partition) {
        for service in services { service.partitionIsForgotten(partition) }
    }

    func topicIsKnown(_ topic: Topic) {
        for service in services { service.topicIsKnown(topic) }
    }

    func topicFailed(_ topic: Topic, _ failure: KafkaFailure) {
        for service in services { service.topicFailed(topic, failure) }
    }

    func topicIsOutOfReach(_ topic: Topic, _ failure: KafkaFailure) {
        for service in services { service.topicIsOutOfReach(topic, failure) }
    }

    func topicIsVoid(_ topic: Topic) {
        for service in services { service.topicIsVoid(topic) }
    }

    func brokersAreAway(_ outage: KafkaFailure) {
        for service in services { service.brokersAreAway(outage) }
    }

    func isAwaited(_ topic: Topic) -> Bool { services.contains { $0.awaits(topic) } }

    func isInUse(_ partition: Partition) -> Bool { services.contains { $0.uses(partition) } }

    func topicsAsked(of broker: Broker) -> [Topic] {
        services.flatMap { $0.topicsAsked(of: broker) }
    }
}

extension Cluster: ReadRouter, OffsetRouter, ProduceRouter {
    func place(_ topic: String, _ partition: Int32) -> TopicPlace {
        keeper.place(topic, partition)
    }

    func awaited(_ topic: Topic) -> TopicPlace { keeper.awaited(topic) }
    func topic(_ name: String) -> Topic { keeper.topic(name) }
    func knownTopic(_ name: String) -> Topic? { keeper.knownTopic(name) }
    func want(_ topic: Topic) { keeper.want(topic) }
    func wantAgain(_ topic: Topic) { keeper.wantAgain(topic) }
    func leaderIsNamed(_ hint: LeaderHint) { keeper.follow(hint) }

    func reason(_ topic: String, _ partition: Int32, _ last: KafkaFailure?) -> KafkaFailure {
        keeper.reason(topic, partition, last)
    }

    var currentOutage: KafkaFailure? { keeper.currentOutage }
    var hasDescription: Bool { keeper.hasAnswered }

    func lookUp(
        _ topic: String, _ partition: Int32, timestamp: Int64, deadline: Instant,
        _ then: @escaping (Int64) -> Void
    ) {
        lister.start(
            OffsetLookup(
                topic: topic, partition: partition, timestamp: timestamp,
                isolation: .readUncommitted, deadline: deadline, token: nil
            ) { result in
                switch result {
                case .success(let listed): then(listed.offset)
                case .failure: then(-1)
                }
            })
    }

    func endIsTold(_ partition: Partition, _ offset: Int64, sentAt: Instant) {
        desk.endIsTold(partition, offset, sentAt: sentAt)
    }

    func startIsTold(_ partition: Partition, _ offset: Int64) {
        desk.startIsTold(partition, offset)
    }

    func rightIsGone(_ partition: Partition) { desk.rightIsGone(partition) }
}
