import KafkaProtocol

/// Logs that became others: a topic was deleted and created again.
extension ReadDesk {
    /// Binds a live reader to the log of the partition. False: it was bound to another, and ends.
    func bind(_ reader: Reader, to partition: PartitionReads) -> Bool {
        let log = partition.log.identity
        if let before = reader.log, log.differs(from: before) {
            fail(reader, .recreated(cause: partition.name))
            return false
        }
        if reader.log != nil || reader.isLive { reader.log = log }
        return true
    }

    /// Whether a reader that comes back has to ask for the topic's id first, once: fetches before
    /// version 13 (Kafka 3.1) go by its name, and nobody has heard of the partition for a while.
    func needsTopicID(_ reader: Reader, _ partition: PartitionReads) -> Bool {
        guard let log = reader.log, log.topicID != .zero, !reader.hasAskedForTopic,
            needsConfirmation(partition),
            let askedAt = partition.topic.askedAt,
            askedAt.adding(milliseconds: context.limits.cacheTrustMilliseconds) <= context.now
        else { return false }
        reader.hasAskedForTopic = true
        let connections = partition.source?.broker.connections ?? []
        return !connections.contains { ($0.versions.version(of: FetchRequest.self) ?? 0) >= 13 }
    }

    /// The partition's log is another one, as its offsets or epochs say: nobody goes on in it
    /// without knowing.
    func restart(_ partition: PartitionReads) {
        partition.log.identity.restarts += 1
        // Those that are nowhere wait for the log's range, and are asked then.
        for reader in waiting(on: partition) where !reader.isNowhere {
            takeOut(reader)
            resolve(reader)
        }
        for reader in takeFollowers(of: partition) { resolve(reader) }
    }
}
