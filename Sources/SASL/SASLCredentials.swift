/// Who a client says it is, by which mechanism. Printing it shows no secret.
public enum SASLCredentials: Hashable, Sendable, CustomStringConvertible,
    CustomDebugStringConvertible
{
    case password(PasswordCredentials)
    case bearer(BearerCredentials)
    /// GSSAPI (RFC 4752), as whom the Kerberos library finds a ticket for. `service`: of the
    /// broker's principal `service/host@REALM`.
    case kerberos(service: String)

    public init(mechanism: SASLMechanism, username: String, password: String) {
        self = .password(
            PasswordCredentials(
                mechanism: mechanism, username: username, password: .value(password)))
    }

    public var mechanism: SASLMechanism {
        switch self {
        case .password(let credentials): credentials.mechanism
        case .bearer: .oauthBearer
        case .kerberos: .gssapi
        }
    }

    /// The name of the token that the host has to bring; nil: it has to bring none.
    public var hostToken: String? {
        guard case .bearer(let credentials) = self, case .host(let name) = credentials.token else {
            return nil
        }
        return name
    }

    public var description: String {
        switch self {
        case .password(let credentials):
            "\(mechanism.rawValue) \(credentials.username):\(credentials.password)"
        case .bearer(let credentials): "\(mechanism.rawValue) \(credentials.token)"
        case .kerberos(let service): "\(mechanism.rawValue) \(service)"
        }
    }

    public var debugDescription: String { description }
}

/// A user and a password, for PLAIN and SCRAM.
public struct PasswordCredentials: Hashable, Sendable {
    public var mechanism: SASLMechanism
    public var username: String
    public var password: Secret
    /// KIP-48: the name is a delegation token's id, the password its HMAC. SCRAM only.
    public var isDelegationToken: Bool

    public init(
        mechanism: SASLMechanism, username: String, password: Secret,
        isDelegationToken: Bool = false
    ) {
        precondition(
            SASLMechanism.ofPasswords.contains(mechanism), "the mechanism has no passwords")
        self.mechanism = mechanism
        self.username = username
        self.password = password
        self.isDelegationToken = isDelegationToken
    }
}
