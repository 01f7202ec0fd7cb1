import DevBroker
import GatewayCore
import Testing

/// What route and session allow, for every part of a command.
@Suite struct ProduceRightsTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let what: String
        let pubsub: String
        let policy: String?
        let records: [Request.Record]
        var acks: Int64?
        /// Of the whole command; nil: its records have results.
        var refused: Int64?
        /// Of each record; nil: it is stored.
        var codes: [Int64?] = []
        var testDescription: String { what }
    }

    private static let all = #""client_acks":true,"client_partition":true,"client_timestamp":true"#

    static let rows = [
        Row(
            what: "a route that does not say so",
            pubsub: "{}", policy: nil, records: [.init("t", "v")], refused: 3),
        Row(
            what: "a session that may not",
            pubsub: "{\(ProducingRig.allowed)}", policy: #"{"commands":["fetch"]}"#,
            records: [.init("t", "v")], refused: 3),
        Row(
            what: "a session's commands cannot widen the route's",
            pubsub: "{}", policy: #"{"commands":["produce"]}"#, records: [.init("t", "v")],
            refused: 3),
        Row(
            what: "the route's topics",
            pubsub: "{\(ProducingRig.allowed)}", policy: nil,
            records: [.init("t", "v"), .init("x", "v"), .init("__t", "v")], codes: [nil, 5, 5]),
        Row(
            what: "the session's topics",
            pubsub: "{\(ProducingRig.allowed)}",
            policy: #"{"topics":{"produce":{"allow":["t2","x"]}}}"#,
            records: [.init("t", "v"), .init("t2", "v"), .init("x", "v")], codes: [5, nil, 5]),
        Row(
            what: "what may be read is no right to produce, nor the other way round",
            pubsub: #"""
                {"commands":["produce"],"topics":{"allow":["x"],"produce":{"allow":["t"]}}}
                """#,
            policy: nil, records: [.init("t", "v"), .init("x", "v")], codes: [nil, 5]),
        Row(
            what: "partition and timestamp only where the route lets clients choose",
            pubsub: "{\(ProducingRig.allowed)}", policy: nil,
            records: [.init("t", "v", partition: 0), .init("t", "v", timestamp: 5)],
            codes: [3, 3]),
        Row(
            what: "partition and timestamp where it does",
            pubsub: "{\(ProducingRig.allowed),\"producer\":{\(all)}}", policy: nil,
            records: [
                .init("t", "v", partition: 0), .init("t", "v", timestamp: 5),
                .init("t", "v", partition: 9),
            ], codes: [nil, nil, 5]),
        Row(
            what: "other acks than the route's",
            pubsub: "{\(ProducingRig.allowed)}", policy: nil, records: [.init("t", "v")], acks: 3,
            refused: 3),
        Row(
            what: "the route's own acks, named",
            pubsub: "{\(ProducingRig.allowed)}", policy: nil, records: [.init("t", "v")], acks: 2,
            codes: [nil]),
        Row(
            what: "other acks where the client may choose",
            pubsub: "{\(ProducingRig.allowed),\"producer\":{\(all)}}", policy: nil,
            records: [.init("t", "v")], acks: 3, codes: [nil]),
        Row(
            what: "less than an idempotent producer needs",
            pubsub: "{\(ProducingRig.allowed),\"producer\":{\(all),\"idempotence\":true}}",
            policy: nil, records: [.init("t", "v")], acks: 2, refused: 3),
        Row(
            what: "nobody, as acks",
            pubsub: "{\(ProducingRig.allowed),\"producer\":{\(all)}}", policy: nil,
            records: [.init("t", "v")], acks: 1, refused: 1),
        Row(
            what: "the size of a record",
            pubsub: "{\(ProducingRig.allowed),\"limits\":{\"record_bytes\":10}}",
            policy: #"{"limits":{"record_bytes":5}}"#,
            records: [
                .init("t", "12345"), .init("t", "1234", key: "ab"),
                .init("t", "1", headers: [("a", "1")]),
            ], codes: [nil, 4, nil]),
        Row(
            what: "the producer's own limit",
            pubsub: "{\(ProducingRig.allowed),\"producer\":{\"max_message_bytes\":100}}",
            policy: nil, records: [.init("t", "v"), .init("t", String(repeating: "v", count: 60))],
            codes: [nil, 4]),
        Row(
            what: "headers that only the gateway adds",
            pubsub:
                "{\(ProducingRig.allowed),\"headers\":{\"who\":\"$principal\",\"app\":\"web\"}}",
            policy: #"{"headers":{"tenant":"a"}}"#,
            records: [
                .init("t", "v", headers: [("x", "1"), ("who", "root")]),
                .init("t", "v", headers: [("tenant", "b")]), .init("t", "v", headers: [("x", "1")]),
                .init("t", "v"),
            ], codes: [3, 3, nil, nil]),
    ]

    @Test("rights", arguments: rows)
    func rights(row: Row) throws {
        var brokers = BrokerSettings()
        brokers.createsTopics = false
        let rig = try Rig(routes: [Rig.route(row.pubsub)], brokers: brokers)
        for topic in ["t", "t2", "x"] { rig.brokers.createTopic(topic) }
        let policy = try row.policy.map { try $0.withRawBytes { try SessionPolicy.parse($0) } }
        let client = try rig.connect(policy: policy)
        client.send(Request.produce(1, row.records, acks: row.acks))
        rig.pass(5_000)
        let replies = try client.takeReplies()
        let reply = try #require(replies.count == 1 ? replies[0] : nil, "\(replies)")
        #expect(reply.failure?.code == row.refused)
        #expect((reply.results ?? []).map { $0.failure?.code } == row.codes)
        let stored = ["t", "t2", "x"].reduce(0) { $0 + (rig.brokers.logEnd($1) ?? 0) }
        #expect(Int(stored) == row.codes.count { $0 == nil })
    }

    @Test("headers of the route and of the host's policy are added to each record")
    func headers() throws {
        let world = try ProducingRig(
            #""headers":{"app":"web","who":"$principal","trace":"$trace"}"#)
        let client = try world.rig.connect(
            policy: try world.policy(#"{"principal":"bob","headers":{"tenant":"a"}}"#))
        _ = try world.ask(
            client,
            Request.produce(1, [.init("t", "v", headers: [("x", "1")]), .init("t", "w")]))
        let stored = try world.stored()
        #expect(
            stored.map(\.headers) == [
                ["x=1", "app=web", "who=bob", "tenant=a"], ["app=web", "who=bob", "tenant=a"],
            ])
    }

    @Test("so much a second; a large command overdraws, and is made up for")
    func rates() throws {
        let world = try ProducingRig(
            #""limits":{"produce_records_per_second":10,"produce_bytes_per_second":100}"#)
        let client = try world.rig.connect()
        func ask(_ count: Int, _ size: Int) throws -> Response {
            let value = String(repeating: "v", count: size)
            return try world.ask(
                client, Request.produce(1, (0..<count).map { _ in .init("t", value) }), within: 100)
        }
        #expect(try ask(25, 1).results?.count == 25)
        let refused = try #require(try ask(1, 1).failure)
        #expect(refused.code == 4 && refused.retriable)
        #expect(refused.message == "limits.produce_records_per_second: at most 10")
        world.rig.pass(1_500)
        #expect(try ask(1, 1).results?.count == 1)
        world.rig.pass(10_000)
        #expect(try ask(1, 250).results?.count == 1)
        let large = try #require(try ask(1, 1).failure)
        #expect(large.message == "limits.produce_bytes_per_second: at most 100")
        world.rig.pass(1_500)
        #expect(try ask(1, 1).results?.count == 1)
        let hits = world.rig.engine.metrics().limitHits
        #expect(hits["produce_records_per_second"] == 1 && hits["produce_bytes_per_second"] == 1)
    }
}
