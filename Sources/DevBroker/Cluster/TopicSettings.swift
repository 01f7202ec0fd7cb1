/// What a topic can have of its own.
public struct TopicSettings: Sendable {
    public enum TimestampType: String, Sendable {
        case createTime = "CreateTime"
        case logAppendTime = "LogAppendTime"
    }

    public var timestampType = TimestampType.createTime
    /// `cleanup.policy`: with "compact" every record needs a key; compaction itself happens on
    /// command.
    public var cleanupPolicy = "delete"
    /// Bytes of a batch; nil: as the broker.
    public var messageBytesMax: Int?
    /// Replicas that must be in sync for acks -1 (`min.insync.replicas`).
    public var inSyncReplicasMin = 1
    /// Stored bytes of a partition; nil: as the broker.
    public var retentionBytes: Int?
    /// Copies of each partition; nil: 3, or as many as there are brokers.
    public var replicationFactor: Int?

    public init() {}

    var isCompacted: Bool { cleanupPolicy.split(separator: ",").contains("compact") }

    public static func logAppendTime() -> TopicSettings {
        var settings = TopicSettings()
        settings.timestampType = .logAppendTime
        return settings
    }
}
