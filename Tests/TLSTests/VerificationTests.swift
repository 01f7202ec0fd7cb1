import EventLoop
import TLS
import Testing

/// Trap 34: whom a client believes, and what it says when it does not.
@Suite struct VerificationTests {
    typealias Identity = TestCertificates.Identity

    func outcome(
        _ identity: Identity, host: String = "broker.test", _ options: TLSClientOptions = trusting()
    ) throws -> String? {
        let ends = try Ends(options, serving(identity), host: host)
        let steps = ends.shake()
        defer { if steps.client == .done { ends.close() } }
        if steps.client == .done { #expect(steps.server == .done) }
        return steps.client.failure
    }

    @Test(arguments: [
        "broker.test", "BROKER.test", "broker.test.", "a.wild.test", "127.0.0.1", "::1", "[::1]",
        "0:0:0:0:0:0:0:1", "::1%lo",
    ])
    func aMatchingHostIsBelieved(host: String) throws {
        #expect(try outcome(certificates.server, host: host) == nil)
        #expect(try outcome(certificates.chained, host: host) == nil)
    }

    @Test(arguments: [
        ("other.test", "other.test"), ("a.b.wild.test", "a.b.wild.test"),
        ("wild.test", "wild.test"),
        ("127.0.0.2", "127.0.0.2"), ("[::2]", "::2"), ("broker.test..", "broker.test."),
    ])
    func anotherHostIsNot(host: String, shown: String) throws {
        #expect(
            try outcome(certificates.server, host: host)
                == "certificate does not match host \(shown)")
    }

    @Test func theReasonIsNamed() throws {
        #expect(try outcome(certificates.selfSigned) == "self-signed certificate")
        #expect(try outcome(certificates.expired) == "certificate has expired")
        #expect(
            try outcome(certificates.server, trusting(certificates.stranger.certificate))
                == "unable to get local issuer certificate")
        var system = TLSClientOptions()
        system.trust = .system
        #expect(
            try outcome(certificates.server, system) == "unable to get local issuer certificate")
    }

    @Test func withoutVerificationAnybodyIsBelieved() throws {
        var options = TLSClientOptions()
        options.verify = false
        for identity in [certificates.selfSigned, certificates.expired, certificates.server] {
            #expect(try outcome(identity, host: "other.test", options) == nil)
        }
    }

    @Test func severalAuthoritiesInOneText() throws {
        let both = certificates.stranger.certificate + certificates.authority.certificate
        #expect(try outcome(certificates.server, trusting(both)) == nil)
    }

    @Test func noHostIsRefusedBeforeAnythingIsSent() throws {
        let context = try TLSContext(client: trusting())
        for host in ["", ".", String(repeating: "a", count: 300), "a\0b"] {
            #expect(throws: TLSError.self, "\(host)") {
                _ = try TLSTransport(client: context, -1, host: host)
            }
        }
    }

    // MARK: Client certificates

    func demanding(
        _ client: Identity?
    ) throws -> (steps: (client: HandshakeStep, server: HandshakeStep), ends: Ends) {
        var options = trusting()
        options.certificatePEM = client?.certificate
        options.keyPEM = client?.key
        let ends = try Ends(
            options, serving(clientCA: certificates.authority.certificate))
        return (ends.shake(), ends)
    }

    @Test func aClientCertificateIsShown() throws {
        let (steps, ends) = try demanding(certificates.client)
        #expect(steps.client == .done && steps.server == .done)
        ends.close()
    }

    /// With TLS 1.3 the client is through before the server refuses it: it learns by reading.
    @Test func aMissingClientCertificateIsToldByTheServer() throws {
        let (steps, ends) = try demanding(nil)
        #expect(steps.server.failure == "peer did not return a certificate")
        #expect(
            ends.client.readAll().last
                == .failed(
                    TransportFailure(.tls, "refused by the peer: tlsv13 alert certificate required")
                ))
        ends.client.close()
    }

    @Test func aStrangersClientCertificateIsRefused() throws {
        let (steps, ends) = try demanding(certificates.strangersClient)
        #expect(steps.server.failure == "unable to get local issuer certificate")
        #expect(
            ends.client.readAll().last
                == .failed(TransportFailure(.tls, "refused by the peer: tlsv1 alert unknown ca")))
        ends.client.close()
    }

    @Test("an intermediate alone is enough to trust what it has signed")
    func partialChains() throws {
        let options = trusting(certificates.intermediate.certificate)
        let ends = try Ends(options, serving(certificates.chained))
        defer { ends.close() }
        #expect(ends.shake().client == .done)
        let other = try Ends(options, serving(certificates.server))
        defer { other.close() }
        #expect(other.shake().client.failure != nil)
    }

    @Test("a certificate with a common name alone is accepted, as by other clients")
    func commonNames() throws {
        let ends = try Ends(trusting(), serving(certificates.commonName))
        defer { ends.close() }
        #expect(ends.shake().client == .done)
        let other = try Ends(trusting(), serving(certificates.commonName), host: "other.test")
        defer { other.close() }
        #expect(other.shake().client.failure != nil)
    }
}
