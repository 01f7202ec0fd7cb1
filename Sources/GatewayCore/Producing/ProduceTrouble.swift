import KafkaProducing

/// Why a record was not sent.
enum ProduceTrouble: Hashable {
    /// The route or the session does not allow the topic; to the client it is missing.
    case hidden
    case partitionChosen
    case timestampBrought
    case headerForged
    case tooLarge(max: Int)
    case tooManyTopics(max: Int)
    case failed(ProduceFailure)

    var isRetriable: Bool {
        if case .failed(let failure) = self { failure.isRetriable } else { false }
    }

    /// It may be in the log all the same.
    var mayBeStored: Bool {
        if case .failed(let failure) = self { failure.mayBeStored } else { false }
    }
}
