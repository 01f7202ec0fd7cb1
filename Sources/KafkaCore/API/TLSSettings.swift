/// How to speak TLS to the brokers of a cluster. Pure data: the driver builds a context from it.
public struct TLSSettings: Hashable, Sendable {
    /// Whether the chain and the host name of the broker are verified. Off only on request.
    public var verify: Bool
    /// Trusted certificates as PEM text, instead of the system's.
    public var caPEM: String?
    /// Client certificate chain and its private key (mutual TLS), both or none.
    public var clientCertificatePEM: String?
    public var clientKeyPEM: String?
    /// The name to verify and to send as SNI instead of the endpoint's host.
    public var serverName: String?

    public init(
        verify: Bool = true, caPEM: String? = nil, clientCertificatePEM: String? = nil,
        clientKeyPEM: String? = nil, serverName: String? = nil
    ) {
        self.verify = verify
        self.caPEM = caPEM
        self.clientCertificatePEM = clientCertificatePEM
        self.clientKeyPEM = clientKeyPEM
        self.serverName = serverName
    }
}
