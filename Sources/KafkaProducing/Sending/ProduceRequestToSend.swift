import Bytes

public struct ProduceRequestID: Hashable, Sendable {
    var number: UInt64
}

/// One request to a broker, with one batch of each of its partitions.
public struct ProduceRequestToSend {
    public struct Batch {
        public var topic: ProducerTopic
        public var partition: Int32
        /// A whole record batch. Its bytes stay as they are until the request is answered or lost.
        public var bytes: ByteBlock
    }

    public var id: ProduceRequestID
    public var node: Int32
    public var acks: Acknowledgement
    /// How long the broker may wait for the other replicas.
    public var timeoutMilliseconds: Int32
    public var transactionalID: String?
    /// Brokers enrol the partitions themselves (KIP-890).
    public var isTransactionV2 = false
    /// Batches of one topic stand together.
    public var batches: [Batch]
}

/// A request that is not answered.
struct SentRequest {
    var node: Int32
    var batches: [ProducerBatch]
}
