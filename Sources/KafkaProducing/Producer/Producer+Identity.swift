import KafkaProtocol
import Timing

extension Producer {
    /// A broker has given the producer an id.
    public func identified(_ identity: ProducerIdentity, now: Instant) {
        guard settings.isIdempotent, identification.identity == nil else { return }
        identification.know(identity)
        for topic in topicOrder {
            for queue in topic.queues {
                // Those whose numbers had come to an end with the old id.
                if queue.needsRestart { queue.restart(identity) }
                relist(queue, now)
            }
        }
    }

    /// No broker has: nil where none could be asked, or did not answer.
    public func identificationFailed(_ error: KafkaError?, now: Instant) {
        let isFinal: Bool
        switch error?.reaction {
        case .denied, .login, .refused, .producer: isFinal = true
        default: isFinal = false
        }
        guard let error, isFinal else { return identification.failed(now, &random) }
        let reason: ProduceFailure.Reason =
            error.reaction == .producer
            ? .fenced : error.reaction == .refused ? .kafka : .notAuthorized
        shutDown(ProduceFailure(reason, code: error, error.name))
    }

    /// What is sent now is of this one; nil: nothing can be sent.
    var identity: ProducerIdentity? {
        transactions?.identityForRecords ?? identification.identity
    }

    func identify(_ now: Instant) {
        guard failure == nil, hasRecords, identification.ask(now) else { return }
        effects.append(.identityNeeded(identification.last))
    }

    var hasRecords: Bool { !deadlines.isEmpty || unplacedCount > 0 }

    /// The partition's batches begin anew under the next epoch: the broker does not know, or not
    /// any more, what went before. Other partitions take it on when nothing of theirs is on its
    /// way.
    func bump(_ queue: PartitionQueue, mayHaveLost: Bool) {
        effects.append(
            .gapFound(
                topic: queue.topic.name, partition: queue.index, mayHaveLost: mayHaveLost))
        if transactions != nil {
            return breakTransaction(
                ProduceFailure(.aborted, "\(queue.name): records of the transaction are missing"))
        }
        guard let identity = identification.identity else { return queue.needsRestart = true }
        // Another partition may have raised it since this one began.
        if let used = queue.identity, used != identity {
            return queue.restart(identity)
        }
        if let next = identity.bumped {
            identification.know(next)
            queue.restart(next)
        } else {
            identification.forget()
            queue.needsRestart = true
        }
    }
}
