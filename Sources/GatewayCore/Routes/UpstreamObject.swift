import KafkaCore

/// The brokers behind a route, as its `upstream` or an upstream object of its own says.
struct UpstreamObject: Equatable, Sendable {
    struct TLS: Equatable, Sendable {
        /// nil: the object is silent, and `kafka-proxy.ssl_verify` may speak.
        var verify: Bool?
        var caPEM: String?
        var clientCertificatePEM: String?
        var clientKeyPEM: String?
        var serverName: String?
        var versionMin = TLSSettings.Version.tls12
        var ciphers: String?

        func settings(verify: Bool) -> TLSSettings {
            TLSSettings(
                verify: verify, caPEM: caPEM, clientCertificatePEM: clientCertificatePEM,
                clientKeyPEM: clientKeyPEM, serverName: serverName, versionMin: versionMin,
                ciphers: ciphers)
        }
    }

    /// nil: the host serves the route, by commands of its own under this scheme.
    var hostScheme: String?
    var nodes: [Endpoint] = []
    var tls: TLS?
    var timeout = TimeoutObject()
}

/// `timeout{connect, send, read}` of a route or an upstream, in seconds there.
struct TimeoutObject: Equatable, Sendable {
    var connectMilliseconds: Int64?
    var readMilliseconds: Int64?
}
