import KafkaMirror
import KafkaProtocol

extension BrokerCluster {
    func endTransaction(_ request: EndTxnRequest, _ context: RequestContext) -> Outcome {
        var response = EndTxnResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        do throws(KafkaError) {
            if context.version >= 5 {
                let transaction = try endAndBump(request, context)
                response.producerID = transaction.producerID
                response.producerEpoch = transaction.producerEpoch
            } else {
                try end(request, context)
            }
            if let code = context.errorAfter() { throw KafkaError(code) }
        } catch {
            response.errorCode = error.rawValue
            response.producerID = -1
            response.producerEpoch = -1
        }
        return context.reply(response)
    }

    private func end(_ request: EndTxnRequest, _ context: RequestContext) throws(KafkaError) {
        let transaction = try coordinated(
            request.transactionalID, producerID: request.producerID,
            epoch: request.producerEpoch, context)
        switch transaction.state {
        case .ongoing:
            end(
                transaction, committed: request.committed, markerEpoch: transaction.producerEpoch,
                now: context.now)
        case .ending(request.committed): throw .concurrentTransactions
        // The client asks again, having missed the first answer.
        case .ended(request.committed): break
        case .empty, .ending, .ended: throw .invalidTxnState
        }
    }

    /// KIP-890: every end takes the next epoch, its markers included. Whoever asks again does so
    /// under the epoch before.
    private func endAndBump(
        _ request: EndTxnRequest, _ context: RequestContext
    ) throws(KafkaError) -> Transaction {
        guard transactionVersion >= 2 else { throw .invalidTxnState }
        if let code = context.injectedError() { throw KafkaError(code) }
        try checkCoordinator(of: request.transactionalID, context)
        if let known = transactions[request.transactionalID],
            known.was(request.producerID, request.producerEpoch), known.state != .ongoing
        {
            return try endedBefore(known, request)
        }
        let transaction = try coordinated(
            request.transactionalID, producerID: request.producerID,
            epoch: request.producerEpoch, context)
        switch transaction.state {
        case .ongoing:
            let markerEpoch = min(transaction.producerEpoch, Int16.max - 1) + 1
            end(
                transaction, committed: request.committed, markerEpoch: markerEpoch,
                now: context.now)
        case .ending: throw .concurrentTransactions
        // An abort of nothing is good, and only bumps the epoch.
        case .empty, .ended: if request.committed { throw .invalidTxnState }
        }
        bumpEpoch(transaction)
        return transaction
    }

    private func endedBefore(
        _ transaction: Transaction, _ request: EndTxnRequest
    ) throws(KafkaError) -> Transaction {
        switch transaction.state {
        case .ending(request.committed): throw .concurrentTransactions
        case .ended(request.committed): return transaction
        default: throw .invalidTxnState
        }
    }
}
