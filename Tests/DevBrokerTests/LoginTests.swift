import DevBroker
import KafkaProtocol
import SASL
import TestSupport
import Testing

@Suite struct LoginTests {
    private func bench(lifetime: Int64 = 0) throws -> (Bench, BenchClient) {
        let bench = Bench {
            $0.users.add("ann", password: "secret")
            $0.sessionLifetimeMilliseconds = lifetime
        }
        return (bench, try bench.client())
    }

    /// The whole login; the code and text of the last answer.
    private func login(
        _ client: BenchClient, _ mechanism: SASLMechanism, _ password: String,
        version: Int16 = 2
    ) throws -> SaslAuthenticateResponse {
        let handshake = try client.ask(
            SaslHandshakeRequest(mechanism: mechanism.rawValue), version: 1)
        #expect(handshake.errorCode == 0)
        var machine = Login(
            SASLCredentials(mechanism: mechanism, username: "ann", password: password),
            host: "broker", .secure)
        var token = try machine.start()
        while true {
            let answer = try client.ask(
                SaslAuthenticateRequest(authBytes: token), version: version)
            guard answer.errorCode == 0 else { return answer }
            switch try machine.receive(answer.authBytes) {
            case .finished: return answer
            case .send(let bytes): token = bytes
            case .work(.derive(let work)): token = try machine.worked(work)
            case .work: throw SASLError.unexpectedMessage
            }
        }
    }

    @Test("each mechanism", arguments: SASLMechanism.ofPasswords)
    func right(_ mechanism: SASLMechanism) throws {
        let (bench, client) = try bench()
        #expect(try login(client, mechanism, "secret").errorCode == 0)
        _ = try client.ask(MetadataRequest(topics: nil), version: 12)
        #expect(bench.cluster.openConnections.first?.user == "ann")
    }

    @Test("a wrong password is refused in a real broker's words, and the connection closed")
    func wrong() throws {
        for mechanism in SASLMechanism.ofPasswords {
            let (_, client) = try bench()
            let answer = try login(client, mechanism, "wrong")
            #expect(answer.errorCode == 58)
            #expect(
                answer.errorMessage
                    == (mechanism == .plain
                        ? "Authentication failed: Invalid username or password"
                        : "Authentication failed during authentication due to invalid credentials "
                            + "with SASL mechanism \(mechanism.rawValue)"))
            #expect(client.isHungUp)
        }
    }

    @Test("before the login there is nothing but the login")
    func before() throws {
        let (_, client) = try bench()
        _ = try client.ask(
            ApiVersionsRequest(clientSoftwareName: "a", clientSoftwareVersion: "1"), version: 3)
        client.send(MetadataRequest(topics: nil), version: 12)
        #expect(client.isHungUp)
    }

    @Test("an unknown mechanism is refused with those that there are")
    func mechanism() throws {
        let (_, client) = try bench()
        let answer = try client.ask(SaslHandshakeRequest(mechanism: "GSSAPI"), version: 1)
        #expect(answer.errorCode == 33)
        #expect(answer.mechanisms == SASLMechanism.ofPasswords.map(\.rawValue))
        #expect(client.isHungUp)
    }

    @Test("a login runs out; a new one on the same connection goes on")
    func lifetime() throws {
        let (bench, client) = try bench(lifetime: 1000)
        #expect(
            try login(client, .scramSHA256, "secret").sessionLifetimeMilliseconds == 1000)
        bench.pass(milliseconds: 900)
        #expect(try login(client, .scramSHA256, "secret").errorCode == 0)
        bench.pass(milliseconds: 900)
        _ = try client.ask(MetadataRequest(topics: nil), version: 12)
        bench.pass(milliseconds: 100)
        client.send(MetadataRequest(topics: nil), version: 12)
        #expect(client.isHungUp)
    }

    @Test("SaslHandshake v0: bare tokens")
    func bareTokens() throws {
        let (_, client) = try bench()
        _ = try client.ask(SaslHandshakeRequest(mechanism: "PLAIN"), version: 0)
        client.send(frame: Array("\0ann\0secret".utf8))
        #expect(try client.frame() == [])
        _ = try client.ask(MetadataRequest(topics: nil), version: 12)
        let (_, other) = try bench()
        _ = try other.ask(SaslHandshakeRequest(mechanism: "PLAIN"), version: 0)
        other.send(frame: Array("\0ann\0wrong".utf8))
        #expect(other.isHungUp)
    }

    @Test("without users a handshake is out of place")
    func withoutUsers() throws {
        let client = try Bench().client()
        #expect(
            try client.ask(SaslHandshakeRequest(mechanism: "PLAIN"), version: 1).errorCode == 34)
    }
}
