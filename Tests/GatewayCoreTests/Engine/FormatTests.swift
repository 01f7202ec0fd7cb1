import DevBroker
import GatewayCore
import Testing

@Suite struct FormatTests {
    private func rig(_ pubsub: String = "{}") throws -> Rig {
        let rig = try Rig(routes: [Rig.route(pubsub)])
        rig.brokers.createTopic("t")
        try rig.brokers.append(
            "t",
            [
                DevRecord("hello", key: "k", timestamp: 5),
                DevRecord(key: nil, value: [0xff], timestamp: 6),
            ], now: rig.now)
        return rig
    }

    @Test("pubsub.json: proto3 JSON")
    func json() throws {
        let rig = try rig()
        let client = try rig.connect("/kafka", "Sec-WebSocket-Protocol: pubsub.json")
        client.send(text: #"{"sequence":"7","cmdPing":{"state":"YWI="}}"#)
        #expect(client.takeTexts() == [#"{"sequence":"7","pongResp":{"state":"YWI="}}"#])
        client.send(text: #"{"sequence":1,"cmd_kafka_fetch":{"topic":"t"}}"#)
        #expect(
            client.takeTexts() == [
                #"{"sequence":"1","kafkaFetchResp":{"nextOffset":"2","highWatermark":"2","#
                    + #""logStartOffset":"0","lastStableOffset":"2","messages":["#
                    + #"{"timestamp":"5","key":"aw==","value":"aGVsbG8="},"#
                    + #"{"offset":"1","timestamp":"6","value":"/w=="}]}}"#
            ])
        client.send(text: #"{"sequence":2,"cmdKafkaFetch":{"topic":"t","offset":9}}"#)
        let text = try #require(client.takeTexts().first)
        #expect(text.contains(#""code":1001"#) && text.contains("OFFSET_OUT_OF_RANGE"))
        client.send(text: "{oops}")
        #expect(client.takeTexts().first?.contains(#""code":1"#) == true)
        client.send(ClientFrame(opcode: ClientFrame.binary, payload: [1]))
        #expect(client.takeTexts().first?.contains("a binary frame") == true)
    }

    @Test("pubsub.text: the same for people")
    func text() throws {
        let rig = try rig()
        let client = try rig.connect("/kafka", "Sec-WebSocket-Protocol: pubsub.text")
        client.send(text: #"{"sequence":1,"cmdKafkaFetch":{"topic":"t","offset":0}}"#)
        let text = try #require(client.takeTexts().first)
        #expect(text.contains(#""key":"k","value":"hello""#), "\(text)")
        #expect(text.contains(#""key":null,"valueBase64":"/w==""#), "\(text)")
        client.send(text: #"{"sequence":2,"cmdKafkaFetch":{"topic":"t","offset":2}}"#)
        #expect(client.takeTexts().first?.contains(#""messages":[]"#) == true)
    }

    @Test("a long JSON reply comes in fragments of one message")
    func fragments() throws {
        let rig = try rig()
        let value = String(repeating: "v", count: 500)
        try rig.brokers.append("t", (0..<400).map { _ in DevRecord(value) }, now: rig.now)
        let client = try rig.connect("/kafka", "Sec-WebSocket-Protocol: pubsub.text")
        client.send(text: #"{"cmdKafkaFetch":{"topic":"t","offset":2}}"#)
        let text = try #require(client.takeTexts().first)
        #expect(text.utf8.count > 200_000)
        #expect(client.fragmentsMax > 5)
        #expect(client.largestFrame < 40_000)
        #expect(text.hasPrefix(#"{"sequence":0,"kafkaFetchResp":{"#) && text.hasSuffix("]}}"))
        #expect(text.split(separator: #""offset":"#).count == 401)
    }

    @Test("permessage-deflate, where the route agrees to it, in both directions")
    func deflate() throws {
        let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
        let plain = try rig()
        let without = plain.accept()
        without.sendRaw(Rig.head("/kafka", [offer]))
        #expect(without.takeHead()?.contains("Extensions") == false)
        let rig = try rig(#"{"compression":true}"#)
        let value = String(repeating: "abcdefgh", count: 100)
        try rig.brokers.append("t", (0..<100).map { _ in DevRecord(value) }, now: rig.now)
        for format in ["pubsub.proto", "pubsub.text"] {
            let client = rig.accept()
            client.sendRaw(Rig.head("/kafka", [offer, "Sec-WebSocket-Protocol: \(format)"]))
            let head = try #require(client.takeHead())
            #expect(head.contains("permessage-deflate; server_no_context_takeover"))
            if format == "pubsub.proto" {
                let request = rig.deflate(Request.fetch(1, "t", 0, 2))
                client.send(ClientFrame(opcode: 2, payload: request, rsv1: true))
                let batch = try #require(try client.takeReplies().first?.batch)
                #expect(batch.records.map(\.offset) == Array(2..<102))
                #expect(batch.records.allSatisfy { $0.text == value })
                let state = String(repeating: "s", count: 1000)
                #expect(try client.ask(Request.ping(2, state)).body == .pong(Array(state.utf8)))
            } else {
                client.send(text: #"{"cmdKafkaFetch":{"topic":"t","offset":2}}"#)
                #expect(client.takeTexts().first?.contains(value) == true)
            }
            #expect(client.closed == nil)
            client.sendClose(1000)
            #expect((client.closed?.bytesOut ?? .max) < 20_000)
        }
    }

    @Test("an inflated message beyond message_bytes is 1009")
    func bomb() throws {
        let rig = try rig(#"{"compression":true,"limits":{"message_bytes":10000}}"#)
        let client = try rig.connect("/kafka", "Sec-WebSocket-Extensions: permessage-deflate")
        let bomb = rig.deflate([UInt8](repeating: 0, count: 1_000_000))
        client.send(ClientFrame(opcode: 2, payload: bomb, rsv1: true))
        #expect(client.closeFrame?.code == 1009)
        #expect(rig.engine.metrics().limitHits["message_bytes"] == 1)
    }
}
