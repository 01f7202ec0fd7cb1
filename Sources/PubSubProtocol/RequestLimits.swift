/// What one request may hold beside its bytes, which the WebSocket layer limits.
public struct RequestLimits: Equatable, Sendable {
    /// Entries of `CmdSubscribe.subscriptions` and of `CmdMetadata.topics`. A page that follows
    /// more has a reason to say it in several commands.
    public var topicsMax = 1000
    /// Entries of `Subscription.partitions`; Kafka's advice ends at 4,000 partitions a broker.
    public var partitionsMax = 10_000
    /// Partitions that one `CmdSubscribe` may follow, a whole topic counted as one.
    public var followedMax = 10_000

    public init() {}

    public init(followedMax: Int) { self.followedMax = followedMax }
}
