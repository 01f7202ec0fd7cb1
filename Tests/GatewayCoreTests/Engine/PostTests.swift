import DevBroker
import GatewayCore
import Testing

/// `POST` on a route: one command, one answer.
@Suite struct PostTests {
    /// An answer as its client reads it.
    struct Answer {
        let status: Int
        let head: String
        let body: String
    }

    private func head(_ length: Int, _ more: [String] = [], path: String = "/kafka") -> String {
        let lines = [
            "POST \(path) HTTP/1.1", "Host: gateway", "Content-Type: application/json",
            "Content-Length: \(length)",
        ]
        return (lines + more).joined(separator: "\r\n") + "\r\n\r\n"
    }

    private func answer(_ client: TestClient) throws -> Answer {
        let text = String(decoding: client.stream, as: UTF8.self)
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
        try #require(parts.count == 2, "\(text)")
        let status = try #require(Int(parts[0].split(separator: " ")[1]))
        return Answer(status: status, head: String(parts[0]), body: String(parts[1]))
    }

    private func post(
        _ rig: Rig, _ body: String, _ more: [String] = [], path: String = "/kafka",
        policy: SessionPolicy? = nil, address: String? = nil
    ) throws -> Answer {
        let client = rig.accept(address: address) { $0.policy = policy }
        client.sendRaw(head(body.utf8.count, more, path: path) + body)
        rig.pass(5_000)
        let answer = try answer(client)
        #expect(client.isClosed && client.closed?.httpStatus == answer.status)
        #expect(answer.head.contains("Connection: close"))
        return answer
    }

    private let body = #"{"records":[{"topic":"t","key":"k","value":"é","headers":[{"key":"h"}]}]}"#

    @Test("the body is CmdProduce as people write it, the answer ProduceResp")
    func one() throws {
        let world = try ProducingRig()
        world.rig.engine.epochMilliseconds = 5_000
        let answer = try post(world.rig, body)
        #expect(answer.status == 200)
        #expect(answer.head.contains("Content-Type: application/json"))
        #expect(
            answer.body == #"{"results":[{"partition":0,"offset":0,"timestamp":6000}],"#
                + #""compared":false}"# + "\n")
        let stored = try world.stored()
        #expect(stored.map(\.text) == ["é"] && stored[0].headers == ["h"])
    }

    @Test("in pieces, and when the client waits to be asked for the body")
    func pieces() throws {
        let world = try ProducingRig()
        let client = world.rig.accept()
        for byte in Array((head(body.utf8.count, ["Expect: 100-continue"])).utf8) {
            client.sendRaw([byte])
        }
        #expect(client.stream == Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        for byte in Array(body.utf8) { client.sendRaw([byte]) }
        client.endOfStream()
        world.rig.pass(1_000)
        #expect(String(decoding: client.stream, as: UTF8.self).contains("HTTP/1.1 200 OK"))
        #expect(try world.values() == ["é"])
    }

