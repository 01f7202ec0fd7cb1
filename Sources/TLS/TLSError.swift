import COpenSSL
import CShims

/// A configuration that cannot be used: `client key: does not belong to the certificate`.
public struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What it speaks of; nil: of OpenSSL or the system.
    public var part: TLSPart?
    /// Without the name of the part.
    public var reason: String

    public init(_ reason: String) { self.reason = reason }

    public init(_ part: TLSPart, _ reason: String) {
        self.part = part
        self.reason = reason
    }

    /// What OpenSSL says, behind our word for the thing.
    init(openSSLRefuses subject: String) {
        reason = "\(subject): \(OpenSSLQueue.takeText() ?? "refused by OpenSSL")"
    }

    init(openSSLRefuses part: TLSPart) {
        self.init(part, OpenSSLQueue.takeText() ?? "refused by OpenSSL")
    }

    public var text: String { part.map { "\($0.rawValue): \(reason)" } ?? reason }
    public var description: String { text }
}

/// A part of a configuration, and our word for it.
public enum TLSPart: String, Hashable, Sendable {
    case authorities = "CA"
    case clientAuthorities = "client CA"
    case clientCertificate = "client certificate"
    case clientKey = "client key"
    case serverCertificate = "server certificate"
    case serverKey = "server key"
    case ciphers
}

/// OpenSSL's errors wait in a queue of the thread, which the host's own use of OpenSSL shares:
/// clear it before a call whose errors matter.
enum OpenSSLQueue {
    static func clear() { ERR_clear_error() }

    /// The last error, which is the closest to the call that failed. Empties the queue.
    static func take() -> UInt {
        let error = ERR_peek_last_error()
        ERR_clear_error()
        return error
    }

    static func takeText() -> String? { text(of: take()) }

    static func text(of error: UInt) -> String? {
        ERR_reason_error_string(error).map { String(cString: $0) }
    }
}
