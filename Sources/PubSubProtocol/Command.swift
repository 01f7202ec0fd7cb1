/// The command of a request.
public enum Command: Equatable, Sendable {
    /// The request has none.
    case none
    case empty
    /// Where the state lies; see `PubSubRequest.withBytes`.
    case ping(state: Range<Int>)
    case fetch(FetchCommand)
    case listOffset(ListOffsetCommand)
    case subscribe(SubscribeCommand)
    case unsubscribe(UnsubscribeCommand)
    case grant(GrantCommand)
    case pause(PauseCommand)
    case metadata(MetadataCommand)
    case produce(ProduceCommand)
    /// A field above 34 that is none of ours, with the place of its payload in the message: a
    /// host's own command, or one that only a newer library knows. Of JSON texts only those that
    /// `decode` was told of, with the place of the value.
    case unknown(field: Int, payload: Range<Int>)

    /// Whether a host may take the number: above 34, and not 101-199, which are the library's, nor
    /// 19000-19999, which are protobuf's.
    public static func isHost(field: Int) -> Bool {
        (35...100).contains(field) || (200..<19_000).contains(field)
            || (20_000...fieldMax).contains(field)
    }

    /// The largest number of a field.
    static let fieldMax = 1 << 29 - 1

    /// The number of the command's field, which is that of its reply; 0 for none.
    public var field: Int {
        switch self {
        case .none: 0
        case .empty: CommandField.empty
        case .ping: CommandField.ping
        case .fetch: CommandField.fetch
        case .listOffset: CommandField.listOffset
        case .subscribe: CommandField.subscribe
        case .unsubscribe: CommandField.unsubscribe
        case .grant: CommandField.grant
        case .pause: CommandField.pause
        case .metadata: CommandField.metadata
        case .produce: CommandField.produce
        case .unknown(let field, _): field
        }
    }

    /// The command of a field, with nothing in it.
    init(field: Int) {
        self =
            switch field {
            case 0: .none
            case CommandField.empty: .empty
            case CommandField.ping: .ping(state: 0..<0)
            case CommandField.fetch: .fetch(FetchCommand())
            case CommandField.listOffset: .listOffset(ListOffsetCommand())
            case CommandField.subscribe: .subscribe(SubscribeCommand())
            case CommandField.unsubscribe: .unsubscribe(UnsubscribeCommand())
            case CommandField.grant: .grant(GrantCommand())
            case CommandField.pause: .pause(PauseCommand())
            case CommandField.metadata: .metadata(MetadataCommand())
            case CommandField.produce: .produce(ProduceCommand())
            default: .unknown(field: field, payload: 0..<0)
            }
    }

    /// Whether the original protocol knows the command.
    public var isOriginal: Bool { (CommandField.empty...CommandField.listOffset).contains(field) }
}

/// Numbers of the commands in `PubSubReq` and of the replies in `PubSubResp`.
enum CommandField {
    static let empty = 31
    static let error = 31
    static let ping = 32
    static let fetch = 33
    static let listOffset = 34
    static let subscribe = 101
    static let unsubscribe = 102
    static let grant = 103
    static let pause = 104
    static let metadata = 105
    static let produce = 110
}
