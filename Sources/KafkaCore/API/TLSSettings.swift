import SASL

/// How to speak TLS to the brokers of a cluster. Pure data: the driver builds a context from it.
public struct TLSSettings: Hashable, Sendable {
    /// Whether the chain and the host name of the broker are verified. Off only on request.
    public var verify: Bool
    /// Trusted certificates as PEM text, instead of the system's.
    public var caPEM: String?
    /// Client certificate chain and its private key (mutual TLS), both or none.
    public var clientCertificatePEM: String?
    public var clientKeyPEM: String?
    /// Files in the place of these texts, read for each connection.
    public var files = TLSFiles()
    /// The name to verify and to send as SNI instead of the endpoint's host.
    public var serverName: String?
    /// RFC 8996: older versions MUST NOT be used.
    public enum Version: String, CaseIterable, Sendable {
        case tls12 = "TLSv1.2", tls13 = "TLSv1.3"
    }
    public var versionMin: Version
    /// Of TLS 1.2, in OpenSSL's words; nil: those with forward secrecy and AEAD.
    public var ciphers: String?

    public init(
        verify: Bool = true, caPEM: String? = nil, clientCertificatePEM: String? = nil,
        clientKeyPEM: String? = nil, serverName: String? = nil, versionMin: Version = .tls12,
        ciphers: String? = nil
    ) {
        self.verify = verify
        self.caPEM = caPEM
        self.clientCertificatePEM = clientCertificatePEM
        self.clientKeyPEM = clientKeyPEM
        self.serverName = serverName
        self.versionMin = versionMin
        self.ciphers = ciphers
    }
}

/// Files of PEM text, which may be replaced while they are in use.
public struct TLSFiles: Hashable, Sendable {
    public var ca: SecretFile?
    public var clientCertificate: SecretFile?
    public var clientKey: SecretFile?

    public init() {}

    public var isEmpty: Bool { self == TLSFiles() }
}

extension TLSSettings {
    /// With the files' texts; nil: one could not be had.
    public func read(_ text: (SecretFile) -> String?) -> TLSSettings? {
        var settings = self
        settings.files = TLSFiles()
        if let file = files.ca {
            guard let text = text(file) else { return nil }
            settings.caPEM = text
        }
        if let file = files.clientCertificate {
            guard let text = text(file) else { return nil }
            settings.clientCertificatePEM = text
        }
        if let file = files.clientKey {
            guard let text = text(file) else { return nil }
            settings.clientKeyPEM = text
        }
        return settings
    }
}
