import GatewayCore
import KafkaCore
import TLS

extension Gateway {
    /// What OpenSSL says of a configuration before anybody is asked.
    static let tlsCheck: TLSCheck = { settings throws(TLSFinding) in
        do throws(TLSError) {
            return try TLSContext.check(client: TLSClientOptions(settings)).map(TLSFinding.init)
        } catch {
            throw TLSFinding(error)
        }
    }
}

extension TLSFinding {
    fileprivate init(_ error: TLSError) {
        switch error.part {
        case .clientCertificate: self.init(.clientCertificate, error.reason)
        case .clientKey: self.init(.clientKey, error.reason)
        case .ciphers: self.init(.ciphers, error.reason)
        // Of a client there are no others: what is left is OpenSSL itself.
        default: self.init(.ca, error.reason)
        }
    }
}
