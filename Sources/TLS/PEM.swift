import COpenSSL
import CShims

/// What is read from PEM text. Errors carry the part that the text is for; the text itself, which
/// may be a key, is never shown.
enum PEM {
    /// Lends the certificates of a text, in its order; at least one.
    static func withCertificates(
        _ text: String, _ part: TLSPart, _ body: ([OpaquePointer]) throws(TLSError) -> Void
    ) throws(TLSError) {
        let blocks = PEMBlocks(text)
        // Certificates are shown where keys are not.
        if blocks.hold("PRIVATE KEY") {
            throw TLSError(part, "holds a private key, which is not a certificate")
        }
        var certificates: [OpaquePointer] = []
        defer { for certificate in certificates { X509_free(certificate) } }
        try withBIO(text, part) { bio throws(TLSError) in
            while let certificate = cshims_read_certificate(bio) {
                certificates.append(certificate)
            }
            let error = OpenSSLQueue.take()
            if let mistake = blocks.mistake { throw TLSError(part, mistake) }
            if cshims_error_is_end_of_pem(error) == 0 {
                let reason = OpenSSLQueue.text(of: error) ?? "it is malformed"
                throw TLSError(
                    part, "certificate \(certificates.count + 1) cannot be read: \(reason)")
            }
        }
        guard !certificates.isEmpty else {
            throw TLSError(part, "no certificate in PEM form\(blocks.summary)")
        }
        try body(certificates)
    }

    /// Lends a private key without a password.
    static func withPrivateKey(
        _ text: String, _ part: TLSPart, _ body: (OpaquePointer) throws(TLSError) -> Void
    ) throws(TLSError) {
        try withBIO(text, part) { bio throws(TLSError) in
            guard let key = cshims_read_private_key(bio) else {
                throw TLSError(part, whyNoKey(text, OpenSSLQueue.take()))
            }
            defer { EVP_PKEY_free(key) }
            try body(key)
        }
    }

    private static func whyNoKey(_ text: String, _ error: UInt) -> String {
        let blocks = PEMBlocks(text)
        if blocks.isEncrypted { return "is encrypted: give it without a password" }
        if let mistake = blocks.mistake { return mistake }
        guard blocks.hold("PRIVATE KEY") else {
            return "no private key in PEM form\(blocks.summary)"
        }
        return "the private key cannot be read: \(OpenSSLQueue.text(of: error) ?? "malformed")"
    }

    /// Lends the text as OpenSSL reads it, with an empty error queue.
    private static func withBIO(
        _ text: String, _ part: TLSPart, _ body: (OpaquePointer) throws(TLSError) -> Void
    ) throws(TLSError) {
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = bytes.initialize(from: text.utf8)
        defer {
            OPENSSL_cleanse(bytes.baseAddress, bytes.count)
            bytes.deallocate()
        }
        guard let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else {
            throw TLSError(part, "no memory")
        }
        defer { BIO_free(bio) }
        OpenSSLQueue.clear()
        try body(bio)
    }
}
