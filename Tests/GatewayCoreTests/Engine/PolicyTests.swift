import DevBroker
import GatewayCore
import Testing

@Suite struct PolicyTests {
    @Test("a refused topic and a missing one look the same; the log and the metric tell")
    func hidden() throws {
        let rig = try Rig(routes: [Rig.route(#"{"topics":{"allow":["open*"]}}"#)])
        rig.brokers.createTopic("open")
        rig.brokers.createTopic("secret")
        try rig.brokers.append("open", [DevRecord("v")], now: rig.now)
        let client = try rig.connect()
        func texts(_ topic: String) throws -> [String] {
            [
                try client.ask(Request.fetch(1, topic, 0, 0)),
                try client.ask(Request.listOffset(1, topic, 0, -1)),
            ].map { "\($0)".replacing(topic, with: "TOPIC") }
        }
        #expect(try texts("secret") == texts("open-but-missing"))
        #expect(try texts("__consumer_offsets") == texts("open-but-missing"))
        #expect(try client.ask(Request.fetch(1, "open", 0, 0)).batch?.records.count == 1)
        #expect(rig.logs.contains { $0.line.contains(#"the topic "secret" is not allowed"#) })
        #expect(rig.engine.metrics().refusedTopics == 4)
        let metadata = try client.ask(Request.metadata(1, "secret", "open", "open-missing"))
        #expect(
            metadata.body
                == .metadata([
                    .init(name: "secret", partitions: [], code: 5),
                    .init(name: "open", partitions: [0], code: 0),
                    .init(name: "open-missing", partitions: [], code: 5),
                ]))
        #expect(
            try client.ask(Request.metadata(1)).body
                == .metadata([.init(name: "open", partitions: [0], code: 0)]))
    }

    @Test("commands that the route does not name are refused")
    func commands() throws {
        let rig = try Rig(routes: [Rig.route(#"{"commands":["ping","fetch"]}"#)])
        try rig.fillTestConsumer()
        let client = try rig.connect()
        #expect(try client.ask(Request.ping(1)).body == .pong([]))
        #expect(try client.ask(Request.fetch(1, "test-consumer", 0, 0)).batch != nil)
        for request in [
            Request.listOffset(1, "test-consumer", 0, -1), Request.metadata(1),
            Request.subscribe(1, [("test-consumer", [0], .latest)]), Request.empty(1),
            Request.grant(1, 1), Request.pause(1, 1, resume: true), Request.unsubscribe(1, 1),
        ] { #expect(try client.ask(request).failure?.code == 3) }
    }

    @Test("a deny list of the route's own leaves Kafka's internal topics closed")
    func internalTopics() throws {
        func seen(_ topics: String) throws -> [String] {
            let rig = try Rig(routes: [Rig.route(#"{"topics":\#(topics)}"#)])
            for name in ["__consumer_offsets", "open", "secret"] { rig.brokers.createTopic(name) }
            guard case .metadata(let found) = try rig.connect().ask(Request.metadata(1)).body else {
                return []
            }
            return found.map(\.name)
        }
        #expect(try seen(#"{"deny":["secret*"]}"#) == ["open"])
        #expect(try seen(#"{"deny":[]}"#) == ["open", "secret"])
        #expect(
            try seen(#"{"allow":["__consumer_offsets","o*"]}"#) == ["__consumer_offsets", "open"])
    }

    @Test("a session's policy narrows its route, and cannot widen it")
    func narrower() throws {
        let rig = try Rig(
            routes: [Rig.route(#"{"commands":["fetch","ping"],"topics":{"allow":["a*"]}}"#)])
        for topic in ["a1", "a2", "b1"] {
            rig.brokers.createTopic(topic)
            try rig.brokers.append(topic, [DevRecord("v")], now: rig.now)
        }
        let policy = try #"""
        {"commands":["fetch","metadata"],"topics":{"allow":["a1","b1"]},
         "limits":{"message_bytes":100,"commands_in_flight":1000},"principal":"bob"}
        """#.withRawBytes { try SessionPolicy.parse($0) }
        let client = try rig.connect(policy: policy)
        func code(_ topic: String) throws -> Int64? {
            try client.ask(Request.fetch(1, topic, 0, 0)).failure?.code
        }
        #expect(try code("a1") == nil)
        #expect(try code("a2") == 5)
        #expect(try code("b1") == 5)
        #expect(try client.ask(Request.ping(1)).failure?.code == 3)
        #expect(try client.ask(Request.metadata(1)).failure?.code == 3)
        client.send(Request.ping(1, String(repeating: "x", count: 200)))
        #expect(client.closeFrame?.code == 1009)
        #expect(rig.engine.metrics().limitHits["message_bytes"] == 1)
        #expect(rig.logs.contains { $0.line.contains(#"principal "bob""#) })
        // Others have the route's own.
        #expect(try rig.connect().ask(Request.fetch(1, "a2", 0, 0)).batch != nil)
    }

    @Test("origins of the route")
    func origins() throws {
        let rig = try Rig(routes: [Rig.route(#"{"origins":["https://*.example.com"]}"#)])
        _ = try rig.connect("/kafka", "Origin: https://a.example.com")
        _ = try rig.connect()
        let foreign = rig.accept()
        foreign.sendRaw(Rig.head("/kafka", ["Origin: https://a.example.com.evil"]))
        #expect(foreign.takeHead()?.hasPrefix("HTTP/1.1 403") == true)
        let told = #"this origin is not allowed here: "https://a.example.com.evil""#
        #expect(rig.logs.contains { $0.line.hasSuffix(told) })
    }

    @Test("routes come and go while sessions live")
    func routeChanges() throws {
        let rig = try Rig()
        try rig.fillTestConsumer()
        let stays = try rig.connect()
        let fetch = Request.fetch(1, "test-consumer", 0, 29)
        #expect(try stays.ask(fetch).batch?.records.count == 1)
        _ = rig.table.remove(route: "kafka")
        rig.engine.setRoutes(rig.table, now: rig.now)
        rig.settle()
        #expect(try stays.ask(fetch).batch?.records.count == 1)
        let late = rig.accept()
        late.sendRaw(Rig.head("/kafka?key=secret"))
        #expect(late.takeHead()?.hasPrefix("HTTP/1.1 404") == true)
        let told = #"there is no route for this path: "/kafka""#
        #expect(rig.logs.contains { $0.line.hasSuffix(told) })
        try rig.table.put(route: Rig.route)
        rig.engine.setRoutes(rig.table, now: rig.now)
        rig.settle()
        let again = try rig.connect()
        #expect(try again.ask(fetch).batch?.records.count == 1)
        _ = rig.table.remove(route: "kafka")
        rig.engine.setRoutes(rig.table, closing: ["kafka"], now: rig.now)
        rig.settle()
        #expect(stays.closeFrame?.code == 1001 && again.closeFrame?.code == 1001)
        stays.sendClose(1001)
        again.sendClose(1001)
        #expect(rig.engine.sessionCount == 0)
        #expect(rig.engine.metrics().kafkaConnections == 0)
    }

    @Test("routes that agree share their cluster; other credentials never do")
    func sharing() throws {
        func route(_ id: String, _ more: String) -> String {
            #"{"id":"\#(id)","uri":"/\#(id)"\#(more),"#
                + #""upstream":{"nodes":"127.0.0.1:9092","scheme":"kafka"}}"#
        }
        let sasl = #","plugins":{"kafka-proxy":{"sasl":{"username":"u","password":"p"}}}"#
        let rig = try Rig(routes: [route("a", ""), route("b", ""), route("c", sasl)])
        try rig.fillTestConsumer()
        let fetch = Request.fetch(1, "test-consumer", 0, 0)
        _ = try rig.connect("/a").ask(fetch)
        let opened = rig.engine.metrics().kafkaConnectionsOpened
        _ = try rig.connect("/b").ask(fetch)
        #expect(rig.engine.metrics().kafkaConnectionsOpened == opened)
        let other = try rig.connect("/c")
        other.send(fetch)
        rig.pass(40_000)
        #expect(try other.takeReplies().first?.failure != nil)
        #expect(rig.engine.metrics().kafkaConnectionsOpened > opened)
    }
}
