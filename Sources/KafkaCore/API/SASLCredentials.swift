/// Who this client is to the brokers. The description never shows the password.
public struct SASLCredentials: Hashable, Sendable, CustomStringConvertible {
    public enum Mechanism: String, Hashable, Sendable, CaseIterable {
        case plain = "PLAIN"
        case scramSHA256 = "SCRAM-SHA-256"
        case scramSHA512 = "SCRAM-SHA-512"
    }

    public var mechanism: Mechanism
    public var username: String
    public var password: String

    public init(mechanism: Mechanism, username: String, password: String) {
        self.mechanism = mechanism
        self.username = username
        self.password = password
    }

    public var description: String { "\(mechanism.rawValue) as \(username)" }
}
