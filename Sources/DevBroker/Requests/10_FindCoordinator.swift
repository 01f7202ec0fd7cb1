import KafkaMirror
import KafkaProtocol

extension BrokerCluster {
    /// The broker that coordinates a group or a transactional id: always the same one while it is
    /// up, then the next.
    func coordinator(of key: String) -> Broker? {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let first = Int(hash % UInt64(brokers.count))
        for step in 0..<brokers.count {
            let broker = brokers[(first + step) % brokers.count]
            if broker.isUp { return broker }
        }
        return nil
    }

    func checkCoordinator(of key: String, _ context: RequestContext) throws(KafkaError) {
        guard coordinator(of: key) === context.broker else { throw .notCoordinator }
    }

    func findCoordinator(_ request: FindCoordinatorRequest, _ context: RequestContext) -> Outcome {
        var response = FindCoordinatorResponse(
            throttleTimeMilliseconds: context.throttleMilliseconds)
        if context.version >= 4 {
            response.coordinators = request.coordinatorKeys.map { find($0, request, context) }
        } else {
            let found = find(request.key, request, context)
            response.errorCode = found.errorCode
            response.errorMessage = found.errorMessage
            response.nodeID = found.nodeID
            response.host = found.host
            response.port = found.port
        }
        return context.reply(response)
    }

    /// What brokers put where an error's message would stand; it has changed over the releases.
    private func nothingToSay(_ version: Int16) -> String? {
        if settings.profile == .kafka2_1 { return nil }
        return version >= 4 ? "" : KafkaError.none.name
    }

    private func find(
        _ key: String, _ request: FindCoordinatorRequest, _ context: RequestContext
    ) -> FindCoordinatorResponse.Coordinator {
        var answer = FindCoordinatorResponse.Coordinator(key: key, nodeID: -1, port: -1)
        if let code = context.injectedError() {
            answer.errorCode = code
        } else if request.keyType < 0 || request.keyType > 1 {
            answer.errorCode = KafkaError.invalidRequest.rawValue
        } else if let broker = coordinator(of: key) {
            answer.errorMessage = nothingToSay(context.version)
            answer.nodeID = broker.id
            answer.host = broker.address.host
            answer.port = Int32(broker.address.port)
        } else {
            answer.errorCode = KafkaError.coordinatorNotAvailable.rawValue
        }
        return answer
    }
}
