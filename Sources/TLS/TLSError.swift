import COpenSSL
import CShims

/// A configuration that cannot be used: `client key: does not belong to the certificate`.
public struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    public var text: String

    public init(_ text: String) { self.text = text }

    /// What OpenSSL says, behind our word for the thing.
    init(openSSLRefuses subject: String) {
        self.text = "\(subject): \(OpenSSLQueue.takeText() ?? "refused by OpenSSL")"
    }

    public var description: String { text }
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
