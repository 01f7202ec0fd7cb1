/// What metadata changes for the reads that wait.
extension ReadDesk {
    func topicKnown(_ topic: Topic) {
        for reader in take(&topic.readers) { resolve(reader) }
        for index in topic.indexes {
            if let partition = topic.partitions[index] { cluster.pointReader.queue(partition) }
        }
    }

    func topicFailed(_ topic: Topic, _ failure: KafkaFailure) {
        var waiting = take(&topic.readers)
        for index in topic.indexes {
            guard let partition = topic.partitions[index] else { continue }
            waiting += partition.takeReaders()
        }
        for reader in waiting { fail(reader, failure) }
    }

    /// The partition does not exist any more: its readers begin anew, by name.
    func abandon(_ partition: Partition) {
        partition.isAbandoned = true
        partition.log.purge()
        cluster.setLeader(partition, nil)
        for reader in partition.takeReaders() { resolve(reader) }
    }
}
