import KafkaCore
import TLS

extension GatewayLoop {
    /// Contexts that are kept: routes come and go, and their settings must not pile up.
    private static let tlsContextsMax = 64

    /// The context for these settings. Reading the system's certificates takes milliseconds.
    func tlsContext(_ settings: TLSSettings) throws(TLSError) -> TLSContext {
        if let context = tlsContexts[settings] { return context }
        let context = try TLSContext(client: TLSClientOptions(settings))
        if tlsContexts.count >= Self.tlsContextsMax { tlsContexts.removeAll() }
        tlsContexts[settings] = context
        return context
    }
}

extension TLSClientOptions {
    init(_ settings: TLSSettings) {
        self.init()
        verify = settings.verify
        if let ca = settings.caPEM { trust = .pem(ca) }
        certificatePEM = settings.clientCertificatePEM
        keyPEM = settings.clientKeyPEM
        versionMin = settings.versionMin == .tls13 ? .tls13 : .tls12
        ciphers = settings.ciphers
    }
}
