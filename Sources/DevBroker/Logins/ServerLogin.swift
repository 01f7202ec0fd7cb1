import SASL
import Timing

/// The server side of one login, by whichever mechanism.
enum ServerLogin {
    case password(SASLServer)
    case bearer(BearerServer)
    case kerberos(KerberosServer)

    mutating func receive(
        _ message: [UInt8], now: Instant, epochMilliseconds: Int64
    ) throws(SASLError) -> SASLServer.Step {
        switch self {
        case .password(var server):
            defer { self = .password(server) }
            return try server.receive(message)
        case .bearer(var server):
            defer { self = .bearer(server) }
            return try server.receive(message, now: now, epochMilliseconds: epochMilliseconds)
        case .kerberos(let server): return try server.receive(message)
        }
    }

    /// When what was shown ends; nil: never.
    var expires: Instant? {
        guard case .bearer(let server) = self else { return nil }
        return server.expires
    }

    var extensions: [String: String] {
        guard case .bearer(let server) = self else { return [:] }
        return server.extensions
    }

    /// What a refusal is told with; nil: the mechanism's usual words.
    var words: String? {
        guard case .bearer(let server) = self else { return nil }
        return server.words
    }
}
