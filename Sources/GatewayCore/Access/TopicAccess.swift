/// Which topics may be named. Deny wins over allow.
public struct TopicAccess: Hashable, Sendable {
    public var allow: [Glob]
    public var deny: [Glob]

    public init(allow: [Glob], deny: [Glob]) {
        self.allow = allow
        self.deny = deny
    }

    /// All but Kafka's internal topics, which hold the offsets and transactions of everybody.
    public static let standard = TopicAccess(allow: [Glob("*")], deny: [Glob("__*")])

    public func allows(_ topic: String) -> Bool {
        !deny.contains { $0.matches(topic) } && allow.contains { $0.matches(topic) }
    }
}
