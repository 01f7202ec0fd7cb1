import DevBroker
import Digests
import KafkaProtocol
import SASL
import TestSupport
import Testing

/// OAUTHBEARER as Kafka's own brokers have it.
@Suite struct BearerServerTests {
    private func bench(_ adjust: @escaping (inout BrokerSettings) -> Void) throws -> BenchClient {
        try Bench(adjust).client()
    }

    private func login(
        _ client: BenchClient, _ first: [UInt8]
    ) throws -> SaslAuthenticateResponse {
        let handshake = try client.ask(SaslHandshakeRequest(mechanism: "OAUTHBEARER"), version: 1)
        #expect(handshake.errorCode == 0)
        return try client.ask(SaslAuthenticateRequest(authBytes: first), version: 2)
    }

    private func first(_ token: String, _ rest: String = "") -> [UInt8] {
        Array("n,,\u{1}auth=Bearer \(token)\u{1}\(rest)\u{1}".utf8)
    }

    private func jws(_ claims: String, alg: String = "none") -> String {
        let parts = ["{\"alg\":\"\(alg)\"}", claims].map { part in
            base64Encode(Array(part.utf8)).filter { $0 != "=" }
                .map { $0 == "+" ? "-" : $0 == "/" ? "_" : String($0) }.joined()
        }
        return parts.joined(separator: ".") + "."
    }

    @Test("a token that is known lasts as long as its life, and its session as long")
    func opaque() throws {
        let client = try bench {
            $0.tokens.add("good", user: "ann", expires: .zero.adding(milliseconds: 6_000))
        }
        let answer = try login(client, first("good", "traceId=9\u{1}"))
        #expect(answer.errorCode == 0 && answer.authBytes.isEmpty)
        #expect(answer.sessionLifetimeMilliseconds == 5_000)
        _ = try client.ask(MetadataRequest(topics: nil), version: 12)
    }

    @Test("a refusal is JSON, then, after the byte 01, error 58")
    func refused() throws {
        let client = try bench { $0.tokens.add("good", user: "ann") }
        let challenge = try login(client, first("bad"))
        #expect(challenge.errorCode == 0)
        #expect(challenge.authBytes == Array(#"{"status":"invalid_token"}"#.utf8))
        let answer = try client.ask(SaslAuthenticateRequest(authBytes: [1]), version: 2)
        #expect(answer.errorCode == 58)
        #expect(answer.errorMessage == #"{"status":"invalid_token"}"#)
        #expect(client.isHungUp)
    }

    @Test(
        "what is malformed is refused at once",
        arguments: [
            "", "n,,", "n,,\u{1}\u{1}", "n,,\u{1}auth=Bearer good\u{1}",
            "n,,\u{1}auth=Basic good\u{1}\u{1}", "n,,\u{1}auth=Bearer go od\u{1}\u{1}",
            "y,,\u{1}auth=Bearer good\u{1}\u{1}", "n,b=x,\u{1}auth=Bearer good\u{1}\u{1}",
            "n,,\u{1}auth=Bearer good\u{1}a1=x\u{1}\u{1}", "n,,\u{1}a=b\u{1}\u{1}",
        ])
    func malformed(_ message: String) throws {
        let client = try bench { $0.tokens.add("good", user: "ann") }
        #expect(try login(client, Array(message.utf8)).errorCode == 58)
    }

    @Test("an identity has to be the token's own")
    func identity() throws {
        for (name, code) in [("ann", 0), ("a=3Db", 58), ("bob", 58)] as [(String, Int16)] {
            let client = try bench { $0.tokens.add("good", user: "ann") }
            let message = "n,a=\(name),\u{1}auth=Bearer good\u{1}\u{1}"
            #expect(try login(client, Array(message.utf8)).errorCode == code)
        }
    }

    @Test("an unsecured JWS is believed where the settings say so, until its end")
    func unsecured() throws {
        let epoch = 1_700_000_000.0
        let good = jws(#"{"sub":"ann","exp":\#(epoch + 61),"iat":\#(epoch - 1)}"#)
        let client = try bench { $0.tokens.takesUnsecured = true }
        #expect(try login(client, first(good)).sessionLifetimeMilliseconds == 60_000)
        for bad in [
            jws(#"{"sub":"ann","exp":\#(epoch - 1)}"#), jws(#"{"sub":"ann"}"#),
            jws(#"{"sub":"","exp":\#(epoch + 60)}"#), jws(#"{"exp":\#(epoch + 60)}"#),
            jws(#"{"sub":"ann","exp":\#(epoch + 60)}"#, alg: "RS256"), good + "x", "a.b",
            jws(#"{"sub":"ann","exp":\#(epoch + 60),"iat":\#(epoch + 9)}"#),
        ] {
            let other = try bench { $0.tokens.takesUnsecured = true }
            #expect(try !login(other, first(bad)).authBytes.isEmpty)
        }
        let strict = try bench { $0.tokens.add("good", user: "ann") }
        #expect(try !login(strict, first(good)).authBytes.isEmpty)
    }

    @Test("nobody becomes another principal on the same connection (KIP-368)")
    func samePrincipal() throws {
        let client = try bench {
            $0.tokens.add("a", user: "ann")
            $0.tokens.add("a2", user: "ann")
            $0.tokens.add("b", user: "bob")
        }
        #expect(try login(client, first("a")).errorCode == 0)
        #expect(try login(client, first("a2")).errorCode == 0)
        #expect(try login(client, first("b")).errorCode == 58)
    }
}
