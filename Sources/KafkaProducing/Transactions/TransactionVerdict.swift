import KafkaProtocol

/// What an error of the coordinator asks for, by what it was asked: Kafka's table.
enum TransactionVerdict: Equatable {
    case done
    /// The same again, after a pause.
    case retry
    /// Look the coordinator up first.
    case findCoordinator
    /// Only an abort helps. `bumps`: with another epoch behind it.
    case abortable(bumps: Bool)
    /// The broker has lost the id: no end of the transaction can be asked for, only another epoch.
    case startOver
    /// It is not known what became of the transaction.
    case unknown
    case fatal(ProduceFailure.Reason)

    enum Step { case initialize, addPartitions, end }

    init(_ error: KafkaError, _ step: Step, isV2: Bool) {
        switch error {
        case .none: self = .done
        case .coordinatorNotAvailable, .notCoordinator: self = .findCoordinator
        case .concurrentTransactions: self = .retry
        case .invalidProducerEpoch, .producerFenced: self = .fatal(.fenced)
        case .transactionAbortable: self = .abortable(bumps: false)
        case .unknownServerError where step == .end: self = .unknown
        case .transactionalIdAuthorizationFailed:
            self = step == .initialize ? .abortable(bumps: false) : .fatal(.notAuthorized)
        case .clusterAuthorizationFailed: self = .fatal(.notAuthorized)
        case .topicAuthorizationFailed where step == .addPartitions:
            self = .abortable(bumps: false)
        case .unknownProducerId, .invalidProducerIdMapping:
            self.init(lost: error, step, isV2: isV2)
        // The cluster may have gone back to the first kind meanwhile. What is open then, another
        // epoch aborts.
        case .invalidTxnState where step == .end && isV2: self = .unknown
        case .invalidTxnState: self = .fatal(.kafka)
        default: self.init(other: error, step)
        }
    }

    private init(lost error: KafkaError, _ step: Step, isV2: Bool) {
        // Only an InitProducerId with the id and epoch that there were mends it (KIP-360); in
        // transactions of the second kind a mapping that is gone cannot be had again.
        let isMended = step != .initialize && !(isV2 && error == .invalidProducerIdMapping)
        switch (isMended, error) {
        case (false, _): self = .fatal(.kafka)
        case (true, .invalidProducerIdMapping): self = .startOver
        case (true, _): self = .abortable(bumps: true)
        }
    }

    private init(other error: KafkaError, _ step: Step) {
        switch error.reaction {
        case .retry, .metadata, .session, .bootstrap: self = .retry
        case .coordinator: self = .findCoordinator
        case .denied where step == .initialize, .login where step == .initialize:
            self = .fatal(.notAuthorized)
        default: self = step == .initialize ? .fatal(.kafka) : .abortable(bumps: false)
        }
    }
}
