/// Who a client says it is. Printing it never shows the password.
public struct SASLCredentials: Hashable, Sendable, CustomStringConvertible,
    CustomDebugStringConvertible
{
    public var mechanism: SASLMechanism
    public var username: String
    public var password: String

    public init(mechanism: SASLMechanism, username: String, password: String) {
        self.mechanism = mechanism
        self.username = username
        self.password = password
    }

    public var description: String { "\(mechanism.rawValue) \(username):***" }
    public var debugDescription: String { description }

    /// RFC 4616 section 2: NUL separates the parts of a PLAIN message, so neither part may hold
    /// one; RFC 4422 forbids an empty identity. True for what can be sent at all.
    public var isSendable: Bool {
        !username.isEmpty && !username.utf8.contains(0) && !password.utf8.contains(0)
    }
}
