/// `CmdKafkaFetch`. The proto file has the meaning of every field.
public struct FetchCommand: Equatable, Sendable, RequestMessage {
    public var topic = ""
    public var partition: Int32 = 0
    public var offset: Int64 = 0
    /// 0: the route's default. Never negative.
    public var maxBytes: Int32 = 0
    /// 0: answer at once. Never negative.
    public var maxWaitMilliseconds: Int32 = 0
    /// 0: 1. Never negative.
    public var minBytes: Int32 = 0
    public var isolation = IsolationChoice.default
    /// Whether any field beyond the original's was on the wire, even with its default.
    public var usesExtensions = false

    public init() {}

    static let fields = [
        Field(1, "topic"), Field(2, "partition"), Field(3, "offset"), Field(101, "max_bytes"),
        Field(102, "max_wait_ms"), Field(103, "min_bytes"), Field(104, "isolation"),
    ]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        switch number {
        case 1: topic = try source.string() ?? topic
        case 2: partition = try source.int32() ?? partition
        case 3: offset = try source.int64() ?? offset
        case 101: maxBytes = try extended(source.nonNegativeInt32()) ?? maxBytes
        case 102:
            maxWaitMilliseconds =
                try extended(source.nonNegativeInt32()) ?? maxWaitMilliseconds
        case 103: minBytes = try extended(source.nonNegativeInt32()) ?? minBytes
        case 104: isolation = try extended(source.enumeration(IsolationChoice.self)) ?? isolation
        default: break
        }
    }

    private mutating func extended<T>(_ value: T?) -> T? {
        if value != nil { usesExtensions = true }
        return value
    }
}

/// `IsolationLevel`.
public enum IsolationChoice: Int32, WireEnum, Sendable {
    /// The route's.
    case `default` = 0
    case readUncommitted = 1
    case readCommitted = 2

    static let names: [String: Int32] = [
        "ISOLATION_LEVEL_DEFAULT": 0, "READ_UNCOMMITTED": 1, "READ_COMMITTED": 2,
    ]
}
