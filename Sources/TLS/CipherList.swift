import COpenSSL
import CShims

/// The ciphers of TLS 1.2; those of TLS 1.3 all have what is asked for here.
enum CipherList {
    /// Forward secrecy and authenticated encryption, as RFC 9325 section 4.2 recommends.
    private static let standard =
        "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!PSK"

    /// - Parameter text: as of `openssl ciphers`, nil for the default. OpenSSL passes over names
    ///   that it does not know; here they are an error, because they are slips of the pen.
    static func set(_ text: String?, of context: OpaquePointer) throws(TLSError) {
        for name in names(text ?? "") where !hasEffect(name, context) {
            throw TLSError(.ciphers, "OpenSSL knows no \"\(name.prefix(80))\" for TLS 1.2")
        }
        guard SSL_CTX_set_cipher_list(context, text ?? standard) == 1 else {
            OpenSSLQueue.clear()
            throw TLSError(.ciphers, "none of TLS 1.2 is left")
        }
    }

    private static func names(_ text: String) -> [Substring] {
        text.split { $0 == ":" || $0 == "," || $0 == " " || $0 == ";" }
    }

    /// Words that add ciphers; those that take away or sort need none to be there.
    private static func hasEffect(_ name: Substring, _ context: OpaquePointer) -> Bool {
        if name.first.map({ "!-+@".contains($0) }) == true { return true }
        defer { OpenSSLQueue.clear() }
        return SSL_CTX_set_cipher_list(context, String(name)) == 1
    }
}
