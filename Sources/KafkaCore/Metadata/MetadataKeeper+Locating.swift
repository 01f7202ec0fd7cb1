import Timing

// From a name to its partition, for whoever reads or looks up an offset there.
extension MetadataKeeper {
    func place(_ name: String, _ index: Int32) -> TopicPlace {
        guard !name.isEmpty, name.utf8.count <= context.limits.topicNameBytesMax else {
            return .none(.unknownTopic(cause: "no such name can be"))
        }
        let topic = topic(name)
        switch topic.state {
        case .known:
            if let partition = topic.partitions[index] { return .partition(partition) }
            // It may have been added since.
            guard isOld(topic) else {
                return .none(.unknownPartition(cause: "\(name)-\(index)"))
            }
        case .failed(let failure):
            if !isOld(topic) { return .trouble(failure) }
        case .unknown: break
        }
        return awaited(topic)
    }

    /// What is known of the topic does not do.
    func awaited(_ topic: Topic) -> TopicPlace {
        if let outage = currentOutage { return .trouble(outage.asBootstrapFailure) }
        want(topic)
        return .awaited(topic)
    }

    private func isOld(_ topic: Topic) -> Bool {
        guard let askedAt = topic.askedAt else { return true }
        return askedAt.adding(milliseconds: context.limits.metadataMinAgeMilliseconds)
            <= context.now
    }
}
