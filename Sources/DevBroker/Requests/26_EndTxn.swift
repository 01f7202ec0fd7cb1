import KafkaMirror
import KafkaProtocol

extension BrokerCluster {
    func endTransaction(_ request: EndTxnRequest, _ context: RequestContext) -> Outcome {
        var response = EndTxnResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        do throws(KafkaError) {
            let transaction = try coordinated(
                request.transactionalID, producerID: request.producerID,
                epoch: request.producerEpoch, context)
            try end(transaction, request, context)
            if context.version >= 5 {
                response.producerID = transaction.producerID
                response.producerEpoch = transaction.producerEpoch
            }
        } catch {
            response.errorCode = error.rawValue
        }
        return context.reply(response)
    }

    private func end(
        _ transaction: Transaction, _ request: EndTxnRequest, _ context: RequestContext
    ) throws(KafkaError) {
        // KIP-890: from version 5 on every end takes the next epoch, markers included.
        let isBumped = context.version >= 5
        switch transaction.state {
        case .ongoing:
            let markerEpoch = transaction.producerEpoch + (isBumped ? 1 : 0)
            end(
                transaction, committed: request.committed, markerEpoch: markerEpoch,
                now: context.now)
            if isBumped { bumpEpoch(transaction) }
        case .ended(let committed) where committed == request.committed && !isBumped:
            // The client asks again, having missed the first answer.
            break
        case .empty, .ended:
            // An abort of nothing is good under KIP-890, and only bumps the epoch.
            guard isBumped, !request.committed else { throw .invalidTxnState }
            bumpEpoch(transaction)
        }
    }
}
