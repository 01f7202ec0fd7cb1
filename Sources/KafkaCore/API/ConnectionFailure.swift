/// Why a connection to a broker is gone, as the driver saw it.
public struct ConnectionFailure: Error, Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// The name cannot be resolved.
        case resolve
        /// Connection refused.
        case refused
        /// No route, network down, and other errors of the system.
        case unreachable
        case timedOut
        /// The TLS handshake failed; the text says why.
        case tls
        /// There is nothing to log in with, or to show in the TLS handshake; the text says why.
        case credentials
        /// Connection reset by the peer.
        case reset
        /// End of stream.
        case closed
    }

    public var kind: Kind
    /// What the system or the TLS library says, for the log: `self-signed certificate`.
    public var text: String

    public init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }
}
