import KafkaProtocol
import Timing

/// Topics, as tests and as admin requests make them.
extension BrokerCluster {
    /// Makes a topic; false if it exists or its name is not one.
    @discardableResult
    public func createTopic(
        _ name: String, partitions: Int32 = 1, settings: TopicSettings = TopicSettings()
    ) -> Bool {
        guard topics[name] == nil, partitions > 0, isValidTopicName(name) else { return false }
        makeTopic(name, partitions, settings)
        return true
    }

    @discardableResult
    func makeTopic(
        _ name: String, _ partitions: Int32, _ settings: TopicSettings, id given: KafkaUUID? = nil
    ) -> Topic {
        let id = given ?? (self.settings.profile.hasTopicIDs ? newTopicID() : .zero)
        let topic = Topic(name: name, id: id, settings: settings)
        addPartitions(to: topic, count: partitions)
        topics[name] = topic
        topicNames.append(name)
        if id != .zero { topicsByID[id] = topic }
        return topic
    }

    /// Adds partitions until there are `count`; false if there is no such topic.
    @discardableResult
    public func addPartitions(to name: String, count: Int32) -> Bool {
        guard let topic = topics[name] else { return false }
        addPartitions(to: topic, count: count)
        return true
    }

    func addPartitions(to topic: Topic, count: Int32) {
        let copies = min(topic.settings.replicationFactor ?? 3, brokers.count)
        // Leaders go round the brokers, topic by topic, as Kafka spreads them.
        let shift = topicNames.count
        for index in Int32(topic.partitions.count)..<max(count, Int32(topic.partitions.count)) {
            let replicas = (0..<max(copies, 1)).map { copy in
                brokers[(Int(index) + copy + shift) % brokers.count].id
            }
            let partition = Partition(topic: topic, index: index, replicas: replicas)
            partition.producers.refusesUnknown = settings.profile == .kafka2_1
            elect(partition)
            topic.add(partition)
        }
    }

    /// Deletes a topic; whoever waits for it is told.
    @discardableResult
    public func deleteTopic(_ name: String, now: Instant) -> Bool {
        guard let topic = topics[name] else { return false }
        for partition in topic.partitions { wake(partition) }
        topics[name] = nil
        topicsByID[topic.id] = nil
        topicNames.removeAll { $0 == name }
        settle(now: now)
        return true
    }

    /// Deletes a topic and makes it again: same name, another id, offsets from 0.
    @discardableResult
    public func recreateTopic(_ name: String, now: Instant) -> Bool {
        guard let old = topics[name] else { return false }
        let count = Int32(old.partitions.count)
        for partition in old.partitions { wake(partition) }
        topics[name] = nil
        topicsByID[old.id] = nil
        topicNames.removeAll { $0 == name }
        makeTopic(name, count, old.settings)
        settle(now: now)
        return true
    }

    public func topicID(_ name: String) -> KafkaUUID? { topics[name]?.id }

    /// A random id of version 4, as Kafka's are.
    private func newTopicID() -> KafkaUUID {
        KafkaUUID(
            high: (random.next() & 0xffff_ffff_ffff_0fff) | 0x4000,
            low: (random.next() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000)
    }
}
