/// What a producer asks of its transactions' coordinator, one after the other.
public enum TransactionRequest: Hashable, Sendable {
    /// Of any broker: who coordinates this transactional id.
    case findCoordinator(transactionalID: String)
    /// -1 and -1 the first time; else the id and epoch that there are, for the next epoch.
    case initialize(
        transactionalID: String, timeoutMilliseconds: Int32, current: ProducerIdentity)
    case addPartitions(
        transactionalID: String, ProducerIdentity, [TransactionPartition])
    case end(transactionalID: String, ProducerIdentity, commits: Bool, isV2: Bool)
}

public struct TransactionPartition: Hashable, Sendable {
    public var topic: String
    public var partition: Int32

    public init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }
}

public struct TransactionAnswer: Sendable {
    /// Of the whole; of partitions the first that is not 0, but for OPERATION_NOT_ATTEMPTED.
    public var code: Int16
    /// Which partition has it; nil: the whole.
    public var partition: TransactionPartition?
    /// Of `initialize`, and of `end` in transactions of the second kind: for the next transaction.
    /// -1: as before.
    public var identity: ProducerIdentity?

    public init(
        code: Int16, partition: TransactionPartition? = nil, identity: ProducerIdentity? = nil
    ) {
        self.code = code
        self.partition = partition
        self.identity = identity
    }
}

/// What a caller is told.
public enum TransactionOutcome: Equatable, Sendable {
    case initialized
    case committed
    case aborted
    /// It can only be aborted.
    case broken(ProduceFailure)
    /// What was asked for takes too long, and goes on: only the same can be asked for again, and is
    /// waited for as long again.
    case late(ProduceFailure)
    /// The producer can do nothing more; or, while it was being initialized, that has failed.
    case failed(ProduceFailure)
}
