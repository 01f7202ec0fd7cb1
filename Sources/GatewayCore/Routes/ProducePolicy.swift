import KafkaProducing

/// What a route says of producing. Only routes whose `commands` name `produce` allow it.
public struct ProducePolicy: Equatable, Sendable {
    /// Of the producer that sessions of a loop share where they are equal.
    public var settings = ProducePolicy.standardSettings
    /// Which topics; none by default.
    public var topics = TopicAccess.nothing
    /// A command may ask for other `acks` than the route's.
    public var clientAcks = false
    /// A record may name its partition.
    public var clientPartition = false
    /// A record may bring its timestamp.
    public var clientTimestamp = false
    /// Added to every record.
    public var headers: [AddedHeader] = []
    /// `methods` of the route let a `POST` in.
    public var takesPosts = true
    /// How long the id of a command is remembered, for each principal; 0: not at all.
    public var idWindowMilliseconds: Int64 = 60_000
    /// How many ids of one principal.
    public var idWindowCount = 1_000

    public init() {}

    /// The connector document's defaults where it has one, else Kafka's.
    static let standardSettings: ProducerSettings = {
        var settings = ProducerSettings()
        settings.acks = .leader
        settings.isIdempotent = false
        settings.recordBytesMax = 1_000_000
        settings.requestTimeoutMilliseconds = 10_000
        // A client waits for the answer: a topic that nobody knows by then is not there.
        settings.propagationMilliseconds = 3_000
        return settings
    }()
}
