import PubSubProtocol

/// Which topics may be named. Deny wins over allow. Kafka's internal topics, which hold the offsets
/// and transactions of everybody, are refused besides, unless an entry of `allow` begins as their
/// names do: "*" means the topics of applications.
public struct TopicAccess: Hashable, Sendable {
    public var allow: [Glob]
    public var deny: [Glob]

    private static let internalPrefix = "__"

    public init(allow: [Glob], deny: [Glob]) {
        self.allow = allow
        self.deny = deny
    }

    /// All but Kafka's internal topics.
    public static let standard = TopicAccess(allow: [Glob("*")], deny: [])

    /// Internal topics too: what a session has whose policy says nothing narrows nothing.
    public static let everything = TopicAccess(
        allow: [Glob("*"), Glob(internalPrefix + "*")], deny: [])

    /// What may be produced to where nothing is said.
    public static let nothing = TopicAccess(allow: [], deny: [])

    /// Names that no broker has are refused first: two of them may be equal to Swift and differ in
    /// the bytes that patterns see, which would be a way around `deny`.
    public func allows(_ topic: String) -> Bool {
        guard TopicName.isLegal(topic), !deny.contains(where: { $0.matches(topic) }) else {
            return false
        }
        let isInternal = Self.isInternal(topic)
        return allow.contains { $0.matches(topic) && (!isInternal || Self.namesInternal($0)) }
    }

    /// The entries of `allow` that open internal topics.
    var opensInternal: [Glob] { allow.filter(Self.namesInternal) }

    private static func namesInternal(_ glob: Glob) -> Bool { isInternal(glob.text) }

    private static func isInternal(_ name: String) -> Bool {
        name.utf8.first == UInt8(ascii: "_") && name.hasPrefix(internalPrefix)
    }
}
