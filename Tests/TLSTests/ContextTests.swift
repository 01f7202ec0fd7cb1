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
        #expect(clientError { $0.trust = .pem(broken) }?.hasPrefix("CA: no valid PEM: ") == true)
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
        #expect(throws: TLSError("server key: is encrypted: give it without a password")) {
            _ = try TLSContext(server: server)
        }
    }

    @Test func authoritiesComeFromFilesToo() throws {
        #expect(
            clientError { $0.trust = .file("/nowhere/ca.pem") }
                == "CA file: cannot be read: /nowhere/ca.pem")
        #expect(clientError { $0.trust = .file("/etc/passwd") }?.hasPrefix("CA file") == true)
    }
}
