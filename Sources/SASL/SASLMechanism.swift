import Digests

/// The mechanisms of Kafka. The raw value is the name on the wire.
public enum SASLMechanism: String, Hashable, Sendable, CaseIterable {
    case plain = "PLAIN"
    case scramSHA256 = "SCRAM-SHA-256"
    case scramSHA512 = "SCRAM-SHA-512"
    case oauthBearer = "OAUTHBEARER"
    case gssapi = "GSSAPI"

    /// Those with a user name and a password.
    public static let ofPasswords: [SASLMechanism] = [.plain, .scramSHA256, .scramSHA512]

    /// The digest of a SCRAM mechanism; nil for the others.
    public var digest: DigestAlgorithm? {
        switch self {
        case .plain, .oauthBearer, .gssapi: nil
        case .scramSHA256: .sha256
        case .scramSHA512: .sha512
        }
    }
}
