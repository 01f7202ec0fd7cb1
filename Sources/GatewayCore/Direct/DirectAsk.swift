import KafkaCore

/// What a host asks of Kafka.
public enum DirectAsk: Equatable, Sendable {
    case fetch(DirectFetch)
    case listOffset(topic: String, partition: Int32, timestamp: Int64)
    /// nil: all topics.
    case metadata(topic: String?)
    case subscribe(DirectSubscribe)
}

/// Records, once.
public struct DirectFetch: Equatable, Sendable {
    public var topic: String
    public var partition: Int32
    /// -1: the end, -2: the beginning of the log.
    public var offset: Int64
    /// 0: the settings'.
    public var maxBytes = 0
    /// 0: the settings'.
    public var minBytes = 0
    /// 0: at once.
    public var maxWaitMilliseconds: Int64 = 0
    /// nil: the settings'.
    public var isolation: Isolation?

    public init(topic: String, partition: Int32, offset: Int64) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}

/// Records of one partition, from a place on, until it is cancelled.
public struct DirectSubscribe: Equatable, Sendable {
    public enum Start: Equatable, Sendable {
        case offset(Int64)
        case earliest, latest
        /// Milliseconds since 1970. The end of the log if no record is as late.
        case timestamp(Int64)
    }

    public var topic: String
    public var partition: Int32
    public var start: Start
    /// nil: the settings'.
    public var isolation: Isolation?
    /// Bytes of records in one event, beyond the first.
    public var maxBytes = Self.maxBytesDefault
    /// Reading pauses while more bytes of its events wait in the host's queue.
    public var queueBytes = Self.queueBytesDefault

    /// Few enough that the other clients of the loop get their turns.
    public static let maxBytesDefault = 256 << 10
    public static let queueBytesDefault = 1 << 20

    public init(topic: String, partition: Int32, start: Start) {
        self.topic = topic
        self.partition = partition
        self.start = start
    }

    /// Reads `{"max_bytes", "queue_bytes"}`.
    public mutating func readOptions(
        _ json: UnsafeRawBufferPointer
    ) throws(ConfigurationError) {
        var (reader, _) = try ConfigurationReader.document(json)
        if let bytes = try reader.count("max_bytes", 1...(1 << 30)) { maxBytes = bytes }
        if let bytes = try reader.count("queue_bytes", 1...(1 << 30)) { queueBytes = bytes }
        try reader.end()
    }
}
