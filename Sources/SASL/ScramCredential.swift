import Digests

/// What a server keeps of a user's password for one SCRAM mechanism.
public struct ScramCredential: Sendable {
    let salt: [UInt8]
    let iterations: Int
    let keys: ScramKeys

    /// Runs the derivation on the calling thread.
    public init(
        mechanism: SASLMechanism, password: String, salt: [UInt8] = secureRandom(16),
        iterations: Int = ScramLimits.iterations.lowerBound
    ) {
        let derivation = ScramDerivation(
            mechanism: mechanism, password: Array(password.utf8), salt: salt,
            iterations: iterations)
        self.salt = salt
        self.iterations = iterations
        keys = ScramKeys(
            mechanism.digest.unsafelyUnwrapped, saltedPassword: derivation.saltedPassword())
    }
}
