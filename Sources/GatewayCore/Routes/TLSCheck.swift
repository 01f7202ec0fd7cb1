import KafkaCore

/// What only OpenSSL can say of TLS settings: the caller has it, configurations are read without.
/// Answers what is suspicious and may still be meant.
public typealias TLSCheck = @Sendable (TLSSettings) throws(TLSFinding) -> [TLSFinding]

public struct TLSFinding: Error, Equatable, Sendable {
    /// Keys of a `tls` object.
    public enum Key: String, Sendable {
        case ca, clientCertificate = "client_cert", clientKey = "client_key"
        case minVersion = "min_version", ciphers
    }

    public let key: Key
    public let reason: String

    public init(_ key: Key, _ reason: String) {
        self.key = key
        self.reason = reason
    }
}

extension UpstreamObject {
    /// For configurations whose certificates nobody looks into.
    static let unchecked: TLSCheck = { _ throws(TLSFinding) in [] }
}
