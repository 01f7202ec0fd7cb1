import GatewayCore
import Testing

/// Messages that the host sends without a request.
@Suite struct HostPushTests {
    private func rig(_ pubsub: String = "{}") throws -> Rig {
        let rig = try Rig(routes: [Rig.route(pubsub)])
        try rig.register(("cmd_echo", 1000, 1001), ("cmd_other", 1002, 1003))
        return rig
    }

    @Test("the message is the field of a response without a sequence")
    func binary() throws {
        let rig = try rig()
        let client = try rig.connect()
        rig.push(client, 1001, "hello")
        // No command is known by it: to protobuf the number is enough.
        rig.push(client, 2000, "")
        client.send(Request.ping(1))
        let replies = try client.takeReplies()
        #expect(replies.map(\.sequence) == [0, 0, 1])
        #expect(replies[0].body == .host(1001, Array("hello".utf8)))
        #expect(replies[1].body == .host(2000, []))
        #expect(rig.engine.metrics().messagesOut == 3)
    }

    @Test("only the fields that are a host's")
    func fields() {
        func isTaken(_ field: Int) -> Bool {
            (try? HostPush(field: field, message: [])) != nil
        }
        for field in [35, 100, 200, 18_999, 20_000, 536_870_911] {
            #expect(isTaken(field), "\(field)")
        }
        for field in [.min, -1, 0, 1, 31, 34, 101, 199, 19_000, 19_999, 536_870_912, .max] {
            #expect(!isTaken(field), "\(field)")
        }
    }

    @Test("a push waits for no command, and no command for it")
    func order() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(Request.host(1, 1000), Request.ping(2))
        rig.push(client, 1003, "news")
        #expect(try client.takeReplies().map(\.body) == [.host(1003, Array("news".utf8))])
        rig.answer(rig.takeCalls()[0], "late")
        #expect(try client.takeReplies().map(\.sequence) == [1, 2])
    }

    @Test(
        "JSON: the command that answers with the field names it",
        arguments: [
            ("pubsub.json", #"{"echoResp":{"a":[1]}}"#),
            ("pubsub.text", #"{"sequence":0,"echoResp":{"a":[1]}}"#),
        ])
    func json(_ format: String, _ text: String) throws {
        let rig = try rig()
        let client = try rig.connect("/kafka", "Sec-WebSocket-Protocol: \(format)")
        rig.push(client, 1001, #"{"a":[1]}"#)
        #expect(client.takeTexts() == [text])
    }

    @Test(
        "JSON: what has no name or is no value is logged, and not sent",
        arguments: [
            (1005, "{}"), (1001, ""), (1001, "{"), (1001, "1 2"), (1001, "\"\u{1}\""),
        ])
    func withoutForm(_ field: Int, _ text: String) throws {
        let rig = try rig()
        let client = try rig.connect("/kafka", "Sec-WebSocket-Protocol: pubsub.json")
        rig.push(client, field, text)
        #expect(client.takeTexts().isEmpty)
        let warnings = rig.logs.filter { $0.level == .warning }.map(\.line)
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("a push of field \(field) has no form in JSON") == true)
        client.send(text: #"{"cmdPing":{}}"#)
        #expect(client.takeTexts().count == 1)
    }

    @Test("a route's own commands name fields for that route only")
    func names() throws {
        let other =
            #"{"id":"other","uri":"/other","upstream":{"nodes":{"127.0.0.1:9092":1},"#
            + #""type":"none","scheme":"kafka"}}"#
        let rig = try Rig(routes: [Rig.route, other])
        try rig.register(("cmd_echo", 1000, 1001), route: "other")
        #expect(rig.hostCommands.names(responseField: 1001, route: "other"))
        #expect(!rig.hostCommands.names(responseField: 1000, route: "other"))
        #expect(!rig.hostCommands.names(responseField: 1001, route: "kafka"))
        let format = "Sec-WebSocket-Protocol: pubsub.json"
        let (here, there) = (try rig.connect("/other", format), try rig.connect("/kafka", format))
        for client in [here, there] { rig.push(client, 1001, "1") }
        #expect(here.takeTexts() == [#"{"echoResp":1}"#])
        #expect(there.takeTexts().isEmpty)
    }

    @Test("sessions that are not open get nothing")
    func notOpen() throws {
        let rig = try rig()
        let asking = rig.accept()
        rig.push(asking, 1001, "early")
        asking.sendRaw(Rig.head())
        let head = try #require(asking.takeHead())
        #expect(head.hasPrefix("HTTP/1.1 101 ") && asking.takeMessages().isEmpty)
        let closing = try rig.connect()
        rig.engine.close(closing.id, code: 4000, reason: "", now: rig.now)
        rig.push(closing, 1001, "late")
        #expect(closing.takeMessages().isEmpty && closing.closeFrame?.code == 4000)
        closing.sendClose(4000)
        rig.push(closing, 1001, "later")
        #expect(closing.takeMessages().isEmpty)
        #expect(rig.engine.unsentBytes(of: closing.id) == 0)
    }

    @Test("what a client does not read is counted, and comes in its order")
    func unread() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.room = 100
        let text = String(repeating: "p", count: 1_000)
        for number in 0..<10 { rig.push(client, 1001, "\(number)" + text) }
        let unsent = rig.engine.unsentBytes(of: client.id)
        #expect((10_000 - 100...10_200).contains(unsent), "\(unsent)")
        #expect(rig.engine.metrics().unsentBytes == Int64(unsent))
        client.read()
        #expect(rig.engine.unsentBytes(of: client.id) == 0)
        let bodies = try client.takeReplies().map(\.body)
        #expect(bodies == (0..<10).map { .host(1001, Array(("\($0)" + text).utf8)) })
    }

    @Test("permessage-deflate packs a push as any reply")
    func deflate() throws {
        let rig = try rig(#"{"compression":true}"#)
        let client = try rig.connect(
            "/kafka", "Sec-WebSocket-Extensions: permessage-deflate")
        let text = String(repeating: "packed ", count: 1_000)
        rig.push(client, 1001, text)
        #expect(try client.takeReplies().map(\.body) == [.host(1001, Array(text.utf8))])
        #expect((1..<1_000).contains(client.largestFrame))
    }

    @Test("a host that owns WebSocket gets its pushes as messages")
    func messages() throws {
        let rig = try rig()
        let client = rig.openMessages()
        rig.push(client, 1001, "hello")
        #expect(try client.takeReplies().map(\.body) == [.host(1001, Array("hello".utf8))])
        client.peerClosed(1000)
        rig.push(client, 1001, "late")
        #expect(client.takeMessages().isEmpty)
    }
}
