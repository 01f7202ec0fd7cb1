import COpenSSL

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
    public var versionMin = TLSVersion.tls12
    /// For TLS 1.2, as `CipherList` reads it; nil: those with forward secrecy and AEAD.
    public var ciphers: String?

    public init() {}
}

/// RFC 8996: older versions MUST NOT be used.
public enum TLSVersion: Hashable, Sendable {
    case tls12, tls13

    var number: Int32 {
        switch self {
        case .tls12: Int32(TLS1_2_VERSION)
        case .tls13: Int32(TLS1_3_VERSION)
        }
    }
}

/// How to speak TLS as a server.
public struct TLSServerOptions: Hashable, Sendable {
    /// The certificate, with its intermediates behind it, and its key.
    public var certificatePEM: String
    public var keyPEM: String
    /// Demands a certificate that one of these has signed; nil asks for none.
    public var clientCAPEM: String?
    /// For TLS 1.2, as the client's.
    public var ciphers: String?
    /// nil: the newest.
    public var versionMax: TLSVersion?

    public init(certificatePEM: String, keyPEM: String, clientCAPEM: String? = nil) {
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
        self.clientCAPEM = clientCAPEM
    }
}
