import PubSubProtocol

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

    /// Names that no broker has are refused first: two of them may be equal to Swift and differ in
    /// the bytes that patterns see, which would be a way around `deny`.
    public func allows(_ topic: String) -> Bool {
        TopicName.isLegal(topic) && !deny.contains { $0.matches(topic) }
            && allow.contains { $0.matches(topic) }
    }
}
