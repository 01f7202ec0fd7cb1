import Digests

/// Where the client's nonces of SCRAM come from (RFC 5802 section 5.1): printable ASCII without a
/// comma, none of which comes twice.
public struct NonceSource: Sendable {
    private let make: @Sendable () -> [UInt8]

    /// - Parameter bytes: so many random ones, which nobody can foresee.
    public init(bytes: @escaping @Sendable (Int) -> [UInt8]) {
        make = { Array(base64Encode(bytes(ScramLimits.nonceBytes)).utf8) }
    }

    /// Always the same: for vectors.
    public init(fixed nonce: [UInt8]) { make = { nonce } }

    /// From the system's generator.
    public static var secure: NonceSource { NonceSource { secureRandom($0) } }

    func next() -> [UInt8] { make() }
}
