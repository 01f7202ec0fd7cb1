import Bytes
import KafkaMirror
import KafkaProtocol

/// What one look at the logs has found for a Fetch.
struct FetchReading {
    struct Entry {
        let fetched: FetchedPartition
        var answer: FetchResponse.Partition
        /// Where the records are; empty without any.
        var partition: Partition?
        var slice = Partition.Slice()
    }

    var entries: [Entry] = []
    var bytes = 0
    /// An error or a truncated reader is answered at once.
    var hasUrgent = false

    func isDue(_ waiting: WaitingFetch) -> Bool {
        hasUrgent || bytes >= waiting.minBytes || waiting.partitions.isEmpty
    }
}

extension BrokerCluster {
    /// Reads in the order of the partitions. KIP-74: the first batch of the first partition that
    /// has any comes whole; other partitions whose first batch does not fit get nothing.
    func read(_ waiting: WaitingFetch) -> FetchReading {
        var reading = FetchReading()
        reading.entries.reserveCapacity(waiting.partitions.count)
        var room = waiting.maxBytes
        for fetched in waiting.partitions {
            // Before version 3 a limit is a limit, even if no batch fits.
            let mayExceed = reading.bytes == 0 && waiting.context.version >= 3
            let entry = read(fetched, waiting, room: room, mayExceed: mayExceed)
            room = max(0, room - entry.slice.bytes)
            reading.bytes += entry.slice.bytes
            if entry.answer.errorCode != 0 || entry.answer.divergingEpoch != nil
                || entry.answer.preferredReadReplica >= 0
            {
                reading.hasUrgent = true
            }
            reading.entries.append(entry)
        }
        return reading
    }

    private func read(
        _ fetched: FetchedPartition, _ waiting: WaitingFetch, room: Int, mayExceed: Bool
    ) -> FetchReading.Entry {
        let context = waiting.context
        var answer = FetchResponse.Partition(
            partitionIndex: fetched.key.partition, highWatermark: -1, lastStableOffset: -1,
            logStartOffset: -1)
        answer.records = KafkaBytes(offset: 0, count: 0)
        let partition: Partition
        switch checked(fetched, waiting) {
        case .success(let found): partition = found
        case .failure(let error):
            answer.errorCode = error.rawValue
            if context.version >= 16 { answer.currentLeader = leaderHint(error, fetched.key) }
            return .init(fetched: fetched, answer: answer)
        }
        answer.highWatermark = partition.highWatermark
        answer.lastStableOffset = partition.lastStableOffset
        answer.logStartOffset = partition.log.startOffset
        if let diverging = divergence(fetched, partition) {
            answer.divergingEpoch = diverging
            return .init(fetched: fetched, answer: answer)
        }
        if let replica = nearbyReplica(partition, waiting) {
            answer.preferredReadReplica = replica
            return .init(fetched: fetched, answer: answer)
        }
        let end = partition.end(committed: waiting.isCommitted)
        var slice = partition.read(
            from: fetched.offset, end: end, bytesMax: min(Int(fetched.bytesMax), room),
            wholeFirstBatch: mayExceed)
        if slice.isFirstBatchIncomplete && context.version >= 3 {
            slice = Partition.Slice(nextOffset: fetched.offset)
        }
        if waiting.isCommitted {
            answer.abortedTransactions =
                slice.bytes == 0 ? [] : aborted(partition, fetched.offset..<slice.nextOffset)
        }
        return .init(fetched: fetched, answer: answer, partition: partition, slice: slice)
    }

    private func aborted(
        _ partition: Partition, _ offsets: Range<Int64>
    ) -> [FetchResponse.AbortedTransaction] {
        partition.aborted.overlapping(offsets).map {
            .init(producerID: $0.producerID, firstOffset: $0.firstOffset)
        }
    }

