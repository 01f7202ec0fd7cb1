import KafkaProtocol
import Timing

/// What brokers say of offsets.
extension OffsetLister {
    func received(_ batch: OffsetBatch, _ response: ListOffsetsResponse, sentAt: Instant) {
        var places = FetchTopics.Places(batch.entries.map(\.partition))
        for topic in response.topics {
            for answer in topic.partitions {
                guard let number = places.take(topic.name, answer.partitionIndex) else { continue }
                batch.entries[number].isAnswered = true
                if answer.errorCode == 0, answer.tells(batch.entries[number].timestamp) {
                    learn(batch, batch.entries[number], answer, sentAt)
                }
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
            guard answer.tells(entry.timestamp) else { return notTold(entry) }
            let offset = ListedOffset(
                offset: answer.offset, timestamp: answer.timestamp,
                leaderEpoch: answer.leaderEpoch)
            for lookup in entry.demand.lookups { finish(lookup, .success(offset)) }
            return
        }
        cluster.counters.errors[error.rawValue, default: 0] += 1
        let failure = KafkaFailure.kafka(error.rawValue, cause: entry.partition.name)
        if error.isRefusal { entry.partition.log.purge() }
        guard error.isRetriable else {
            for lookup in entry.demand.lookups { finish(lookup, .failure(failure)) }
            return
        }
        if error.reaction == .metadata { cluster.keeper.wantAgain(entry.partition.topic) }
        again(entry, failure)
    }

    /// The leader does not know it yet, and says so by -1 instead of by the error that later
    /// versions have for it (KIP-207). Java's client asks again too.
    private func notTold(_ entry: OffsetBatch.Entry) {
        let code = KafkaError.offsetNotAvailable.rawValue
        again(entry, .kafka(code, cause: "\(entry.partition.name): no offset in the answer"))
    }

    private func again(_ entry: OffsetBatch.Entry, _ failure: KafkaFailure) {
        let wait = entry.partition.lookupBackoff.next(&cluster.random)
        for lookup in entry.demand.lookups.takeAll() {
            lookup.lastFailure = failure
            pause(lookup, milliseconds: wait)
        }
    }

    /// The connection ended before the answer came: the leaders may have moved with it.
    func lost(_ batch: OffsetBatch) {
        for entry in batch.entries {
            for lookup in entry.demand.lookups.takeAll() {
                lookup.place = .nowhere
                resolve(lookup)
            }
        }
    }
}

extension ListOffsetsResponse.Partition {
    /// Whether there is an answer to `timestamp`. That no record is as late is one (-1); that a log
    /// has no beginning or no end is none.
    fileprivate func tells(_ timestamp: Int64) -> Bool {
        offset >= 0 || (offset == -1 && timestamp != -1 && timestamp != -2)
    }
}
