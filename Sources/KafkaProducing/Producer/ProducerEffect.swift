import Timing

/// What the driver of a producer has to do, in order.
public enum ProducerEffect {
    /// Find out the partitions and leaders of a topic, until they are known; `Producer.tell`, or
    /// `Producer.refuse`. Told again when what was told proved wrong.
    case metadataNeeded(topic: String)
    /// Ask any broker for a producer id (KIP-98); `Producer.identified` or `identificationFailed`.
    /// -1 and -1, or the id and epoch that there were.
    case identityNeeded(ProducerIdentity)
    case report(DeliveryReport)
    /// Ask the coordinator, or for it; `Producer.transactionAnswered`, or `transactionLost`.
    case transactionRequest(TransactionRequest)
    /// Of what the caller has asked for, or of a transaction that has broken.
    case transaction(TransactionOutcome)
    /// Everything that was accepted before the flush is reported of.
    case flushed(FlushToken)
    /// After `Acceptance.full`: there is room again.
    case roomAgain
    /// For the log: a sequence had to begin again, records may be missing.
    case gapFound(topic: String, partition: Int32, mayHaveLost: Bool)
}

public struct FlushToken: Hashable, Sendable {
    public var number: Int
}

/// What becomes of a record that is handed in.
public enum Acceptance: Equatable, Sendable {
    /// It will be reported of.
    case accepted
    /// It is not taken, and not reported of: as many bytes as are allowed wait. `roomAgain` comes.
    case full
    /// It is not taken, and not reported of.
    case refused(ProduceFailure)
}
