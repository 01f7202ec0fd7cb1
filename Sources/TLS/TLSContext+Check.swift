import COpenSSL
import CShims

extension TLSContext {
    /// What is wrong with a client's options in themselves, before anybody is asked: what the
    /// system trusts is not looked at. Answers what is suspicious and may still be meant.
    public static func check(client options: TLSClientOptions) throws(TLSError) -> [TLSError] {
        var own = options
        // Certificates that nobody will look at now are read too.
        own.verify = options.trust != .system
        _ = try TLSContext(client: own)
        var notes: [TLSError] = []
        if case .pem(let text) = options.trust { notes += try dated(text, .authorities) }
        if let text = options.certificatePEM {
            notes += try dated(text, .clientCertificate)
            notes += try linked(text, .clientCertificate)
        }
        return notes
    }

    private static func dated(_ text: String, _ part: TLSPart) throws(TLSError) -> [TLSError] {
        var notes: [TLSError] = []
        try PEM.withCertificates(text, part) { certificates in
            for (index, certificate) in certificates.enumerated() {
                let name = "certificate \(index + 1)"
                if X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0 {
                    let day = day(X509_get0_notAfter(certificate))
                    notes.append(TLSError(part, "\(name) has expired on \(day)"))
                }
                if X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0 {
                    let day = day(X509_get0_notBefore(certificate))
                    notes.append(TLSError(part, "\(name) is not valid before \(day)"))
                }
            }
        }
        return notes
    }

    /// RFC 5246 section 7.4.2: each certificate certifies the one in front of it.
    private static func linked(_ text: String, _ part: TLSPart) throws(TLSError) -> [TLSError] {
        var notes: [TLSError] = []
        try PEM.withCertificates(text, part) { chain in
            for index in chain.indices.dropFirst()
            where X509_check_issued(chain[index], chain[index - 1]) != X509_V_OK {
                notes.append(
                    TLSError(part, "certificate \(index + 1) has not signed certificate \(index)"))
            }
        }
        OpenSSLQueue.clear()
        return notes
    }

    /// `2026-12-31`.
    private static func day(_ time: UnsafePointer<ASN1_TIME>?) -> String {
        var parts = tm()
        guard ASN1_TIME_to_tm(time, &parts) == 1 else { return "an unknown day" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }
}
