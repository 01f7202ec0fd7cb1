/// Who wrote a batch, and as which of its batches (KIP-98): brokers tell repetitions and gaps by
/// it.
public struct ProducerStamp: Equatable, Sendable {
    public var producerID: Int64
    public var producerEpoch: Int16
    /// The number of the batch's first record, counted for each partition from 0 on.
    public var baseSequence: Int32
    public var isTransactional: Bool

    public init(
        producerID: Int64, producerEpoch: Int16, baseSequence: Int32, isTransactional: Bool = false
    ) {
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.baseSequence = baseSequence
        self.isTransactional = isTransactional
    }

    /// Of a producer without idempotence.
    public static let none = ProducerStamp(producerID: -1, producerEpoch: -1, baseSequence: -1)

    /// The sequence `count` records later: 0 follows `Int32.max`.
    public static func sequence(_ sequence: Int32, plus count: Int) -> Int32 {
        Int32(truncatingIfNeeded: (Int(sequence) + count) & Int(Int32.max))
    }
}
