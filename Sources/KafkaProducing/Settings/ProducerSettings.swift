import Compression

/// What makes two senders share a producer: they agree in every field. The defaults are those of
/// Kafka's own client (4.0), but where a comment says otherwise.
public struct ProducerSettings: Hashable, Sendable {
    public var acks = Acknowledgement.all
    /// Each record once and in order, though requests are repeated (KIP-98). Needs `acks` of all.
    public var isIdempotent = true
    public var compression = Codec.none
    /// The codec's own scale; nil: its default.
    public var compressionLevel: Int32?

    /// How long a batch waits for more records once it has its first.
    public var lingerMilliseconds: Int64 = 5
    /// A batch that has so many bytes of records is full; a larger record has a batch to itself.
    public var batchBytes = 16 << 10
    /// As much as one request may carry, `max.request.size`.
    public var requestBytesMax = 1 << 20
    /// A larger record is refused before it is sent. Kafka's client has one bound for both.
    public var recordBytesMax = 1 << 20
    public var triggers = FlushTriggers()

    public var requestTimeoutMilliseconds: Int32 = 30_000
    /// From the call to the report, whatever happens in between.
    public var deliveryTimeoutMilliseconds: Int64 = 120_000
    /// Attempts after the first that did not help; the delivery time bounds them anyway.
    public var retriesMax = Int.max
    public var retryBackoffMilliseconds: Int64 = 100
    public var retryBackoffMaxMilliseconds: Int64 = 1_000
    /// Requests on one connection that are not answered.
    public var requestsInFlightMax = 5
    /// Records of a partition keep their order though a batch is sent again: without idempotence
    /// only one is on its way. Kafka's client gives the order up instead, unless it is told to
    /// have one request in flight.
    public var keepsOrder = true
    /// Bytes of records whose reports nobody has taken. Beyond it nothing is accepted.
    public var bufferBytes = 32 << 20

    public var partitioner = Partitioner.sticky
    /// Records without a key go less often where batches wait (KIP-794).
    public var isAdaptive = true
    /// A partition whose broker has not taken a batch for so long gets no record without a key;
    /// 0: never left out.
    public var availabilityTimeoutMilliseconds: Int64 = 0

    /// How long a topic or partition may be unknown to the brokers before its records fail:
    /// librdkafka's `topic.metadata.propagation.max.ms`.
    public var propagationMilliseconds: Int64 = 30_000

    /// Records are sent in transactions of this id (KIP-98); nil: without. Needs idempotence.
    public var transactionalID: String?
    /// After so long a coordinator aborts by itself.
    public var transactionTimeoutMilliseconds: Int32 = 60_000
    /// How long a caller waits for the beginning or an end of a transaction (`max.block.ms`).
    public var blockMillisecondsMax: Int64 = 60_000

    public init() {}
}

/// When what waits for one broker is sent, counted over all of its partitions: the four settings
/// of Sarama's `Producer.Flush`. With all at 0 `ProducerSettings.lingerMilliseconds` alone counts.
public struct FlushTriggers: Hashable, Sendable {
    /// At least so many bytes of records; 0: not looked at.
    public var bytes = 0
    /// At least so many records; 0: not looked at.
    public var records = 0
    /// The longest wait; 0: none is set.
    public var milliseconds: Int64 = 0
    /// No request has more records; 0: as many as there are.
    public var recordsMax = 0

    /// The longest wait where only a size or a count is asked for: Sarama would wait for ever.
    public static let millisecondsMax: Int64 = 1_000

    public init() {}

    public var counts: Bool { bytes > 0 || records > 0 }
}

extension ProducerSettings {
    /// How long a batch waits for more.
    public var wait: Int64 {
        if triggers.milliseconds > 0 { return triggers.milliseconds }
        return triggers.counts ? FlushTriggers.millisecondsMax : lingerMilliseconds
    }

    /// Batches of one partition that may be on their way, once one has arrived.
    var batchesInFlightMax: Int {
        isIdempotent || !keepsOrder ? min(requestsInFlightMax, Self.idempotentInFlightMax) : 1
    }

    /// A broker knows the last five batches of a producer in each partition, and could not tell a
    /// repeated one beyond them.
    static let idempotentInFlightMax = 5
}
