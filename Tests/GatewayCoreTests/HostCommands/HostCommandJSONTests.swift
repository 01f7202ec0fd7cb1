import GatewayCore
import Testing

/// The host's commands in the JSON sub-protocols.
@Suite struct HostCommandJSONTests {
    private func rig() throws -> Rig {
        let rig = try Rig()
        try rig.register(("cmd_redis_publish", 1000, 1000), ("count", 1001, 1002))
        return rig
    }

    private func client(_ rig: Rig, _ format: String = "pubsub.json") throws -> TestClient {
        try rig.connect("/kafka", "Sec-WebSocket-Protocol: \(format)")
    }

    @Test(
        "keys in either spelling; the value is handed over as it stands",
        arguments: [
            (#"{"sequence":1,"cmdRedisPublish":{"a": [1, null]}}"#, #"{"a": [1, null]}"#),
            (#"{"cmd_redis_publish" : "text" ,"sequence":"1"}"#, #""text""#),
            (#"{"sequence":1,"cmd_redis_publish":-0.5e3}"#, "-0.5e3"),
            (#"{"sequence":1,"cmdRedisPublish":{},"cmdPing":null}"#, "{}"),
        ])
    func request(_ text: String, _ payload: String) throws {
        let rig = try rig()
        let client = try client(rig)
        client.send(text: text)
        let call = try #require(rig.takeCalls().first)
        #expect(call.text == payload && call.sequence == 1 && call.token.isJSON)
        rig.answer(call, #"{"ok":true}"#)
        #expect(
            client.takeTexts() == [#"{"sequence":"1","redisPublishResp":{"ok":true}}"#])
    }

    @Test("pubsub.text and a name without cmd_")
    func text() throws {
        let rig = try rig()
        let client = try client(rig, "pubsub.text")
        client.send(text: #"{"count":7}"#)
        rig.answer(try #require(rig.takeCalls().first), "8")
        #expect(client.takeTexts() == [#"{"sequence":0,"countResp":8}"#])
    }

    @Test(
        "what is wrong is told with its place, and nothing reaches the host",
        arguments: [
            (#"{"cmdRedisPublish":{},"cmdPing":{}}"#, "cmdPing at line 1 column 33: another field"),
            (
                #"{"cmdPing":{},"cmdRedisPublish":1}"#,
                "cmdRedisPublish at line 1 column 33: another"
            ),
            (#"{"count":1,"count":2}"#, "count at line 1 column 20: another field"),
            (#"{"count":{"a":1,}}"#, "count at line 1 column 17"),
            (#"{"count":[1}"#, "count at line 1 column 12"),
            (#"{"count":"#, "count at line 1 column 10: the text ends"),
            (#"{"coun":1}"#, "coun at line 1 column 2: no such field"),
            (#"{"count":nul}"#, "count at line 1 column 10"),
            ("{\"\u{212A}ount\":1}", "no such field"),
            (String(repeating: "[", count: 100), "line 1 column 1"),
        ])
    func malformed(_ text: String, _ reason: String) throws {
        let rig = try rig()
        let client = try client(rig)
        client.send(text: text)
        #expect(rig.takeCalls().isEmpty)
        let reply = try #require(client.takeTexts().first)
        #expect(reply.contains(#""code":1"#) && reply.contains(reason), "\(reply)")
    }

    @Test("a null is an absent command")
    func null() throws {
        let rig = try rig()
        let client = try client(rig)
        client.send(text: #"{"count":null}"#)
        #expect(rig.takeCalls().isEmpty)
        #expect(client.takeTexts().first?.contains("the request holds no command") == true)
    }

    @Test("a value may be as deep as the reader goes, and no deeper")
    func depth() throws {
        let rig = try rig()
        let client = try client(rig)
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        client.send(text: #"{"count":\#(nested(63))}"#)
        #expect(rig.takeCalls().map(\.text) == [nested(63)])
        client.send(text: #"{"count":\#(nested(64))}"#)
        #expect(rig.takeCalls().isEmpty)
    }

    @Test func answersAreJSONOrRefused() {
        func isJSON(_ text: String) -> Bool { text.withRawBytes { HostAnswer.isJSON($0) } }
        for text in ["{}", " [1,2] ", "null", "\"a\"", "0"] { #expect(isJSON(text), "\(text)") }
        for text in ["", "{", "{} {}", "nul", "\"\u{1}\"", "{\"a\":1,}"] {
            #expect(!isJSON(text), "\(text)")
        }
    }
}
