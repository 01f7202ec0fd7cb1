import KafkaMirror
import KafkaProtocol

extension BrokerCluster {
    func initProducerID(_ request: InitProducerIdRequest, _ context: RequestContext) -> Outcome {
        var response = InitProducerIdResponse(
            throttleTimeMilliseconds: context.throttleMilliseconds)
        do throws(KafkaError) {
            if let code = context.injectedError() { throw KafkaError(code) }
            let producer = try producer(request, context)
            response.producerID = producer.id
            response.producerEpoch = producer.epoch
            if let code = context.errorAfter() { throw KafkaError(code) }
        } catch {
            response.producerID = -1
            response.errorCode = error.rawValue
            response.producerEpoch = -1
        }
        return context.reply(response)
    }

    private func producer(
        _ request: InitProducerIdRequest, _ context: RequestContext
    ) throws(KafkaError) -> (id: Int64, epoch: Int16) {
        guard let id = request.transactionalID else { return idempotentProducer(request) }
        guard !id.isEmpty else { throw .invalidRequest }
        try checkCoordinator(of: id, context)
        let timeout = Int64(request.transactionTimeoutMilliseconds)
        guard timeout > 0, timeout <= settings.transactionTimeoutMillisecondsMax else {
            throw .invalidTransactionTimeout
        }
        guard let known = transactions[id] else {
            let fresh = Transaction(
                id: id, producerID: newProducerID(), producerEpoch: 0,
                timeoutMilliseconds: timeout)
            transactions[id] = fresh
            return (fresh.producerID, 0)
        }
        known.timeoutMilliseconds = timeout
        return try next(known, request, context)
    }

    /// The next epoch of a transactional id. What was open is aborted first, and whoever asks has
    /// to ask again.
    private func next(
        _ known: Transaction, _ request: InitProducerIdRequest, _ context: RequestContext
    ) throws(KafkaError) -> (id: Int64, epoch: Int16) {
        let isKnown = request.producerID >= 0
        if isKnown, try isRetry(known, request, context) {
            return (known.producerID, known.producerEpoch)
        }
        if case .ending = known.state { throw .concurrentTransactions }
        if known.state == .ongoing {
            fence(known, now: context.now)
            if !isKnown { known.previous = nil }
            throw .concurrentTransactions
        }
        bumpEpoch(known)
        if !isKnown { known.previous = nil }
        known.state = .empty
        return (known.producerID, known.producerEpoch)
    }

    /// KIP-360: a producer that says who it is must still be that one, or the one before the last
    /// bump, whose answer it may have missed.
    private func isRetry(
        _ known: Transaction, _ request: InitProducerIdRequest, _ context: RequestContext
    ) throws(KafkaError) -> Bool {
        if known.was(request.producerID, request.producerEpoch), known.state != .ongoing {
            if case .ending = known.state { throw .concurrentTransactions }
            return true
        }
        guard request.producerID == known.producerID else { throw .invalidProducerIdMapping }
        guard request.producerEpoch == known.producerEpoch else {
            throw context.version >= 4 ? .producerFenced : .invalidProducerEpoch
        }
        return false
    }

    private func idempotentProducer(_ request: InitProducerIdRequest) -> (id: Int64, epoch: Int16) {
        guard request.producerID >= 0, request.producerEpoch >= 0,
            request.producerEpoch < Int16.max - 1
        else { return (newProducerID(), 0) }
        return (request.producerID, request.producerEpoch + 1)
    }
}
