/// The commands that a route or a session allows.
public struct CommandSet: OptionSet, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let ping = CommandSet(rawValue: 1 << 0)
    public static let empty = CommandSet(rawValue: 1 << 1)
    public static let fetch = CommandSet(rawValue: 1 << 2)
    public static let listOffset = CommandSet(rawValue: 1 << 3)
    /// Subscribe with unsubscribe, grant and pause.
    public static let subscribe = CommandSet(rawValue: 1 << 4)
    public static let metadata = CommandSet(rawValue: 1 << 5)
    public static let produce = CommandSet(rawValue: 1 << 6)
    public static let group = CommandSet(rawValue: 1 << 7)
    /// Subscriptions by topic pattern.
    public static let pattern = CommandSet(rawValue: 1 << 8)

    /// What a route allows that does not say: reading.
    public static let standard: CommandSet = [
        .ping, .empty, .fetch, .listOffset, .subscribe, .metadata,
    ]

    /// The names in route objects.
    static let names: [(name: String, command: CommandSet)] = [
        ("ping", .ping), ("empty", .empty), ("fetch", .fetch), ("list_offset", .listOffset),
        ("subscribe", .subscribe), ("metadata", .metadata), ("produce", .produce),
        ("group", .group), ("pattern", .pattern),
    ]

    init?(name: String) {
        guard let found = Self.names.first(where: { $0.name == name }) else { return nil }
        self = found.command
    }
}
