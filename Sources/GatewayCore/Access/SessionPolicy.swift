/// What the host's own authentication says about one client. It can only narrow the route: a
/// topic must be allowed by both, a command named by both, and the smaller limit counts.
public struct SessionPolicy: Equatable, Sendable {
    public var commands: CommandSet?
    /// The host's commands that are named beside them; nil: there is no list.
    public var hostCommands: Set<String>?
    public var topics: TopicAccess?
    /// Topics that may be produced to.
    public var produceTopics: TopicAccess?
    /// Added to what is produced, beside the route's.
    public var headers: [AddedHeader] = []
    /// nil entries leave the route's limit.
    public var limits = LimitOverrides()
    /// Who the client is: for the log, for `headers`, and for ids of commands that are repeated.
    public var principal: String?
    /// Correlates log lines with the host's (a W3C `traceparent`, a request id).
    public var trace: String?

    public init() {}
}

/// Limits as far as they are named.
public struct LimitOverrides: Equatable, Sendable {
    public var messageBytes: Int?
    public var commandsInFlight: Int?
    public var commandsPerSecond: Int?
    public var unsentBytes: Int?
    public var subscriptions: Int?
    public var recordBytes: Int?
    public var produceBytesPerSecond: Int?
    public var produceRecordsPerSecond: Int?
    public var produceBytesInFlight: Int?
    public var messageMilliseconds: Int64?
    public var idleMilliseconds: Int64?

    public init() {}
}
