import GatewayCore
import Testing

/// Who may use a host's command, how it may be called, and routes without Kafka.
@Suite struct HostCommandRightsTests {
    private func isAllowed(route: String, session: String? = nil) throws -> Bool {
        let rig = try Rig(routes: [Rig.route(route)])
        try rig.register(("cmd_echo", 1000, 1000))
        let policy = try session?.withRawBytes { try SessionPolicy.parse($0) }
        let client = try rig.connect(policy: policy)
        client.send(Request.host(1, 1000))
        guard let call = rig.takeCalls().first else {
            let reply = try #require(try client.takeReplies().first)
            #expect(
                reply.failure
                    == .init(code: 3, message: "the command cmd_echo is not allowed here"))
            return false
        }
        rig.answer(call, "")
        return try client.takeReplies().first?.body == .host(1000, [])
    }

    @Test("allowed where no list is; where one is, by both lists")
    func lists() throws {
        #expect(try isAllowed(route: "{}"))
        #expect(try isAllowed(route: #"{"commands":["cmd_echo"]}"#))
        #expect(try !isAllowed(route: #"{"commands":["ping"]}"#))
        #expect(try !isAllowed(route: #"{"commands":[]}"#))
        #expect(try !isAllowed(route: #"{"commands":["cmd_other"]}"#))
        #expect(try isAllowed(route: "{}", session: #"{"commands":["cmd_echo"]}"#))
        #expect(try !isAllowed(route: "{}", session: #"{"commands":["ping"]}"#))
        #expect(try isAllowed(route: "{}", session: #"{"principal":"me"}"#))
        #expect(
            try !isAllowed(
                route: #"{"commands":["ping"]}"#, session: #"{"commands":["cmd_echo"]}"#))
    }

    @Test(
        "a list refuses what can be no command's name",
        arguments: [
            "fetc", "echo", "cmd_", "cmd_ping", "cmd_kafka_fetch", "CMD_X", "cmd_x-y",
            "cmd_" + String(repeating: "x", count: 61),
        ])
    func lists(_ name: String) throws {
        let fault = RouteTable.fault(Rig.route(#"{"commands":["ping","\#(name)"]}"#))
        if name == "cmd_" {
            // A name like any other.
            #expect(fault == nil)
        } else {
            #expect(fault?.key == "pubsub.commands", "\(name)")
            #expect(fault?.reason.hasPrefix("unknown command") == true, "\(name)")
        }
    }

    @Test(
        "names and numbers that are refused",
        arguments: [
            ("", 1000, 1000), ("Cmd", 1000, 1000), ("1a", 1000, 1000), ("_a", 1000, 1000),
            ("a-b", 1000, 1000), ("sequence", 1000, 1000), ("cmd_ping", 1000, 1000),
            ("ping", 1000, 1000), ("cmd_subscribe", 1000, 1000), ("subscribe", 1000, 1000),
            ("cmd_error", 1000, 1000), ("cmd_kafka_fetch", 1000, 1000), ("produce", 1000, 1000),
            (String(repeating: "a", count: 65), 1000, 1000),
            ("ok", 34, 1000), ("ok", 1000, 31), ("ok", 101, 1000), ("ok", 1000, 199),
            ("ok", 19_000, 1000), ("ok", 1000, 19_999), ("ok", 1 << 29, 1000), ("ok", 0, 1000),
            ("ok", 1000, Int(UInt32.max)),
        ])
    func refused(_ name: String, _ request: Int, _ response: Int) {
        #expect(throws: HostCommandFault.self) {
            try HostCommand(
                name: name, requestField: request, responseField: response, receiver: 1)
        }
    }

    @Test("numbers at their limits", arguments: [35, 100, 200, 18_999, 20_000, (1 << 29) - 1])
    func limits(_ field: Int) throws {
        let rig = try Rig()
        try rig.register(("cmd_edge", field, field))
        let client = try rig.connect()
        client.send(Request.host(1, field, "x"))
        let call = try #require(rig.takeCalls().first)
        rig.answer(call, "y")
        #expect(client.takeMessages() == [Request.host(1, field, "y")])
    }

    @Test("two commands of one route differ in name; the same field replaces")
    func replacing() throws {
        let rig = try Rig()
        try rig.register(("cmd_a_b", 1000, 1000), route: "kafka")
        #expect(throws: HostCommandFault.self) {
            try rig.register(("cmd_a_b", 1001, 1001), route: "kafka")
        }
        // aB1 as well.
        try rig.register(("a_b1", 1002, 1002), route: "kafka")
        #expect(throws: HostCommandFault.self) {
            try rig.register(("a_b_1", 1003, 1003), route: "kafka")
        }
        try rig.register(("cmd_new", 1000, 1004), route: "kafka")
        try rig.register(("cmd_a_b", 1001, 1001), route: "kafka")
        #expect(throws: HostCommandFault.self) {
            try rig.register(("cmd_x", 1, 1), route: "kafka")
        }
        #expect(throws: HostCommandFault.self) {
            try rig.register(("cmd_x", 1000, 1000), route: "no/id")
        }
    }

    static let redis =
        #"{"id":"r","uri":"/redis","upstream":{"scheme":"redis","nodes":{"anything":true}}}"#

    @Test("a route with a scheme of the host's has no Kafka")
    func scheme() throws {
        var settings = GatewaySettings()
        settings.hostSchemes = ["redis"]
        let rig = try Rig(routes: [Rig.route, Self.redis], settings: settings)
        try rig.register(("cmd_redis_get", 1000, 1000), route: "r")
        let client = try rig.connect("/redis")
        for request in [
            Request.fetch(1, "t", 0, 0), Request.listOffset(2, "t", 0, -1),
            Request.metadata(3), Request.subscribe(4, [("t", [0], .earliest)]),
        ] { #expect(try client.ask(request).failure?.code == 3) }
        #expect(try client.ask(Request.ping(5, "a")).body == .pong(Array("a".utf8)))
        #expect(try client.ask(Request.empty(6)).failure?.code == 2)
        client.send(Request.host(7, 1000))
        rig.answer(try #require(rig.takeCalls().first), "v")
        #expect(try client.takeReplies().map(\.sequence) == [7])
        #expect(rig.connectionsMax == 0)
        // And its sessions end like others, also when the route goes.
        _ = rig.table.remove(route: "r")
        rig.engine.setRoutes(rig.table, closing: ["r"], now: rig.now)
        rig.settle()
        #expect(client.closeFrame?.code == 1001)
    }

    @Test("a scheme that nobody serves is refused, and noted by a check without a gateway")
    func unknownScheme() throws {
        var table = RouteTable()
        do {
            try table.put(route: Self.redis)
            Issue.record("the route was taken")
        } catch let error as ConfigurationError {
            #expect(error.key == "upstream.scheme" && error.line == 1)
        }
        #expect(
            try RouteTable.check(Self.redis) == [
                "upstream.scheme: redis has to be served by the host (host_schemes)"
            ])
        try table.put(route: Self.redis, hostSchemes: ["redis"])
        #expect(table.route(id: "r")?.cluster == nil)
    }

    @Test(
        "host_schemes",
        arguments: [
            (#"["redis","mqtt+x.1-2"]"#, true), ("[]", true), (#"["kafka"]"#, false),
            (#"["Redis"]"#, false), (#"[""]"#, false), (#"["a b"]"#, false), (#""redis""#, false),
            ("[1]", false),
        ])
    func settings(_ value: String, _ isValid: Bool) throws {
        let text = #"{"host_schemes":\#(value)}"#
        if isValid {
            _ = try text.withRawBytes { try GatewaySettings.parse($0) }
        } else {
            #expect(throws: ConfigurationError.self) {
                try text.withRawBytes { try GatewaySettings.parse($0) }
            }
        }
    }
}
