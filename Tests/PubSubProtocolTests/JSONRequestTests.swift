import PubSubProtocol
import Testing

private func decode(
    _ text: String, _ format: MessageFormat = .json
) throws(MalformedMessage) -> PubSubRequest {
    let outcome = Array(text.utf8).withUnsafeBytes { raw in
        Result { () throws(MalformedMessage) in try PubSubRequest.decode(raw, as: format) }
    }
    return try outcome.get()
}

private func state(_ text: String, _ format: MessageFormat) throws -> [UInt8]? {
    let request = try decode(text, format)
    guard case .ping(let range) = request.command else { return nil }
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    return request.withBytes(range, of: none, in: format) { [UInt8]($0) }
}

/// Requests in JSON. Google's json_format judges them in Tests/check-pubsub.
@Suite struct JSONRequestTests {
    @Test func bothSpellingsAreRead() throws {
        var fetch = FetchCommand()
        fetch.topic = "t"
        fetch.maxWaitMilliseconds = 5
        fetch.usesExtensions = true
        for text in [
            #"{"cmdKafkaFetch":{"topic":"t","maxWaitMs":5},"sequence":"7"}"#,
            #"{"cmd_kafka_fetch":{"topic":"t","max_wait_ms":"5"},"sequence":7}"#,
            #"{"cmdKafkaFetch":{"topic":"t","maxWaitMs":5.0e0,"offset":null},"sequence":70e-1}"#,
        ] {
            let request = try decode(text)
            #expect(request.sequence == 7)
            #expect(request.command == .fetch(fetch))
        }
    }

    @Test func statesOfPings() throws {
        #expect(try state(#"{"cmdPing":{"state":"_-8="}}"#, .json) == [0xff, 0xef])
        #expect(try state(#"{"cmdPing":{"state":"é"}}"#, .text) == [0xc3, 0xa9])
        #expect(try state(#"{"cmdPing":{"stateBase64":"/w"}}"#, .text) == [0xff])
        #expect(try state(#"{"cmdPing":{}}"#, .text) == [])
    }

    @Test func aSubscriptionIsReadWithAllItsFields() throws {
        var subscription = Subscription()
        subscription.topic = "t"
        subscription.partitions = [0, 2]
        subscription.start = .earliest
        var subscribe = SubscribeCommand()
        subscribe.subscriptions = [subscription]
        subscribe.creditMessages = 10
        subscribe.isolation = .readCommitted
        let text =
            #"{"cmdSubscribe":{"subscriptions":[{"topic":"t","partitions":[0,"2"],"#
            + #""end":"EARLIEST"}],"creditMessages":"10","isolation":2}}"#
        #expect(try decode(text).command == .subscribe(subscribe))
    }

    static let known =
        "known: sequence, cmdEmpty, cmdPing, cmdKafkaFetch, cmdKafkaListOffset, cmdSubscribe, "
        + "cmdUnsubscribe, cmdGrant, cmdPause, cmdMetadata, cmdProduce"

    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let error: String
        init(_ text: String, _ error: String) {
            self.text = text
            self.error = error
        }
        var testDescription: String { error }
    }

    @Test(
        "errors name the field and its place, and what is known instead",
        arguments: [
            Row(
                #"{"sequence":1,"cmdKafkaFetch":{"topik":"t"}}"#,
                "cmdKafkaFetch.topik at line 1 column 32: no such field (known: topic, partition, "
                    + "offset, maxBytes, maxWaitMs, minBytes, isolation)"),
            Row(#"{"cmdping":{}}"#, "cmdping at line 1 column 2: no such field (\(known))"),
            Row(
                #"{"cmdEmpty":{"x":1}}"#,
                "cmdEmpty.x at line 1 column 14: no such field (it has none)"),
            // A Kelvin sign, which Swift's == takes for a K.
            Row(
                "{\"cmd\u{212a}afkaFetch\":{}}",
                "cmd?afkaFetch at line 1 column 2: no such field (\(known))"),
            Row(
                "{\"" + String(repeating: "x", count: 1000) + "\":1}",
                String(repeating: "x", count: 60)
                    + "... at line 1 column 2: no such field (\(known))"),
            Row(
                #"{"\u001b[31m\n":1}"#, "?[31m? at line 1 column 2: no such field (\(known))"),
            Row(
                #"{"cmdPing":{"stateBase64":""}}"#,
                "cmdPing.stateBase64 at line 1 column 13: no such field (known: state)"),
            Row("[]", "request at line 1 column 1: expected an object, found array"),
            Row("", "request at line 1 column 1: the text ends inside of a value"),
            Row(#"{"sequence":"x"}"#, "sequence at line 1 column 13: not an integer of 64 bits"),
            Row(#"{"sequence":1.5}"#, "sequence at line 1 column 13: not an integer of 64 bits"),
            Row(
                #"{"sequence":true}"#, "sequence at line 1 column 13: expected a number, found bool"
            ),
            Row(
                #"{"cmdKafkaFetch":{"partition":2147483648}}"#,
                "cmdKafkaFetch.partition at line 1 column 31: not an integer of 32 bits"),
            Row(
                #"{"cmdKafkaFetch":{"maxBytes":-1}}"#,
                "cmdKafkaFetch.maxBytes at line 1 column 30: must not be negative"),
            Row(#"{"sequence":1,"sequence":1}"#, "sequence at line 1 column 15: given twice"),
            Row(
                "{\"cmdPing\":{},\n\"cmdEmpty\":{}}",
                "cmdEmpty at line 2 column 12: another field excludes it"
            ),
            Row(#"{"cmdPing":{"state":"%"}}"#, "cmdPing.state at line 1 column 21: not base64"),
            Row(
                #"{"cmdPing":{}} x"#,
                "request at line 1 column 16: expected the end of the text, found 'x'"),
            Row(
                #"{"cmdMetadata":{"topics":["a",null]}}"#,
                "cmdMetadata.topics[1] at line 1 column 31: expected a value, found null"),
            Row(
                #"{"cmdKafkaFetch":{"isolation":"READ"}}"#,
                "cmdKafkaFetch.isolation at line 1 column 31: \"READ\" is none of its values "
                    + "(ISOLATION_LEVEL_DEFAULT 0, READ_UNCOMMITTED 1, READ_COMMITTED 2)"),
            Row(
                #"{"cmdSubscribe":{"subscriptions":[{},{"offset":1,"timestamp":2}]}}"#,
                "cmdSubscribe.subscriptions[1].timestamp at line 1 column 62: "
                    + "another field excludes it"),
        ])
    func errorsNameFieldAndPlace(row: Row) {
        #expect(throws: MalformedMessage.self) { try decode(row.text) }
        do { _ = try decode(row.text) } catch { #expect(error.description == row.error) }
    }

    @Test func theErrorCarriesTheSequenceWhereverItStands() {
        for text in [
            #"{"sequence":"41","x":1}"#, #"{"x":{"sequence":1},"sequence":41}"#,
            #"{"sequence":41,"cmdPing":{"state":"%"}}"#,
        ] {
            do {
                _ = try decode(text)
                Issue.record("was read")
            } catch {
                #expect(error.sequence == 41)
            }
        }
    }
}
