import KafkaProducing
import Timing

// What producers ask for.
extension Cluster {
    /// The producer that all with equal settings share; begun where there is none. It is let go
    /// when nothing of it waits and nobody has asked for it for `producerIdleMilliseconds`: ask
    /// anew for each command. Not for settings with a transactional id.
    public func producer(_ settings: ProducerSettings, now: Instant) -> ProducerID {
        context.pass(to: now)
        noteCancel()
        return producers.sharedProducer(settings).id
    }

    /// A producer of the caller's own, until `endProducer`.
    public func ownProducer(_ settings: ProducerSettings, now: Instant) -> ProducerID {
        context.pass(to: now)
        noteCancel()
        return producers.begin(settings).id
    }

    /// What the producer was given is still sent and reported of, an open transaction is aborted.
    public func endProducer(
        _ producer: ProducerID, now: Instant, _ effects: inout [ClusterEffect]
    ) {
        with(producer, now, &effects) { producers.end($0) }
    }

    /// Records for a producer, any number in one call. Nothing is sent before `work`. Answers
    /// whether there is such a producer: `body` is not called for one that was let go or has ended.
    @discardableResult
    public func produce(
        _ producer: ProducerID, now: Instant, _ effects: inout [ClusterEffect],
        _ body: (borrowing RecordSink) -> Void
    ) -> Bool {
        guard let pooled = producers[producer], pooled.endsAt == nil else { return false }
        handle(now, &effects) {
            pooled.lastUsed = context.now
            body(RecordSink(pool: producers, producer: pooled))
            producers.activate(pooled)
        }
        return true
    }

    /// Reports of so many bytes are not needed any more: they count against the producer's
    /// `bufferBytes` until then. Unknown producers are ignored.
    public func taken(
        _ bytes: Int, of producer: ProducerID, now: Instant, _ effects: inout [ClusterEffect]
    ) {
        with(producer, now, &effects) { $0.engine.taken(bytes) }
    }

    /// Sends what waits. The effect `producerFlushed` comes with the token when everything that
    /// was accepted before is reported of; nil: it is.
    public func flush(
        _ producer: ProducerID, now: Instant, _ effects: inout [ClusterEffect]
    ) -> FlushToken? {
        var token: FlushToken?
        with(producer, now, &effects) { token = $0.engine.flush() }
        return token
    }

    // MARK: Transactions

    /// As the following: of a producer with a transactional id. nil: it is begun, and its outcome
    /// is told by the effect `producerTransaction`.
    public func initializeTransactions(
        _ producer: ProducerID, now: Instant, _ effects: inout [ClusterEffect]
    ) -> ProduceFailure? {
        transact(producer, now, &effects) { $0.initializeTransactions(now: $1) }
    }

    /// nil: it is open; no effect comes.
    public func beginTransaction(
        _ producer: ProducerID, now: Instant, _ effects: inout [ClusterEffect]
    ) -> ProduceFailure? {
        transact(producer, now, &effects) { $0.beginTransaction(now: $1) }
    }

    public func commitTransaction(
        _ producer: ProducerID, now: Instant, _ effects: inout [ClusterEffect]
    ) -> ProduceFailure? {
        transact(producer, now, &effects) { $0.commitTransaction(now: $1) }
    }

    public func abortTransaction(
        _ producer: ProducerID, now: Instant, _ effects: inout [ClusterEffect]
    ) -> ProduceFailure? {
        transact(producer, now, &effects) { $0.abortTransaction(now: $1) }
    }

    private func transact(
        _ producer: ProducerID, _ now: Instant, _ effects: inout [ClusterEffect],
        _ body: (Producer, Instant) -> ProduceFailure?
    ) -> ProduceFailure? {
        var failure: ProduceFailure? = ProduceFailure(.closed, "there is no such producer")
        with(producer, now, &effects) { failure = body($0.engine, context.now) }
        return failure
    }

    private func with(
        _ producer: ProducerID, _ now: Instant, _ effects: inout [ClusterEffect],
        _ body: (PooledProducer) -> Void
    ) {
        guard let pooled = producers[producer] else { return }
        handle(now, &effects) {
            body(pooled)
            producers.activate(pooled)
        }
    }

    /// No record is sent any more: what is not reported of fails, and says where it may be stored.
    public func endProducers(now: Instant, _ effects: inout [ClusterEffect]) {
        handle(now, &effects) { producers.endAll() }
    }

    /// Producers that were begun and not let go.
    public var producerCount: Int { producers.count }
}
