/// What a login has to compute, to read or to wait for, away from the connection's thread.
public enum LoginWork: Hashable, Sendable {
    case derive(ScramDerivation)
    case read(SecretFile)
    /// The token that the host has brought under this name, or will bring.
    case token(String)
    case gssapi(GSSAPIStep)

    public enum Result: Hashable, Sendable {
        case key([UInt8])
        case secret(String)
        case token(BearerToken)
        /// The token to send, even if it is empty. `isComplete`: the library wants no other.
        case gssapi([UInt8], isComplete: Bool)
        /// It cannot be had: what, and why.
        case failed(String)
    }
}

/// One call of the Kerberos library. The steps of one login belong to one exchange.
public enum GSSAPIStep: Hashable, Sendable {
    /// With the service `service/host`.
    case begin(service: String, host: String)
    /// To the server's token.
    case answer([UInt8])
}
