import KafkaProtocol
import Timing

/// What brokers say of offsets.
extension OffsetLister {
    func received(_ batch: OffsetBatch, _ response: ListOffsetsResponse, _ told: Answer) {
        var places = PartitionPlaces(batch.entries.map(\.partition.partition))
        for topic in response.topics {
            for answer in topic.partitions {
                guard let number = places.take(topic.name, answer.partitionIndex) else { continue }
                batch.entries[number].isAnswered = true
                guard !told.wasLate || !doubts(batch.entries[number], batch) else { continue }
                if answer.errorCode == 0, answer.tells(batch.entries[number].timestamp) {
                    learn(batch, batch.entries[number], answer, told.sentAt)
                }
                take(batch.entries[number], batch, answer)
            }
        }
        for entry in batch.entries where !entry.isAnswered {
            again(
                entry, batch,
                .timeout(cause: "\(entry.partition.partition.name): not in the answer"))
        }
    }

    /// Whoever was silent for so long may have been replaced meanwhile, and not know it yet: asked
    /// again once, when others have been asked for the leader.
    private func doubts(_ entry: OffsetBatch.Entry, _ batch: OffsetBatch) -> Bool {
        guard entry.demand.lookups.contains(where: { !$0.wasDoubted }) else { return false }
        for lookup in entry.demand.lookups { lookup.wasDoubted = true }
        router.want(entry.partition.partition.topic)
        again(
            entry, batch, .timeout(cause: "\(entry.partition.partition.name): the answer came late")
        )
        return true
    }

    /// What is cached of the log must not contradict what was told of it.
    private func learn(
        _ batch: OffsetBatch, _ entry: OffsetBatch.Entry, _ answer: ListOffsetsResponse.Partition,
        _ sentAt: Instant
    ) {
        let partition = entry.partition
        partition.pace.reset()
        switch entry.timestamp {
        case -1 where batch.isolation == .readUncommitted:
            router.endIsTold(partition.partition, answer.offset, sentAt: sentAt)
        case -2: router.startIsTold(partition.partition, answer.offset)
        default: break
        }
    }

    private func take(
        _ entry: OffsetBatch.Entry, _ batch: OffsetBatch, _ answer: ListOffsetsResponse.Partition
    ) {
        let error = KafkaError(answer.errorCode)
        guard error != .none else {
            guard answer.tells(entry.timestamp) else { return notTold(entry, batch) }
            let offset = ListedOffset(
                offset: answer.offset, timestamp: answer.timestamp,
                leaderEpoch: answer.leaderEpoch)
            for lookup in entry.demand.lookups { finish(lookup, .success(offset)) }
            return
        }
        context.counters.failed(error.rawValue)
        let failure = KafkaFailure.kafka(error.rawValue, cause: entry.partition.partition.name)
        if error.isRefusal { router.rightIsGone(entry.partition.partition) }
        guard error.isRetriable else {
            for lookup in entry.demand.lookups { finish(lookup, .failure(failure)) }
            return
        }
        if error.reaction == .metadata { router.wantAgain(entry.partition.partition.topic) }
        again(entry, batch, failure)
    }

    /// The leader does not know it yet, and says so by -1 instead of by the error that later
    /// versions have for it (KIP-207). Java's client asks again too.
    private func notTold(_ entry: OffsetBatch.Entry, _ batch: OffsetBatch) {
        let code = KafkaError.offsetNotAvailable.rawValue
        again(
            entry, batch,
            .kafka(code, cause: "\(entry.partition.partition.name): no offset in the answer"))
    }

    /// The one way back for look-ups that were sent.
    private func again(
        _ entry: OffsetBatch.Entry, _ batch: OffsetBatch, _ failure: KafkaFailure
    ) {
        let partition = entry.partition
        if partition.partition.leader === batch.broker {
            context.delay(&partition.pace, .listOffsets)
        } else {
            context.delayButFirst(&partition.pace, .listOffsets)
        }
        for lookup in entry.demand.lookups.takeAll() {
            lookup.lastFailure = failure
            lookup.place = .nowhere
            resolve(lookup)
        }
    }

    /// The connection ended before the answer came: the leaders may have moved with it.
    func lost(_ batch: OffsetBatch, _ failure: KafkaFailure) {
        for entry in batch.entries where !entry.isAnswered { again(entry, batch, failure) }
    }
}

extension ListOffsetsResponse.Partition {
    /// Whether there is an answer to `timestamp`. That no record is as late is one (-1); that a log
    /// has no beginning or no end is none.
    fileprivate func tells(_ timestamp: Int64) -> Bool {
        offset >= 0 || (offset == -1 && timestamp != -1 && timestamp != -2)
    }
}
