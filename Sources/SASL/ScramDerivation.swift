import Digests

/// The one slow step of SCRAM, `Hi(password, salt, i)` of RFC 5802 section 2.2, as a value that
/// can be handed to another thread: 4096 rounds take some milliseconds of CPU.
///
/// Equal derivations have equal results, so that the salted password of a server that sends the
/// same salt again (brokers keep it with the user) can be kept.
public struct ScramDerivation: Hashable, Sendable, CustomStringConvertible {
    public let mechanism: SASLMechanism
    public let password: [UInt8]
    public let salt: [UInt8]
    public let iterations: Int

    public init(mechanism: SASLMechanism, password: [UInt8], salt: [UInt8], iterations: Int) {
        precondition(mechanism.digest != nil, "only SCRAM derives a key")
        self.mechanism = mechanism
        self.password = password
        self.salt = salt
        self.iterations = iterations
    }

    /// Runs the derivation on the calling thread.
    public func saltedPassword() -> [UInt8] {
        pbkdf2(
            mechanism.digest.unsafelyUnwrapped, password: password, salt: salt,
            iterations: iterations)
    }

    public var description: String { "\(mechanism.rawValue), \(iterations) iterations" }
}
