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
}