    @Test("a record that fails stands in the answer; a command that fails is the answer")
    func failures() throws {
        let world = try ProducingRig(#""limits":{"message_bytes":500}"#)
        let rig = world.rig
        let hidden = try post(rig, #"{"records":[{"topic":"x"}]}"#)
        #expect(hidden.status == 200 && hidden.body.contains(#""code":5"#))
        for (text, status, code) in [
            (#"{"records":1}"#, 400, 1), ("", 400, 1), (#"{"cmdProduce":{}}"#, 400, 1),
            (#"{"acks":"ACKS_ALL"}"#, 403, 3), (String(repeating: " ", count: 501), 413, 4),
        ] {
            let answer = try post(rig, text)
            #expect(answer.status == status, "\(text)")
            #expect(answer.body.hasPrefix(#"{"code":\#(code),"message":""#), "\(answer.body)")
        }
        #expect(rig.brokers.logEnd("t") == 0)
    }

    @Test("who may not produce on a WebSocket may not here")
    func rights() throws {
        let world = try ProducingRig(#""origins":["https://a.example"]"#)
        let rig = world.rig
        #expect(try post(rig, body, path: "/other").status == 404)
        #expect(try post(rig, body, ["Origin: https://b.example"]).status == 403)
        #expect(try post(rig, body, ["Sec-Fetch-Site: cross-site"]).status == 403)
        let page = try post(rig, body, ["Origin: https://a.example"])
        #expect(page.status == 200)
        #expect(page.head.contains("Access-Control-Allow-Origin: https://a.example\r\n"))
        let reader = try world.policy(#"{"commands":["fetch"]}"#)
        #expect(try post(rig, body, policy: reader).status == 403)
        let narrow = try world.policy(#"{"topics":{"produce":{"allow":["t2"]}}}"#)
        #expect(try post(rig, body, policy: narrow).body.contains(#""code":5"#))
        #expect(rig.brokers.logEnd("t") == 1)
        // The route's methods.
        let strict = try Rig(routes: [
            String(Rig.route("{\(ProducingRig.allowed)}").dropLast()) + #","methods":["GET"]}"#
        ])
        #expect(try post(strict, body).status == 405)
    }

    @Test("rates bind all requests of one sender together")
    func rates() throws {
        let world = try ProducingRig(#""limits":{"produce_records_per_second":1}"#)
        let rig = world.rig
        func post(_ address: String) throws -> Int {
            let client = rig.accept(address: address)
            client.sendRaw(head(body.utf8.count) + body)
            rig.pass(100)
            return try answer(client).status
        }
        #expect(try (0..<3).map { _ in try post("a") } == [200, 200, 429])
        #expect(try post("b") == 200)
    }

    @Test("an id makes a request that is sent again harmless")
    func ids() throws {
        let world = try ProducingRig()
        let bob = try world.policy(#"{"principal":"bob"}"#)
        let text = #"{"records":[{"topic":"t","value":"v"}],"id":"i"}"#
        let first = try post(world.rig, text, policy: bob)
        #expect(first.body.contains(#""compared":true"#))
        #expect(try post(world.rig, text, policy: bob).body == first.body)
        #expect(try world.values() == ["v"])
    }

    @Test("a body that does not come, a client that goes, and a gateway that does")
    func ends() throws {
        let world = try ProducingRig(#""limits":{"message_ms":2000}"#)
        let rig = world.rig
        let slow = rig.accept()
        slow.sendRaw(head(100) + "{")
        rig.pass(3_000)
        #expect(try answer(slow).status == 408 && slow.isClosed)
        let gone = rig.accept()
        gone.sendRaw(head(100) + "{")
        gone.endOfStream()
        #expect(gone.isClosed)
        rig.brokers.inject(Fault(.delay(milliseconds: 1_000), apiKey: 0))
        let (asked, unasked) = (rig.accept(), rig.accept())
        asked.sendRaw(head(body.utf8.count) + body)
        unasked.sendRaw(head(100) + "{")
        rig.pass(100)
        rig.engine.drain(closeCode: 1001, reason: "away", spreadMilliseconds: 0, now: rig.now)
        rig.settle()
        #expect(try answer(unasked).status == 503)
        rig.pass(3_000)
        #expect(try answer(asked).status == 200)
        rig.pass(10_000)
        #expect(rig.events.contains { if case .drained = $0 { true } else { false } })
        #expect(rig.engine.metrics().heldBytes == 0)
    }

    @Test("what a stop cuts off is told")
    func stop() throws {
        let world = try ProducingRig()
        let rig = world.rig
        #expect(try post(rig, body).status == 200)
        rig.brokers.inject(Fault(.silence, apiKey: 0))
        let client = rig.accept()
        client.sendRaw(head(body.utf8.count) + body)
        rig.pass(100)
        rig.engine.cutProducing(now: rig.now)
        rig.settle()
        let answer = try answer(client)
        #expect(answer.status == 200 && answer.body.contains(#""cause":"outcome unknown""#))
    }
}
