import Timing

/// What metadata changes for the reads that wait.
extension ReadDesk {
    func awaits(_ topic: Topic) -> Bool { !waitingForTopics.isEmpty(topic) }

    func uses(_ partition: Partition) -> Bool { state.partitions[partition]?.isInUse == true }

    // MARK: Topics

    func topicIsKnown(_ topic: Topic) {
        for partition in state.partitions.all(of: topic) {
            partition.log.identity.topicID = topic.id
        }
        for reader in takeWaiting(for: topic) { resolve(reader) }
        for partition in state.partitions.all(of: topic) { points.queue(partition) }
    }

    func topicFailed(_ topic: Topic, _ failure: KafkaFailure) {
        var waiting = takeWaiting(for: topic)
        for partition in state.partitions.all(of: topic) { waiting += takeAll(partition) }
        for reader in waiting { fail(reader, failure) }
    }

    func topicIsOutOfReach(_ topic: Topic, _ failure: KafkaFailure) {
        for reader in takeWaiting(for: topic) { failOrPark(reader, failure) }
    }

    func topicIsVoid(_ topic: Topic) {
        for partition in state.partitions.all(of: topic) { partition.log.purge() }
    }

    private func takeWaiting(for topic: Topic) -> [Reader] {
        var readers = waitingForTopics.takeAll(topic)
        return take(&readers)
    }

    // MARK: Partitions

    func partitionChanged(_ change: PartitionChange) {
        guard let partition = state.partitions[change.partition] else { return }
        // An election may have ended the log elsewhere than where we read it.
        if change.hasNewEpoch { partition.log.purge() }
        let leader = change.partition.leader.map(state.reads(from:))
        move(partition, to: leader, epoch: change.partition.leaderEpoch)
        if change.isOtherLog { restart(partition) }
    }

    /// Its readers begin anew, by name.
    func partitionIsGone(_ gone: Partition) {
        guard let partition = state.partitions[gone] else { return }
        state.partitions.remove(gone)
        partition.isAbandoned = true
        partition.log.purge()
        move(partition, to: nil, epoch: partition.leaderEpoch)
        for reader in takeAll(partition) { resolve(reader) }
    }

    func partitionIsForgotten(_ partition: Partition) { state.partitions.remove(partition) }

    private func move(_ partition: PartitionReads, to leader: BrokerReads?, epoch: Int32) {
        changeSource(of: partition) { partition.setLeader(leader, epoch: epoch) }
        if leader != nil {
            // The new leader's own answers are what makes pauses short again.
            points.resume(partition)
            points.queue(partition)
        } else {
            stall(partition, .noLeader(cause: partition.name))
        }
    }

    // MARK: What others are told of a log

    /// Which log it is, for readers that come back to it.
    func log(of partition: Partition) -> LogIdentity { state.reads(of: partition).log.identity }

    func endIsTold(_ partition: Partition, _ offset: Int64, sentAt: Instant) {
        guard let partition = state.partitions[partition] else { return }
        judge.noteEnd(offset, of: partition, sentAt: sentAt)
    }

    func startIsTold(_ partition: Partition, _ offset: Int64) {
        state.partitions[partition]?.log.learn(logStartOffset: offset, lastStableOffset: -1)
    }

    func rightIsGone(_ partition: Partition) { state.partitions[partition]?.log.purge() }
}
