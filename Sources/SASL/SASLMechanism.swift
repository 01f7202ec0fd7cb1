import Digests

/// The mechanisms of Kafka that need nothing but digests. The raw value is the name on the wire.
public enum SASLMechanism: String, Hashable, Sendable, CaseIterable {
    case plain = "PLAIN"
    case scramSHA256 = "SCRAM-SHA-256"
    case scramSHA512 = "SCRAM-SHA-512"

    /// The digest of a SCRAM mechanism; nil for PLAIN.
    public var digest: DigestAlgorithm? {
        switch self {
        case .plain: nil
        case .scramSHA256: .sha256
        case .scramSHA512: .sha512
        }
    }
}
