import COpenSSL

/// The digests of SCRAM (RFC 5802, RFC 7677).
public enum DigestAlgorithm: Sendable {
    case sha256, sha512

    /// Bytes of one digest.
    public var length: Int {
        switch self {
        case .sha256: 32
        case .sha512: 64
        }
    }

    var implementation: OpaquePointer? {
        switch self {
        case .sha256: EVP_sha256()
        case .sha512: EVP_sha512()
        }
    }
}