    /// The partition, if this broker may serve the reader.
    private func checked(
        _ fetched: FetchedPartition, _ waiting: WaitingFetch
    ) -> Result<Partition, KafkaError> {
        let context = waiting.context
        let usesTopicIDs = context.version >= 13
        let topic = usesTopicIDs ? topicsByID[fetched.key.topicID] : topics[fetched.key.topic]
        guard let topic else {
            return .failure(usesTopicIDs ? .unknownTopicId : .unknownTopicOrPartition)
        }
        let index = fetched.key.partition
        if let code = context.injectedError(topic: topic.name, partition: index) {
            return .failure(KafkaError(code))
        }
        guard let partition = topic.partition(index) else {
            return .failure(.unknownTopicOrPartition)
        }
        if !isFollower(context.broker, of: partition, context) {
            let error = leaderError(partition, context.broker, epoch: fetched.leaderEpoch)
            if let error { return .failure(error) }
        } else if let error = epochError(partition, fetched.leaderEpoch) {
            return .failure(error)
        }
        if context.version < 4, !partition.log.isEmpty {
            // Record batches would have to be rewritten as message sets: a broker whose
            // `log.message.downconversion.enable` is false says this.
            return .failure(.unsupportedVersion)
        }
        guard fetched.offset >= partition.log.startOffset, fetched.offset <= partition.log.endOffset
        else { return .failure(.offsetOutOfRange) }
        if context.version < 10, partition.hasZstd(from: fetched.offset) {
            return .failure(.unsupportedCompressionType)
        }
        return .success(partition)
    }

    /// The partition for a request that its leader answers; throws what others are told.
    func led(
        _ name: String, _ index: Int32, epoch: Int32, _ context: RequestContext
    ) throws(KafkaError) -> Partition {
        if let code = context.injectedError(topic: name, partition: index) {
            throw KafkaError(code)
        }
        guard let partition = topics[name]?.partition(index) else {
            throw .unknownTopicOrPartition
        }
        if let error = leaderError(partition, context.broker, epoch: epoch) { throw error }
        return partition
    }

    /// KIP-320: not the leader, or a reader with another idea of the leader's epoch.
    func leaderError(_ partition: Partition, _ broker: Broker, epoch: Int32) -> KafkaError? {
        guard partition.leader == broker.id else { return .notLeaderOrFollower }
        return epochError(partition, epoch)
    }

    private func epochError(_ partition: Partition, _ epoch: Int32) -> KafkaError? {
        if epoch < 0 || epoch == partition.leaderEpoch { return nil }
        return epoch < partition.leaderEpoch ? .fencedLeaderEpoch : .unknownLeaderEpoch
    }

    /// KIP-392, as with Kafka's `RackAwareReplicaSelector`, in clusters that have racks: a replica
    /// in the reader's rack, if the leader is in another one.
    private func nearbyReplica(_ partition: Partition, _ waiting: WaitingFetch) -> Int32? {
        guard waiting.context.version >= 11, !waiting.rack.isEmpty,
            partition.leader == waiting.context.broker.id,
            waiting.context.broker.rack != waiting.rack
        else { return nil }
        return partition.inSyncReplicas.first { broker($0)?.rack == waiting.rack }
    }

    /// KIP-392: followers serve readers, too.
    private func isFollower(
        _ broker: Broker, of partition: Partition, _ context: RequestContext
    ) -> Bool {
        context.version >= 11 && broker.rack != nil && partition.leader != broker.id
            && partition.inSyncReplicas.contains(broker.id)
    }

    /// KIP-951: whom to ask instead.
    private func leaderHint(_ error: KafkaError, _ key: FetchSession.Key) -> FetchResponse.Leader? {
        guard error == .notLeaderOrFollower || error == .fencedLeaderEpoch,
            let partition = find(key)
        else { return nil }
        return .init(leaderID: partition.leader, leaderEpoch: partition.leaderEpoch)
    }

    /// KIP-595: the reader's last record was written by a leader whose log ended before it.
    private func divergence(
        _ fetched: FetchedPartition, _ partition: Partition
    ) -> FetchResponse.EpochEndOffset? {
        guard fetched.lastFetchedEpoch >= 0 else { return nil }
        let end = partition.epochs.endOffset(
            of: fetched.lastFetchedEpoch, current: partition.leaderEpoch,
            logEnd: partition.log.endOffset)
        guard end.epoch < fetched.lastFetchedEpoch || end.offset < fetched.offset else {
            return nil
        }
        return .init(epoch: end.epoch, endOffset: end.offset)
    }
}
