import GatewayCore
import Testing

/// Commands of the host's own, as its receiver and its clients see them.
@Suite struct HostCommandTests {
    private func rig(_ pubsub: String = "{}") throws -> Rig {
        let rig = try Rig(routes: [Rig.route(pubsub)])
        try rig.fillTestConsumer()
        try rig.register(("cmd_echo", 1000, 1001), ("cmd_other", 1002, 1003))
        return rig
    }

    @Test("the host gets the payload, its answer goes into the response field")
    func roundTrip() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(Request.host(7, 1000, "hello"))
        let call = try #require(rig.takeCalls().first)
        #expect(call.text == "hello" && call.sequence == 7 && call.session == client.id)
        #expect(call.command.requestField == 1000 && call.command.responseField == 1001)
        #expect(call.command.receiver == 1000)
        #expect(!call.token.isJSON && call.token.raw < 1 << 53)
        rig.answer(call, "world")
        let replies = try client.takeReplies()
        #expect(replies.map(\.sequence) == [7])
        #expect(replies.map(\.body) == [.host(1001, Array("world".utf8))])
    }

    @Test("replies keep the order of all ordered commands, whatever order the host answers in")
    func order() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(
            Request.ping(1), Request.host(2, 1000), Request.fetch(3, "test-consumer", 0, 29),
            Request.host(4, 1002), Request.ping(5))
        let calls = rig.takeCalls()
        #expect(calls.map(\.sequence) == [2, 4])
        #expect(try client.takeReplies().map(\.sequence) == [1])
        rig.answer(calls[1], "b")
        #expect(try client.takeReplies().isEmpty)
        rig.answer(calls[0], "a")
        #expect(try client.takeReplies().map(\.sequence) == [2, 3, 4, 5])
    }

    @Test("a failure becomes an ErrorResp; a second answer is ignored")
    func failure() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(Request.host(1, 1000))
        let call = try #require(rig.takeCalls().first)
        rig.answer(call.token, .failure(code: 77, text: "no such key"))
        rig.answer(call, "late")
        let replies = try client.takeReplies()
        #expect(replies.map(\.failure) == [.init(code: 77, message: "no such key")])
        let commands = rig.engine.metrics().commands
        #expect(commands[.init(command: "cmd_echo", result: "host_command")] == 1)
    }

    @Test("a command that nobody takes is unavailable")
    func noReceiver() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(Request.host(1, 1000))
        rig.answer(rig.takeCalls()[0].token, .noReceiver)
        let failure = try client.takeReplies().first?.failure
        #expect(failure?.code == 6 && failure?.retriable == true)
    }

    @Test("a host that does not answer in time is answered for, and its answer is too late")
    func timeout() throws {
        let rig = try rig(#"{"limits":{"command_ms":1000}}"#)
        let client = try rig.connect()
        client.send(Request.host(1, 1000))
        rig.pass(400)
        client.send(Request.host(2, 1002))
        let calls = rig.takeCalls()
        rig.pass(500)
        #expect(try client.takeReplies().isEmpty)
        rig.pass(200)
        let failure = try client.takeReplies().first?.failure
        #expect(
            failure
                == .init(code: 7, message: "the command cmd_echo timed out", retriable: true))
        #expect(rig.over == [calls[0].token])
        rig.answer(calls[0], "late")
        rig.answer(calls[1], "in time")
        #expect(try client.takeReplies().map(\.sequence) == [2])
        let metrics = rig.engine.metrics()
        #expect(metrics.commands[.init(command: "cmd_echo", result: "timed_out")] == 1)
        #expect(metrics.commands[.init(command: "cmd_other", result: "ok")] == 1)
        #expect(metrics.limitHits["command_ms"] == 1)
    }

    @Test("an answered command does not keep its time limit, nor the one behind it a wrong one")
    func timeoutOfTheSecond() throws {
        let rig = try rig(#"{"limits":{"command_ms":1000}}"#)
        let client = try rig.connect()
        client.send(Request.host(1, 1000))
        rig.pass(600)
        client.send(Request.host(2, 1000))
        rig.answer(rig.takeCalls()[0], "a")
        rig.pass(600)
        #expect(try client.takeReplies().map(\.sequence) == [1])
        rig.pass(600)
        #expect(try client.takeReplies().map(\.failure?.code) == [7])
    }

    @Test("when the session ends the host may not answer any more")
    func closing() throws {
        let rig = try rig()
        let client = try rig.connect()
        for number in 0..<6 as Range<Int64> {
            client.send(Request.host(2 * number, 1000), Request.host(2 * number + 1, 1002))
        }
        let calls = rig.takeCalls()
        client.sendClose(1000)
        #expect(calls.count == 12 && rig.over == calls.map(\.token))
        rig.answer(calls[0], "late")
        #expect(client.takeMessages().isEmpty)
    }

    @Test("requests that wait for the host count as unsent bytes")
    func backPressure() throws {
        let rig = try rig(#"{"limits":{"unsent_bytes":1000}}"#)
        let client = try rig.connect()
        let payload = String(repeating: "x", count: 600)
        for sequence in 1...3 { client.send(Request.host(Int64(sequence), 1000, payload)) }
        var calls = rig.takeCalls()
        #expect(calls.map(\.sequence) == [1, 2] && client.isReadingPaused)
        for call in calls { rig.answer(call, "ok") }
        calls = rig.takeCalls()
        #expect(calls.map(\.sequence) == [3] && !client.isReadingPaused)
        rig.answer(calls[0], "ok")
        #expect(try client.takeReplies().map(\.sequence) == [1, 2, 3])
    }

    @Test("a field that is not registered is an unknown command; so is one that was taken away")
    func unknown() throws {
        let rig = try rig()
        let client = try rig.connect()
        #expect(try client.ask(Request.host(1, 2000)).failure?.code == 2)
        let removed = rig.hostCommands.remove(requestField: 1000, route: nil)
        let again = rig.hostCommands.remove(requestField: 1000, route: nil)
        #expect(removed && !again)
        try rig.register()
        #expect(try client.ask(Request.host(2, 1000)).failure?.code == 2)
    }

    @Test("a route's own registration goes before the one for all routes")
    func ownBeforeGeneral() throws {
        let rig = try rig()
        try rig.register(("cmd_mine", 1000, 1005), ("cmd_other", 3000, 3001), route: "kafka")
        let client = try rig.connect()
        client.send(Request.host(1, 1000), Request.host(2, 3000), Request.host(3, 1002))
        let calls = rig.takeCalls()
        #expect(calls.map(\.command.name) == ["cmd_mine", "cmd_other"])
        for call in calls { rig.answer(call, "") }
        // The general cmd_other has lost its name here.
        #expect(try client.takeReplies().map(\.failure?.code) == [nil, nil, 2])
    }
}
