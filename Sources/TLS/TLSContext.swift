import COpenSSL
import CShims
import Glibc

/// What the connections of one configuration share: certificates, trust, protocol versions. TLS
/// 1.2 at least, and there only with forward secrecy and AEAD, unless ciphers are named. Sendable:
/// its fields are set once, and OpenSSL locks what the connections of a context share, their
/// resumable sessions and its count of references.
public final class TLSContext: @unchecked Sendable {
    let context: OpaquePointer
    let isClient: Bool
    let verifies: Bool

    public init(client options: TLSClientOptions) throws(TLSError) {
        context = try Self.make(TLS_client_method(), options.versionMin, options.ciphers)
        isClient = true
        verifies = options.verify
        if options.verify {
            try trust(options.trust)
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        }
        switch (options.certificatePEM, options.keyPEM) {
        case (let certificate?, let key?):
            try identify(certificate, key, .clientCertificate, .clientKey)
        case (nil, nil): break
        case (_, nil): throw TLSError(.clientCertificate, "given without its key")
        case (nil, _): throw TLSError(.clientKey, "given without its certificate")
        }
    }

    public init(server options: TLSServerOptions) throws(TLSError) {
        context = try Self.make(TLS_server_method(), .tls12, options.ciphers)
        isClient = false
        verifies = options.clientCAPEM != nil
        cshims_ssl_context_set_versions(
            context, TLSVersion.tls12.number, options.versionMax?.number ?? 0)
        try identify(options.certificatePEM, options.keyPEM, .serverCertificate, .serverKey)
        // OpenSSL resumes no session of a server that verifies without a name for its sessions.
        SSL_CTX_set_session_id_context(context, "pubsubgw", 8)
        guard let authorities = options.clientCAPEM else { return }
        try PEM.withCertificates(authorities, .clientAuthorities) { certificates in
            for certificate in certificates {
                X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate)
                SSL_CTX_add_client_CA(context, certificate)
            }
        }
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }

    deinit { SSL_CTX_free(context) }

    private static func make(
        _ method: OpaquePointer?, _ versionMin: TLSVersion, _ ciphers: String?
    ) throws(TLSError) -> OpaquePointer {
        cshims_openssl_start()
        OpenSSLQueue.clear()
        guard let context = SSL_CTX_new(method) else { throw TLSError(openSSLRefuses: "OpenSSL") }
        cshims_ssl_context_set_versions(context, versionMin.number, 0)
        cshims_ssl_context_set_modes(context)
        do throws(TLSError) {
            try CipherList.set(ciphers, of: context)
        } catch {
            SSL_CTX_free(context)
            throw error
        }
        return context
    }

    private func identify(
        _ certificate: String, _ key: String, _ certificatePart: TLSPart, _ keyPart: TLSPart
    ) throws(TLSError) {
        try PEM.withCertificates(certificate, certificatePart) { chain throws(TLSError) in
            try PEM.withPrivateKey(key, keyPart) { key throws(TLSError) in
                try Self.checkPair(chain, key, certificatePart, keyPart)
                guard SSL_CTX_use_certificate(context, chain[0]) == 1 else {
                    throw TLSError(openSSLRefuses: certificatePart)
                }
                guard SSL_CTX_use_PrivateKey(context, key) == 1 else {
                    throw TLSError(openSSLRefuses: keyPart)
                }
            }
            for intermediate in chain.dropFirst() {
                _ = cshims_ssl_context_add_chain(context, intermediate)
            }
        }
    }

    private static func checkPair(
        _ chain: [OpaquePointer], _ key: OpaquePointer, _ certificatePart: TLSPart,
        _ keyPart: TLSPart
    ) throws(TLSError) {
        let place = chain.firstIndex { X509_check_private_key($0, key) == 1 }
        OpenSSLQueue.clear()
        guard let place else { throw TLSError(keyPart, "does not belong to the certificate") }
        guard place == 0 else {
            throw TLSError(
                certificatePart,
                "that of the key is number \(place + 1): it has to be the first, then its issuers")
        }
    }

    private func trust(_ trust: TLSClientOptions.Trust) throws(TLSError) {
        // Who names an intermediate alone trusts it: a chain need not go up to a root.
        if trust != .system { cshims_ssl_context_trust_partial_chains(context) }
        switch trust {
        case .system: try trustTheSystem()
        case .pem(let text):
            try PEM.withCertificates(text, .authorities) { certificates in
                for certificate in certificates {
                    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate)
                }
            }
        case .file(let path):
            OpenSSLQueue.clear()
            guard access(path, R_OK) == 0 else {
                throw TLSError("CA file: cannot be read: " + path)
            }
            guard SSL_CTX_load_verify_file(context, path) == 1 else {
                throw TLSError(openSSLRefuses: "CA file \(path)")
            }
        }
    }

    /// Where distributions keep them, after what OpenSSL was built with. OpenSSL's own function
    /// for this would look into the environment, which is the host's.
    private func trustTheSystem() throws(TLSError) {
        let directories = [
            X509_get_default_cert_dir().map { String(cString: $0) }, "/etc/ssl/certs",
        ]
        let files = [
            X509_get_default_cert_file().map { String(cString: $0) },
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        ]
        OpenSSLQueue.clear()
        // Certificates of a directory are read when they are needed.
        let directory = directories.compactMap { $0 }.first { access($0, R_OK | X_OK) == 0 }
        if let directory, SSL_CTX_load_verify_dir(context, directory) == 1 { return }
        for file in files.compactMap({ $0 }) where access(file, R_OK) == 0 {
            if SSL_CTX_load_verify_file(context, file) == 1 { return }
        }
        throw TLSError("no certificates of the system: install the package ca-certificates")
    }
}
