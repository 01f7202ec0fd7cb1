/// How to speak TLS as a client.
public struct TLSClientOptions: Hashable, Sendable {
    /// Which certificates end a chain.
    public enum Trust: Hashable, Sendable {
        /// Those of the system (`/etc/ssl/certs`).
        case system
        /// PEM text with one or more certificates.
        case pem(String)
        /// A file of such text.
        case file(String)
    }

    /// Whether the server's chain and name are verified. Without it, anybody can be the server.
    public var verify = true
    public var trust = Trust.system
    /// The client's certificate, with its intermediates behind it, and its key; both or none.
    public var certificatePEM: String?
    public var keyPEM: String?

    public init() {}
}

/// How to speak TLS as a server.
public struct TLSServerOptions: Hashable, Sendable {
    /// The certificate, with its intermediates behind it, and its key.
    public var certificatePEM: String
    public var keyPEM: String
    /// Demands a certificate that one of these has signed; nil asks for none.
    public var clientCAPEM: String?

    public init(certificatePEM: String, keyPEM: String, clientCAPEM: String? = nil) {
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
        self.clientCAPEM = clientCAPEM
    }
}
