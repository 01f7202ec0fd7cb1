import COpenSSL
import CShims

/// What is read from PEM text. Errors carry our word for it, `subject`; the text itself, which may
/// be a key, is never shown.
enum PEM {
    /// Lends the certificates of a text, in its order; at least one.
    static func withCertificates(
        _ text: String, _ subject: String, _ body: ([OpaquePointer]) throws(TLSError) -> Void
    ) throws(TLSError) {
        var certificates: [OpaquePointer] = []
        defer { for certificate in certificates { X509_free(certificate) } }
        try withBIO(text, subject) { bio throws(TLSError) in
            while let certificate = cshims_read_certificate(bio) {
                certificates.append(certificate)
            }
            let error = OpenSSLQueue.take()
            if cshims_error_is_end_of_pem(error) == 0 {
                let reason = OpenSSLQueue.text(of: error) ?? "cannot be read"
                throw TLSError("\(subject): no valid PEM: \(reason)")
            }
        }
        guard !certificates.isEmpty else {
            throw TLSError("\(subject): no certificate in PEM form")
        }
        try body(certificates)
    }

    /// Whether one of the two ways to say so stands at the start of a line (RFC 7468 section 11,
    /// RFC 1421 section 4.6.1.1).
    private static func isEncrypted(_ text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: "\n")).contains { line in
            line.starts(with: "-----BEGIN ENCRYPTED".utf8)
                || line.starts(with: "Proc-Type: 4,ENCRYPTED".utf8)
        }
    }

    /// Lends a private key without a password.
    static func withPrivateKey(
        _ text: String, _ subject: String, _ body: (OpaquePointer) throws(TLSError) -> Void
    ) throws(TLSError) {
        try withBIO(text, subject) { bio throws(TLSError) in
            guard let key = cshims_read_private_key(bio) else {
                OpenSSLQueue.clear()
                let reason =
                    isEncrypted(text)
                    ? "is encrypted: give it without a password" : "no private key in PEM form"
                throw TLSError("\(subject): \(reason)")
            }
            defer { EVP_PKEY_free(key) }
            try body(key)
        }
    }

    /// Lends the text as OpenSSL reads it, with an empty error queue.
    private static func withBIO(
        _ text: String, _ subject: String, _ body: (OpaquePointer) throws(TLSError) -> Void
    ) throws(TLSError) {
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = bytes.initialize(from: text.utf8)
        defer {
            OPENSSL_cleanse(bytes.baseAddress, bytes.count)
            bytes.deallocate()
        }
        guard let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else {
            throw TLSError("\(subject): no memory")
        }
        defer { BIO_free(bio) }
        OpenSSLQueue.clear()
        try body(bio)
    }
}
