import KafkaProtocol
import Timing

/// What brokers say of offsets.
extension OffsetLister {
    func received(_ batch: OffsetBatch, _ response: ListOffsetsResponse, sentAt: Instant) {
        for topic in response.topics {
            for answer in topic.partitions {
                let number = batch.entries.firstIndex {
                    $0.partition.index == answer.partitionIndex
                        && $0.partition.topic.name == topic.name && !$0.isAnswered
                }
                guard let number else { continue }
                batch.entries[number].isAnswered = true
                if answer.errorCode == 0 { learn(batch, batch.entries[number], answer, sentAt) }
                take(batch.entries[number], answer)
            }
        }
        for entry in batch.entries where !entry.isAnswered {
            again(entry, .timeout(cause: "\(entry.partition.name): not in the answer"))
        }
    }

    /// What is cached of the log must not contradict what was told of it.
    private func learn(
        _ batch: OffsetBatch, _ entry: OffsetBatch.Entry, _ answer: ListOffsetsResponse.Partition,
        _ sentAt: Instant
    ) {
        let partition = entry.partition
        partition.lookupBackoff.reset()
        switch entry.timestamp {
        case -1 where batch.isolation == .readUncommitted:
            cluster.noteEnd(answer.offset, of: partition, sentAt: sentAt)
        case -2: partition.log.learn(logStartOffset: answer.offset, lastStableOffset: -1)
        default: break
        }
    }

    private func take(_ entry: OffsetBatch.Entry, _ answer: ListOffsetsResponse.Partition) {
        let error = KafkaError(answer.errorCode)
        guard error != .none else {
            let offset = ListedOffset(
                offset: answer.offset, timestamp: answer.timestamp,
                leaderEpoch: answer.leaderEpoch)
            for lookup in entry.lookups { finish(lookup, .success(offset)) }
            return
        }
        cluster.counters.errors[error.rawValue, default: 0] += 1
        let failure = KafkaFailure.kafka(error.rawValue, cause: entry.partition.name)
        if error.isRefusal { entry.partition.log.purge() }
        guard error.isRetriable else {
            for lookup in entry.lookups { finish(lookup, .failure(failure)) }
            return
        }
        if error.reaction == .metadata { cluster.keeper.wantAgain(entry.partition.topic) }
        again(entry, failure)
    }

    private func again(_ entry: OffsetBatch.Entry, _ failure: KafkaFailure) {
        let wait = entry.partition.lookupBackoff.next(&cluster.random)
        for lookup in entry.lookups where !lookup.isDone {
            lookup.lastFailure = failure
            paused.append((cluster.now.adding(milliseconds: wait), lookup))
        }
    }

    /// The connection ended before the answer came: the leaders may have moved with it.
    func lost(_ batch: OffsetBatch) {
        for entry in batch.entries {
            for lookup in entry.lookups where !lookup.isDone { resolve(lookup) }
        }
    }
}
