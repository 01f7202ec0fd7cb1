import KafkaProtocol

/// Between partitions and the topics of Fetch requests and responses.
enum FetchTopics {
    /// Partitions grouped by topic, in the order in which they are given.
    static func grouped(
        _ partitions: [(Partition, FetchRequest.Partition)]
    ) -> [FetchRequest.Topic] {
        var topics: [FetchRequest.Topic] = []
        var places: [ObjectIdentifier: Int] = [:]
        for (partition, asked) in partitions {
            let topic = partition.topic
            if let place = places[ObjectIdentifier(topic)] {
                topics[place].partitions.append(asked)
            } else {
                places[ObjectIdentifier(topic)] = topics.count
                topics.append(
                    FetchRequest.Topic(topic: topic.name, topicID: topic.id, partitions: [asked]))
            }
        }
        return topics
    }

    static func forgotten(_ partitions: [Partition]) -> [FetchRequest.ForgottenTopic] {
        var topics: [FetchRequest.ForgottenTopic] = []
        var places: [ObjectIdentifier: Int] = [:]
        for partition in partitions {
            let topic = partition.topic
            if let place = places[ObjectIdentifier(topic)] {
                topics[place].partitions.append(partition.index)
            } else {
                places[ObjectIdentifier(topic)] = topics.count
                topics.append(
                    FetchRequest.ForgottenTopic(
                        topic: topic.name, topicID: topic.id, partitions: [partition.index]))
            }
        }
        return topics
    }

    /// Finds what a response's partition answers; each once.
    struct Places {
        private struct Key: Hashable {
            var name: String
            var id: KafkaUUID
            var index: Int32
        }

        private var numbers: [Key: Int] = [:]

        init(_ partitions: [Partition]) {
            for (number, partition) in partitions.enumerated() {
                let topic = partition.topic
                numbers[Key(name: topic.name, id: .zero, index: partition.index)] = number
                if topic.id != .zero {
                    numbers[Key(name: "", id: topic.id, index: partition.index)] = number
                }
            }
        }

        mutating func take(_ topic: FetchResponse.Topic, _ index: Int32) -> Int? {
            let key =
                topic.topicID == .zero
                ? Key(name: topic.topic, id: .zero, index: index)
                : Key(name: "", id: topic.topicID, index: index)
            return numbers.removeValue(forKey: key)
        }

        mutating func take(_ name: String, _ index: Int32) -> Int? {
            numbers.removeValue(forKey: Key(name: name, id: .zero, index: index))
        }
    }
}
