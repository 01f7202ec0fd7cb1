import KafkaProtocol

/// Why records were not delivered.
public struct ProduceFailure: Error, Hashable, Sendable {
    public enum Reason: Hashable, Sendable {
        /// Larger than this producer or the broker takes.
        case tooLarge
        /// The broker takes the record for invalid.
        case invalid
        /// The topic or the partition does not exist.
        case notFound
        case notAuthorized
        case timedOut
        /// No broker could be asked.
        case unavailable
        /// Another producer has taken this one's place.
        case fenced
        /// The transaction that they belonged to was aborted.
        case aborted
        /// The records cannot be compressed here.
        case codecMissing
        case closed
        /// Any other error of a broker.
        case kafka
    }

    public var reason: Reason
    /// Kafka's error code, where one caused this.
    public var code: Int16?
    /// For whoever has sent the records.
    public var text: String
    /// It is not known whether the records are stored: a request was sent, and nobody has told.
    public var mayBeStored: Bool

    /// The same records may be taken later; they are not stored.
    public var isRetriable: Bool {
        guard !mayBeStored else { return false }
        switch reason {
        case .timedOut, .unavailable, .closed: return true
        case .kafka: return code.map { KafkaError($0).isRetriable } ?? false
        case .tooLarge, .invalid, .notFound, .notAuthorized, .fenced, .aborted, .codecMissing:
            return false
        }
    }

    public init(
        _ reason: Reason, code: KafkaError? = nil, _ text: String, mayBeStored: Bool = false
    ) {
        self.reason = reason
        self.code = code?.rawValue
        self.text = text
        self.mayBeStored = mayBeStored
    }

    /// Kafka's code, or the one that says the same; nil: Kafka has none for it.
    public var meaning: Int16? {
        if let code { return code }
        let error: KafkaError? =
            switch reason {
            case .tooLarge: .messageTooLarge
            case .notFound: .unknownTopicOrPartition
            case .fenced: .producerFenced
            default: nil
            }
        return error?.rawValue
    }
}
