import KafkaProtocol

/// What one answer tells those who have looked topics up: all topics by name, put together once for
/// everybody, and those that were asked for by their names.
struct MetadataTold {
    private let wantsAll: Bool
    private var wanted: Set<String> = []
    private var named: [String: TopicDescription] = [:]
    /// In the order of the answer.
    private var found: [TopicDescription] = []
    private var sorting: SortInPieces<TopicDescription>?
    private var sorted: [TopicDescription] = []
    private var next = 0

    init(_ lookups: [MetadataLookup]) {
        wantsAll = lookups.contains { $0.topics == nil }
        for lookup in lookups { wanted.formUnion(lookup.topics ?? []) }
    }

    /// Of a topic that is told twice the first answer counts.
    mutating func add(_ topic: MetadataResponse.Topic) {
        guard let name = topic.name else { return }
        let isWanted = wanted.contains(name) && named[name] == nil
        guard wantsAll || isWanted else { return }
        let description = TopicDescription(name, topic)
        if isWanted { named[name] = description }
        if wantsAll { found.append(description) }
    }

    /// One step on the way to the order of the names. Whether it is there.
    mutating func sort() -> Bool {
        guard wantsAll else { return true }
        guard let count = sorting?.count else {
            sorting = SortInPieces(found) { $0.name < $1.name }
            sorted.reserveCapacity(found.count)
            found = []
            return false
        }
        guard sorting?.isDone == true else {
            sorting?.step()
            return false
        }
        guard next < count, let topic = sorting?[next] else { return true }
        if sorted.last?.name != topic.name { sorted.append(topic) }
        next += 1
        return false
    }

    func answer(_ lookup: MetadataLookup) -> [TopicDescription] {
        guard let names = lookup.topics else { return sorted }
        return names.map { name in
            named[name]
                ?? TopicDescription(
                    name: name, failure: .unknownTopic(cause: "\(name): not in the answer"))
        }
    }
}

extension TopicDescription {
    init(_ name: String, _ topic: MetadataResponse.Topic) {
        let error = KafkaError(topic.errorCode)
        let failure: KafkaFailure? =
            switch error {
            case .none: nil
            case .unknownTopicOrPartition, .invalidTopicException:
                .unknownTopic(cause: "\(name): \(error.name)")
            default: .kafka(topic.errorCode, cause: name)
            }
        let partitions = topic.partitions.map {
            PartitionDescription(
                index: $0.partitionIndex, leader: $0.leaderID, leaderEpoch: $0.leaderEpoch)
        }
        self.init(
            name: name, isInternal: topic.isInternal,
            partitions: partitions.sorted { $0.index < $1.index }, failure: failure)
    }
}
