import TLS
import Testing

/// Configurations that cannot be used, and how that is said: without any of the secrets.
@Suite struct ContextTests {
    func clientError(_ change: (inout TLSClientOptions) -> Void) -> String? {
        var options = trusting()
        change(&options)
        do throws(TLSError) {
            _ = try TLSContext(client: options)
            return nil
        } catch {
            return error.text
        }
    }

    @Test func certificatesAndKeysBelongTogether() {
        let client = certificates.client
        #expect(
            clientError { $0.certificatePEM = client.certificate }
                == "client certificate: given without its key")
        #expect(
            clientError { $0.keyPEM = client.key } == "client key: given without its certificate")
        #expect(
            clientError {
                $0.certificatePEM = client.certificate
                $0.keyPEM = certificates.server.key
            } == "client key: does not belong to the certificate")
        #expect(
            clientError {
                $0.certificatePEM = client.certificate
                $0.keyPEM = client.key
            } == nil)
    }

    @Test func whatIsNoPEMIsSaidToBeNone() {
        #expect(clientError { $0.trust = .pem("") } == "CA: no certificate in PEM form")
        #expect(clientError { $0.trust = .pem("text") } == "CA: no certificate in PEM form")
        let broken = "-----BEGIN CERTIFICATE-----\nMII*\n-----END CERTIFICATE-----\n"
        #expect(
            clientError { $0.trust = .pem(broken) }?.hasPrefix("CA: certificate 1 cannot be read: ")
                == true)
        #expect(
            clientError {
                $0.certificatePEM = certificates.client.certificate
                $0.keyPEM = "text"
            } == "client key: no private key in PEM form")
    }

    /// OpenSSL would ask on the terminal.
    @Test func anEncryptedKeyIsRefused() {
        let server = TLSServerOptions(
            certificatePEM: certificates.server.certificate, keyPEM: certificates.encryptedKey)
        #expect(throws: TLSError(.serverKey, "is encrypted: give it without a password")) {
            _ = try TLSContext(server: server)
        }
    }

    private func finding(_ change: (inout TLSClientOptions) -> Void) -> TLSError? {
        var options = trusting()
        change(&options)
        do throws(TLSError) {
            _ = try TLSContext.check(client: options)
            return nil
        } catch {
            return error
        }
    }

    private func notes(_ change: (inout TLSClientOptions) -> Void) throws -> [String] {
        var options = trusting()
        change(&options)
        return try TLSContext.check(client: options).map(\.text)
    }

    @Test("mistakes in the PEM itself are told before anybody is asked: which part, and why")
    func mistakes() {
        let root = certificates.authority, client = certificates.client
        func certificate(_ text: String, _ key: String = certificates.client.key) -> TLSError? {
            finding {
                $0.certificatePEM = text
                $0.keyPEM = key
            }
        }
        #expect(certificate(client.certificate) == nil)
        #expect(
            certificate(client.certificate, certificates.encryptedKey)
                == TLSError(.clientKey, "is encrypted: give it without a password"))
        #expect(
            certificate(client.certificate, root.key)
                == TLSError(.clientKey, "does not belong to the certificate"))
        #expect(
            certificate(root.certificate + client.certificate)
                == TLSError(
                    .clientCertificate,
                    "that of the key is number 2: it has to be the first, then its issuers"))
        #expect(
            certificate(client.certificate, client.certificate)
                == TLSError(.clientKey, "no private key in PEM form (it holds CERTIFICATE)"))
        #expect(
            certificate(client.certificate + client.key)
                == TLSError(
                    .clientCertificate, "holds a private key, which is not a certificate"))
        #expect(
            certificate(client.certificate, String(client.key.prefix(90)))
                == TLSError(.clientKey, "is cut short: a block has no -----END line"))
        let cut = client.certificate.prefix(300) + "\n-----END CERTIFICATE-----\n"
        let broken = certificate(String(cut))
        #expect(broken?.part == .clientCertificate)
        #expect(broken?.reason.hasPrefix("certificate 1 cannot be read: ") == true)
    }

    @Test("trust that cannot be read is told even where nothing is verified")
    func mistakesInTrust() {
        let root = certificates.authority
        func authorities(_ text: String) -> TLSError? {
            finding {
                $0.verify = false
                $0.trust = .pem(text)
            }
        }
        #expect(authorities(root.certificate + certificates.stranger.certificate) == nil)
        #expect(
            authorities(String(root.certificate.prefix(300)))
                == TLSError(.authorities, "is cut short: a block has no -----END line"))
        #expect(
            authorities(root.certificate + String(root.certificate.prefix(300)))
                == TLSError(.authorities, "is cut short: a block has no -----END line"))
        #expect(
            authorities(root.key)
                == TLSError(.authorities, "holds a private key, which is not a certificate"))
        #expect(
            authorities(root.certificate.replacing("\n", with: "\\n"))
                == TLSError(
                    .authorities,
                    "its line ends are written as \"\\\" and \"n\": they were escaped twice"))
        let second = authorities(root.certificate + root.certificate.replacing("A", with: "*"))
        #expect(second?.reason.hasPrefix("certificate 2 cannot be read: ") == true)
        #expect(finding { $0.trust = .system } == nil)
    }

    @Test("what has expired or does not link is a note: it may be meant")
    func suspicions() throws {
        let client = certificates.client, expired = certificates.expired
        let old = try notes {
            $0.certificatePEM = expired.certificate
            $0.keyPEM = expired.key
            $0.trust = .pem(certificates.authority.certificate + expired.certificate)
        }
        #expect(old.count == 2)
        #expect(old.first?.hasPrefix("CA: certificate 2 has expired on 20") == true)
        #expect(old.last?.hasPrefix("client certificate: certificate 1 has expired on 20") == true)
        let unlinked = try notes {
            $0.certificatePEM = client.certificate + certificates.stranger.certificate
            $0.keyPEM = client.key
        }
        #expect(unlinked == ["client certificate: certificate 2 has not signed certificate 1"])
        let chained = try notes {
            $0.certificatePEM = certificates.chained.certificate
            $0.keyPEM = certificates.chained.key
        }
        #expect(chained == [])
    }

    @Test("a cipher that OpenSSL does not know is told, though others in the list would do")
    func ciphers() {
        #expect(finding { $0.ciphers = "ECDHE+AESGCM:AES256-SHA256:!aNULL:@STRENGTH" } == nil)
        #expect(
            finding { $0.ciphers = "ECDHE+AESGCM:AES-256" }
                == TLSError(.ciphers, "OpenSSL knows no \"AES-256\" for TLS 1.2"))
        #expect(finding { $0.ciphers = "!AES" } == TLSError(.ciphers, "none of TLS 1.2 is left"))
        #expect(finding { $0.ciphers = "" } == TLSError(.ciphers, "none of TLS 1.2 is left"))
    }

    @Test func authoritiesComeFromFilesToo() throws {
        #expect(
            clientError { $0.trust = .file("/nowhere/ca.pem") }
                == "CA file: cannot be read: /nowhere/ca.pem")
        #expect(clientError { $0.trust = .file("/etc/passwd") }?.hasPrefix("CA file") == true)
    }
}
