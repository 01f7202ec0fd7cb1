// Commands about a subscription, which is named by the sequence of its CmdSubscribe.

/// `CmdUnsubscribe`.
public struct UnsubscribeCommand: Equatable, Sendable, RequestMessage {
    public var subscription: Int64 = 0

    public init() {}

    static let fields = [Field(1, "subscription")]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        if number == 1 { subscription = try source.int64() ?? subscription }
    }
}

/// `CmdGrant`.
public struct GrantCommand: Equatable, Sendable, RequestMessage {
    public var subscription: Int64 = 0
    /// Never negative.
    public var messages: Int64 = 0
    /// Never negative.
    public var bytes: Int64 = 0

    public init() {}

    static let fields = [Field(1, "subscription"), Field(2, "messages"), Field(3, "bytes")]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        switch number {
        case 1: subscription = try source.int64() ?? subscription
        case 2: messages = try source.nonNegativeInt64() ?? messages
        case 3: bytes = try source.nonNegativeInt64() ?? bytes
        default: break
        }
    }
}

/// `CmdPause`.
public struct PauseCommand: Equatable, Sendable, RequestMessage {
    public var subscription: Int64 = 0
    /// False: pause.
    public var resume = false

    public init() {}

    static let fields = [Field(1, "subscription"), Field(2, "resume")]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        switch number {
        case 1: subscription = try source.int64() ?? subscription
        case 2: resume = try source.bool() ?? resume
        default: break
        }
    }
}
