import KafkaProtocol

/// What the answer about a batch asks for: Kafka's table, one row a case.
enum ProduceVerdict: Equatable {
    /// `offsetKnown`: the answer tells where the records are.
    case delivered(offsetKnown: Bool)
    /// The same bytes again.
    case resend(Resending)
    /// The checksum is computed anew, then the same again, once.
    case signAgain
    /// The batch is too large for the broker.
    case split
    /// Some records are at fault, or all.
    case failRecords
    /// An earlier batch is missing: this one begins again at sequence 0 of another epoch.
    case bump(mayHaveLost: Bool)
    /// The same at sequence 0 of the same epoch: the transaction goes on.
    case restart
    case fail(ProduceFailure.Reason)
    /// The batch fails, and the next one has another epoch.
    case failAndBump
    /// The transaction can only be aborted.
    case abort
    /// Nothing more can be sent by this producer.
    case fatal(ProduceFailure.Reason)

    struct Resending: Equatable {
        /// Look the leader up.
        var asksLeader = false
        /// It may be stored: from now on only its answer, or its deadline, ends it.
        var mayBeStored = false
    }

    /// What is known beside the code.
    struct Context {
        var isIdempotent = false
        var isTransactional = false
        var recordCount = 1
        var wasSignedAgain = false
        /// A request with it was lost, and so was one with the batch in front of it: both may still
        /// reach the broker, one behind the other.
        var mayStillArrive = false
        /// Of the answer.
        var logStartOffset: Int64 = -1
        /// Of the partition: of the last record known to be stored.
        var lastOffset: Int64 = -1
    }
}

extension ProduceVerdict {
    /// For a batch that is the first unfinished one of its partition, and stands where it stood
    /// when it was sent: what others are answered says nothing.
    init(_ error: KafkaError, _ context: Context) {
        switch error {
        case .none: self = .delivered(offsetKnown: true)
        case .duplicateSequenceNumber: self = .delivered(offsetKnown: false)
        case .messageTooLarge, .recordListTooLarge:
            self = context.recordCount > 1 ? .split : .fail(.tooLarge)
        case .invalidRecord: self = .failRecords
        case .invalidTimestamp: self = .failRecords
        case .corruptMessage: self = context.wasSignedAgain ? .fail(.kafka) : .signAgain
        case .requestTimedOut, .notEnoughReplicasAfterAppend:
            self = .resend(Resending(mayBeStored: true))
        case .topicAuthorizationFailed: self = .fail(.notAuthorized)
        case .clusterAuthorizationFailed, .transactionalIdAuthorizationFailed:
            self = .fatal(.notAuthorized)
        case .producerFenced: self = .fatal(.fenced)
        case .unsupportedVersion, .unsupportedForMessageFormat: self = .fatal(.kafka)
        case .transactionAbortable: self = .abort
        case .unknownServerError:
            // The broker itself does not know. Only sequences make it safe to ask again.
            self =
                context.isIdempotent
                ? .resend(Resending(mayBeStored: true)) : .fail(.kafka)
        case .outOfOrderSequenceNumber, .unknownProducerId, .invalidProducerEpoch:
            self.init(sequence: error, context)
        default: self.init(other: error)
        }
    }

    /// The broker's memory of this producer is not ours.
    private init(sequence error: KafkaError, _ context: Context) {
        guard context.isIdempotent else {
            self = .fail(.kafka)
            return
        }
        switch error {
        case .unknownProducerId where context.logStartOffset < 0:
            // Retention may have taken what the broker knew of us, or not: it has not said.
            self = .resend(Resending())
        case .unknownProducerId where context.logStartOffset > context.lastOffset:
            // It has: everything before was stored.
            self = context.isTransactional ? .restart : .bump(mayHaveLost: false)
        case .invalidProducerEpoch: self = context.isTransactional ? .abort : .failAndBump
        case .outOfOrderSequenceNumber where context.mayStillArrive:
            // Under another epoch it would be stored twice. The deadline ends this.
            self = .resend(Resending(mayBeStored: true))
        default: self = context.isTransactional ? .abort : .bump(mayHaveLost: true)
        }
    }

    private init(other error: KafkaError) {
        switch error.reaction {
        case .metadata, .bootstrap: self = .resend(Resending(asksLeader: true))
        case .retry, .coordinator, .session: self = .resend(Resending())
        case .denied, .login: self = .fail(.notAuthorized)
        default: self = .fail(.kafka)
        }
    }
}
