import KafkaCore

/// The brokers behind a route, as its `upstream` or an upstream object of its own says.
struct UpstreamObject: Equatable, Sendable {
    struct TLS: Equatable, Sendable {
        /// nil: the object is silent, and `kafka-proxy.ssl_verify` may speak.
        var verify: Bool?
        var caPEM: String?
        var clientCertificatePEM: String?
        var clientKeyPEM: String?
        var files = TLSFiles()
        var serverName: String?
        var versionMin = TLSSettings.Version.tls12
        var ciphers: String?

        func settings(verify: Bool) -> TLSSettings {
            var settings = TLSSettings(
                verify: verify, caPEM: caPEM, clientCertificatePEM: clientCertificatePEM,
                clientKeyPEM: clientKeyPEM, serverName: serverName, versionMin: versionMin,
                ciphers: ciphers)
            settings.files = files
            return settings
        }

        /// What can be checked before files are read: half of a pair cannot.
        var knownSettings: TLSSettings {
            var settings = settings(verify: true)
            if files.clientCertificate != nil { settings.clientKeyPEM = nil }
            if files.clientKey != nil { settings.clientCertificatePEM = nil }
            return settings
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
