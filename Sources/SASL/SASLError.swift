/// Why a login cannot go on. No case holds a secret.
public enum SASLError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The user name is empty, or a NUL stands in the name or the password.
    case unsendableCredentials
    /// The token is empty, or holds what no token may (RFC 6750 section 2.1).
    case unsendableToken
    /// What the login needs cannot be had, and it was not begun: a file, the host's token, a
    /// Kerberos ticket.
    case unavailable(String)
    /// Kerberos knows servers by their names.
    case addressInsteadOfHost(String)
    /// A message came where the mechanism has none.
    case unexpectedMessage
    /// The server's message does not have the form that its mechanism prescribes.
    case malformedMessage(String)
    /// The server's message is longer than `ScramLimits.messageBytesMax`.
    case messageTooLong(Int)
    /// RFC 5802 section 5.1: a mandatory extension (`m=`) that the receiver does not know.
    case mandatoryExtension
    /// The server's nonce does not begin with ours, or adds nothing to it.
    case wrongNonce
    /// Outside of `ScramLimits.iterations`.
    case iterationsOutOfRange(Int)
    /// The server's `e=` value.
    case refused(String)
    /// The server does not know the password either.
    case wrongServerSignature
    /// Server side: the name or the proof is wrong. Which of the two is not told.
    case wrongCredentials

    public var description: String {
        switch self {
        case .unsendableCredentials:
            "the SASL user name is empty, or it or the password holds a NUL"
        case .unsendableToken:
            "the OAUTHBEARER token is empty, or holds a character that no token may"
                + " (letters, digits, -._~+/ and = at its end)"
        case .unavailable(let reason): reason
        case .addressInsteadOfHost(let host):
            "GSSAPI needs the broker's name, and \(host) is an address: advertise a name"
        case .unexpectedMessage: "unexpected SASL message"
        case .malformedMessage(let what): "malformed SASL message: \(what)"
        case .messageTooLong(let count): "SASL message of \(count) bytes is too long"
        case .mandatoryExtension: "the server requires a SCRAM extension that is not supported"
        case .wrongNonce: "the server's SCRAM nonce does not extend the client's"
        case .iterationsOutOfRange(let count):
            "SCRAM iteration count \(count) is outside of 4096...1000000"
        case .refused(let reason): "the server refused the login: \(reason)"
        case .wrongServerSignature: "the server's SCRAM signature is wrong"
        case .wrongCredentials: "invalid credentials"
        }
    }
}
