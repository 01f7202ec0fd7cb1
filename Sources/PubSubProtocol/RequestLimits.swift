/// What one request may hold beside its bytes, which the WebSocket layer limits.
public struct RequestLimits: Equatable, Sendable {
    /// Entries of `CmdSubscribe.subscriptions` and of `CmdMetadata.topics`. A page that follows
    /// more has a reason to say it in several commands.
    public var topicsMax = 1000
    /// Entries of `Subscription.partitions`; Kafka's advice ends at 4,000 partitions a broker.
    public var partitionsMax = 10_000
    /// Partitions that one `CmdSubscribe` may follow, a whole topic counted as one.
    public var followedMax = 10_000

    /// Entries of `CmdProduce.records`: the largest message of the default size has as many of a
    /// hundred bytes.
    public var recordsMax = 10_000
    /// Entries of `ProduceRecord.headers`.
    public var headersMax = 100
    /// Length of `CmdProduce.id`: a UUID or a digest in any spelling.
    public var idBytesMax = 64

    public init() {}

    public init(followedMax: Int) { self.followedMax = followedMax }
}
