import COpenSSL
import EventLoop
import Glibc
import TLS
import Testing

/// Handshakes with those who speak something else, and what is seen on the wire.
@Suite struct HandshakeTests {
    func client(
        _ host: String = "broker.test"
    ) throws -> (client: TLSTransport, peer: PlainTransport) {
        let (left, right) = try Socket.pair()
        let client = try TLSTransport(
            client: TLSContext(client: trusting()), left, host: host)
        return (client, PlainTransport(right))
    }

    @Test func theFirstStepSendsAndWaits() throws {
        let (client, peer) = try client()
        defer { client.close(); peer.close() }
        #expect(client.handshake() == .wantsRead)
        #expect(client.handshake() == .wantsRead)
        let hello = peer.readAll().bytes
        #expect(hello.first == 0x16)
    }

    /// RFC 6066 section 3: literal addresses are not permitted in SNI.
    @Test(arguments: [
        ("broker.test", "broker.test"), ("broker.test.", "broker.test"), ("127.0.0.1", nil),
        ("[::1]", nil),
    ])
    func onlyNamesAreSentAsSNI(host: String, expected: String?) throws {
        let (client, peer) = try client(host)
        defer { client.close(); peer.close() }
        _ = client.handshake()
        let hello = peer.readAll().bytes
        // The entry's type (host_name), its length, its name; then comes no dot.
        let name = Array((expected ?? host).utf8)
        let entry = [0, 0, UInt8(name.count)] + name
        #expect(contains(hello, entry) == (expected != nil))
        #expect(!contains(hello, Array("broker.test.".utf8)))
    }

    private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        bytes.indices.contains { bytes[$0...].starts(with: part) }
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "\0\0\0\u{10}kafka, in the clear"])
    func aPlainPeerIsNamedAsSuch(answer: String) throws {
        let (client, peer) = try client()
        defer { client.close(); peer.close() }
        _ = client.handshake()
        #expect(peer.write(answer) == .bytes(answer.utf8.count))
        #expect(client.handshake().failure == "the peer does not speak TLS")
    }

    @Test func aServerTellsAPlainClientApart() throws {
        let (left, right) = try Socket.pair()
        let server = try TLSTransport(server: TLSContext(server: serving()), right)
        let peer = PlainTransport(left)
        defer { server.close(); peer.close() }
        #expect(server.handshake() == .wantsRead)
        #expect(peer.write("GET / HTTP/1.1\r\n\r\n") == .bytes(18))
        #expect(server.handshake().failure == "the peer does not speak TLS")
    }

    @Test func anEndInTheMiddleIsSaid() throws {
        let (client, peer) = try client()
        defer { client.close() }
        _ = client.handshake()
        _ = peer.readAll()
        peer.close()
        #expect(client.handshake().failure == "connection closed during the TLS handshake")
    }

    @Test func aResetInTheMiddleIsAReset() throws {
        let (client, peer) = try client()
        defer { client.close() }
        _ = client.handshake()
        // Closed with bytes that nobody has read.
        peer.close()
        #expect(
            client.handshake() == .failed(TransportFailure(.reset, "Connection reset by peer")))
    }

    /// RFC 8996: TLS 1.0 and 1.1 MUST NOT be used.
    @Test func versionsBefore12AreRefused() throws {
        let (left, right) = try Socket.pair()
        let server = try TLSTransport(server: TLSContext(server: serving()), right)
        defer { server.close(); Socket.close(left) }
        let context = SSL_CTX_new(TLS_client_method())
        defer { SSL_CTX_free(context) }
        SSL_CTX_set_security_level(context, 0)
        // SSL_CTX_set_min_proto_version and SSL_CTX_set_max_proto_version are macros.
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_VERSION), nil)
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_1_VERSION), nil)
        let old = SSL_new(context)
        defer { SSL_free(old) }
        SSL_set_fd(old, left)
        #expect(SSL_connect(old) == -1)
        #expect(server.handshake().failure == "unsupported protocol")
    }

    /// The host uses OpenSSL on its threads too, and may leave errors behind.
    @Test func errorsOfOthersInTheQueueAreNotOurs() throws {
        let ends = try Ends(trusting(), serving())
        defer { ends.close() }
        func leaveAnError() {
            "nothing".withCString { text in
                let bio = BIO_new_mem_buf(text, 7)
                #expect(PEM_read_bio_X509(bio, nil, nil, nil) == nil)
                BIO_free(bio)
            }
        }
        leaveAnError()
        #expect(ends.client.handshake() == .wantsRead)
        leaveAnError()
        let steps = ends.shake()
        #expect(steps.client == .done && steps.server == .done)
        leaveAnError()
        #expect(ends.client.readAll().last == .wouldBlock)
        ERR_clear_error()
    }

    private func agreement(
        _ server: (inout TLSServerOptions) -> Void,
        _ client: (inout TLSClientOptions) -> Void = { _ in }
    ) throws -> String? {
        var own = trusting(), other = serving()
        client(&own)
        server(&other)
        let ends = try Ends(own, other)
        defer { ends.close() }
        return ends.shake().client == .done ? ends.client.agreement : nil
    }

    @Test("TLS 1.2 needs forward secrecy and AEAD, unless the route names ciphers")
    func ciphersOfTLS12() throws {
        let weak = "ECDHE-ECDSA-AES256-SHA384"
        #expect(
            try agreement { $0.versionMax = .tls12 }?.hasPrefix("TLSv1.2, ECDHE-ECDSA-") == true)
        #expect(
            try agreement {
                $0.versionMax = .tls12
                $0.ciphers = weak
            } == nil)
        let named = try agreement {
            $0.versionMax = .tls12
            $0.ciphers = weak
        } _: {
            $0.ciphers = weak
        }
        #expect(named?.hasPrefix("TLSv1.2, \(weak)") == true)
        #expect(try agreement { _ in }?.hasPrefix("TLSv1.3, ") == true)
    }

    @Test("a least version refuses those below it")
    func leastVersion() throws {
        #expect(
            try agreement {
                $0.versionMax = .tls12
            } _: {
                $0.versionMin = .tls13
            } == nil)
        #expect(
            try agreement { _ in
            } _: {
                $0.versionMin = .tls13
            } != nil)
    }
}
