/// `CmdSubscribe`. The proto file has the meaning of every field.
public struct SubscribeCommand: Equatable, Sendable, RequestMessage {
    public var subscriptions: [Subscription] = []
    /// Nil: no limit of that kind. Never negative.
    public var creditMessages: Int64?
    /// Nil: no limit of that kind. Never negative.
    public var creditBytes: Int64?
    public var isolation = IsolationChoice.default
    /// 0: 64 KiB. Never negative.
    public var maxBytes: Int32 = 0
    public var skipUnreadable = false

    public init() {}

    static let fields = [
        Field(1, "subscriptions"), Field(2, "credit_messages"), Field(3, "credit_bytes"),
        Field(4, "isolation"), Field(5, "max_bytes"), Field(6, "skip_unreadable"),
    ]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        switch number {
        case 1: try readSubscriptions(&source)
        case 2: creditMessages = try source.nonNegativeInt64() ?? creditMessages
        case 3: creditBytes = try source.nonNegativeInt64() ?? creditBytes
        case 4: isolation = try source.enumeration(IsolationChoice.self) ?? isolation
        case 5: maxBytes = try source.nonNegativeInt32() ?? maxBytes
        case 6: skipUnreadable = try source.bool() ?? skipUnreadable
        default: break
        }
    }

    /// The list is refused as soon as it is too long, not when all of it was built.
    private mutating func readSubscriptions<S: FieldSource>(
        _ source: inout S
    ) throws(MalformedMessage) {
        let most = min(source.limits.topicsMax, source.limits.followedMax)
        try source.append(to: &subscriptions, max: most)
        let followed = subscriptions.reduce(0) { $0 + max(1, $1.partitions.count) }
        guard followed <= source.limits.followedMax else {
            throw source.fault(.tooMany(max: source.limits.followedMax))
        }
    }
}

/// `Subscription`: partitions of one topic, and where to begin in each of them.
public struct Subscription: Equatable, Sendable, RequestMessage {
    public enum Start: Equatable, Sendable {
        /// Behind the last record.
        case latest
        case earliest
        case offset(Int64)
        /// Milliseconds; never negative.
        case timestamp(Int64)
    }

    public var topic = ""
    /// Empty: all, and those added later.
    public var partitions: [Int32] = []
    public var start = Start.latest

    public init() {}

    static let fields = [
        Field(1, "topic"), Field(2, "partitions"), Field(3, "end", oneof: 1),
        Field(4, "offset", oneof: 1), Field(5, "timestamp", oneof: 1),
    ]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        switch number {
        case 1: topic = try source.string() ?? topic
        case 2:
            let limits = source.limits
            try source.append(to: &partitions, max: min(limits.partitionsMax, limits.followedMax))
        case 3: start = try source.enumeration(LogEnd.self)?.start ?? start
        case 4: start = try source.int64().map { .offset($0) } ?? start
        case 5: start = try source.nonNegativeInt64().map { .timestamp($0) } ?? start
        default: break
        }
    }
}

/// `LogEnd`.
enum LogEnd: Int32, WireEnum {
    case latest = 0
    case earliest = 1

    static let names: [String: Int32] = ["LATEST": 0, "EARLIEST": 1]

    var start: Subscription.Start { self == .latest ? .latest : .earliest }
}
