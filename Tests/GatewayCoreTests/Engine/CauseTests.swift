import KafkaCore
import Testing

/// What a client is told when Kafka cannot be asked at all.
@Suite struct CauseTests {
    static let outages: [(ConnectionFailure, Int64, String)] = [
        (.init(.refused, "connection refused"), 6, "no broker reachable"),
        (.init(.timedOut, "timed out"), 6, "no broker reachable"),
        (.init(.tls, "self-signed certificate at 127.0.0.1"), 8, "TLS refused"),
    ]

    private func rig(_ failure: ConnectionFailure) throws -> Rig {
        let rig = try Rig()
        rig.network.unreachable = [9092]
        rig.network.refusal = failure
        return rig
    }

    private func ask(_ client: TestClient, _ request: [UInt8]) throws -> Response.Failure {
        client.send(request)
        client.rig.pass(1_000)
        return try #require(client.takeReplies().first?.failure)
    }

    @Test("the original's commands keep its text in binary, beside the cause", arguments: 0..<3)
    func original(_ index: Int) throws {
        let (failure, code, cause) = Self.outages[index]
        let client = try rig(failure).connect()
        for request in [Request.fetch(1, "t", 0, 0), Request.listOffset(2, "t", 0, -1)] {
            let told = try ask(client, request)
            #expect(told.message.hasSuffix("topic: t, partition: 0, err: not found topic"))
            #expect(told.code == code && told.cause == cause)
        }
    }

    @Test("other commands say the cause in the text too, and no address", arguments: 0..<3)
    func ours(_ index: Int) throws {
        let (failure, code, cause) = Self.outages[index]
        let client = try rig(failure).connect()
        for request in [
            Request.metadata(1), Request.subscribe(2, [("t", [0], .latest)]),
            Request.subscribe(3, [("t", [], .latest)]),
        ] {
            let told = try ask(client, request)
            #expect(told.message.hasSuffix("err: \(cause)"), "\(told)")
            #expect(!told.message.contains("127.0.0.1"))
            #expect(told.code == code && told.cause == cause)
        }
    }

    @Test("both JSON forms say the cause in the text", arguments: ["pubsub.json", "pubsub.text"])
    func json(_ format: String) throws {
        for (failure, _, cause) in Self.outages {
            let client = try rig(failure).connect("/kafka", "Sec-WebSocket-Protocol: \(format)")
            client.send(text: #"{"sequence":1,"cmdKafkaFetch":{"topic":"t"}}"#)
            client.rig.pass(1_000)
            let told = try #require(client.takeTexts().first)
            #expect(told.contains(#"err: \#(cause)""#) && told.contains(#""cause":"\#(cause)""#))
        }
    }

    @Test("a refused topic and a missing one have the same cause")
    func hidden() throws {
        let rig = try Rig(routes: [Rig.route(#"{"topics":{"deny":["secret"]}}"#)])
        rig.brokers.createTopic("secret")
        let client = try rig.connect()
        let told = try ["secret", "absent"].map { topic in
            var failure = try ask(client, Request.fetch(1, topic, 0, 0))
            failure.message.replace(topic, with: "")
            return failure
        }
        #expect(told[0] == told[1] && told[0].cause == "not found")
    }
}
