import DevBroker
import KafkaCore
import Testing

@testable import GatewayCore

/// One session's turn has a bound, in work that is counted.
@Suite struct TurnTests {
    /// What one command may go beyond the end of a turn.
    private static let overMax = 300_000

    private static func frames(_ request: [UInt8], _ count: Int) -> [UInt8] {
        let frame = ClientFrame(opcode: ClientFrame.binary, payload: request).bytes
        return Array(repeatElement(frame, count: count).joined())
    }

    /// Hands bytes over, and does nothing else.
    private func feed(_ client: TestClient, _ bytes: [UInt8]) {
        var bytes = bytes
        let rig = client.rig
        bytes.withUnsafeMutableBytes { rig.engine.received(client.id, $0, now: rig.now) }
    }

    @Test("a turn does a bounded piece of work, whatever one session asks for")
    func bounded() throws {
        let rig = try Rig()
        let client = try rig.connect()
        rig.engine.beginTurn()
        feed(client, Self.frames(Request.fetch(1, "__refused", 0, 0), 2_000))
        rig.settle()
        #expect(try client.takeReplies().count == 2_000)
        let work = rig.engine.metrics().turnWorkMax
        #expect(work > Work.turn / 2 && work < Work.turn / 2 * 3 + Self.overMax, "\(work)")
    }

    @Test("who asks for little is answered in the next turn, however many ask for much")
    func fair() throws {
        let rig = try Rig()
        let many = try (0..<30).map { _ in try rig.connect() }
        let one = try rig.connect()
        _ = try one.ask(Request.ping(1))
        for client in many { feed(client, Self.frames(Request.fetch(1, "__refused", 0, 0), 1_000)) }
        turn(rig)
        // Nobody has all that it asked for: they share.
        #expect(many.allSatisfy { rig.engine.unsentBytes(of: $0.id) < 1_000 * 20 })
        feed(one, Self.frames(Request.ping(2, "abc"), 1))
        #expect(rig.engine.unsentBytes(of: one.id) == 0)
        turn(rig)
        #expect(rig.engine.unsentBytes(of: one.id) > 0)
        #expect(many.allSatisfy { rig.engine.unsentBytes(of: $0.id) < 1_000 * 20 })
        rig.settle()
        for client in many { #expect(try client.takeReplies().count == 1_000) }
    }

    @Test(
        "what is received for later counts at once: who may not go on does not seem to need nothing"
    )
    func held() throws {
        let rig = try Rig()
        let many = try (0..<30).map { _ in try rig.connect() }
        let (one, other) = (try rig.connect(), try rig.connect())
        for client in [one, other] {
            for number in 1...8 { _ = try client.ask(Request.ping(Int64(number))) }
        }
        for client in many { feed(client, Self.frames(Request.fetch(1, "__refused", 0, 0), 1_000)) }
        let before = rig.engine.spent
        feed(one, Self.unfinished(16_000))
        feed(other, Self.frames(Request.ping(9), 1))
        #expect(rig.engine.spent - before >= Work.received(16_000) + 2 * Work.pause)
        #expect(rig.engine.rank(of: one.id) > rig.engine.rank(of: other.id) + 1)
        rig.settle()
    }

    private func turn(_ rig: Rig) {
        rig.engine.work(now: rig.now)
        rig.engine.beginTurn()
    }

    @Test("replies that tell of all topics are made when there is room, and all of them")
    func metadata() throws {
        var settings = GatewaySettings()
        settings.memoryBytes = 1 << 20
        let rig = try Rig(
            routes: [Rig.route(#"{"limits":{"unsent_bytes":20000}}"#)], settings: settings)
        for number in 0..<300 { rig.brokers.createTopic("a-topic-with-a-usual-name-\(number)") }
        let clients = try (0..<60).map { _ in try rig.connect() }
        for client in clients {
            client.room = 0
            client.sendRaw(Self.frames(Request.metadata(1), 10))
        }
        rig.pass(1_000)
        let reply = 12_000
        #expect(rig.engine.unsentBytes(of: try #require(clients.first).id) > reply)
        let held = rig.engine.metrics().heldBytes
        #expect(held > settings.memoryBytes / 2 && held <= settings.memoryBytes, "\(held)")
        for client in clients {
            for _ in 0..<1_000 where client.isBlocked { client.read() }
        }
        rig.pass(1_000)
        for client in clients { #expect(try client.takeReplies().count == 10) }
        #expect(rig.engine.metrics().heldBytes == 0)
    }

    @Test("all who ask for all topics at once are told in turns, one reply is made for all")
    func allTopics() throws {
        let rig = try Rig()
        let names = (0..<2_000).map { "a-topic-with-a-usual-name-\(10_000 + $0)" }
        for name in names { rig.brokers.createTopic(name) }
        let narrow = try #"{"topics":{"allow":["*-name-10007"]}}"#.withRawBytes {
            try SessionPolicy.parse($0)
        }
        let clients = try (0..<60).map { try rig.connect(policy: $0 == 59 ? narrow : nil) }
        _ = try clients[0].ask(Request.metadata(1))
        rig.engine.beginTurn()
        for (number, client) in clients.enumerated() {
            feed(client, Self.frames(Request.metadata(Int64(number)), 3))
        }
        rig.settle()
        let all = Response.Body.metadata(
            names.map { Response.Topic(name: $0, partitions: [0], code: 0) })
        for (number, client) in clients.enumerated() {
            let replies = try client.takeReplies()
            #expect(replies.map(\.sequence) == [Int64](repeating: Int64(number), count: 3))
            guard number < 59 else {
                #expect(
                    replies.map(\.body)
                        == [Response.Body](
                            repeating: .metadata([.init(name: names[7], partitions: [0], code: 0)]),
                            count: 3))
                continue
            }
            #expect(replies.allSatisfy { $0.body == all })
        }
        let work = rig.engine.metrics().turnWorkMax
        // To send 180 of them counts as well; to make each would count twice as much.
        #expect(work < 60 * names.count * Work.topic, "\(work)")
        #expect(rig.engine.seats.allSatisfy { $0.allTopics == nil })
        #expect(rig.engine.metrics().heldBytes == 0)
    }

    @Test("a message that may inflate waits for its turn, the first one too")
    func inflates() throws {
        let rig = try Rig(routes: [Rig.route(#"{"compression":true}"#)])
        let one = try rig.connect("/kafka", "Sec-WebSocket-Extensions: permessage-deflate")
        let other = try rig.connect()
        rig.engine.beginTurn()
        for client in [other, one] { feed(client, Self.frames(Request.ping(1), 1)) }
        #expect(rig.engine.unsentBytes(of: one.id) == 0)
        #expect(rig.engine.unsentBytes(of: other.id) > 0)
        rig.settle()
        #expect(try one.takeReplies().count == 1)
    }

    @Test("the more sessions have something, the less is received of each at a time")
    func received() throws {
        let engine = try Rig().engine
        let sizes = [1, 64, 256, 10_000].map { engine.receiveBytesMax(ready: $0) }
        #expect(sizes == [1 << 20, 16 << 10, 4 << 10, 4 << 10])
    }

    @Test("who was stopped for its commands while the memory was full goes on when there is room")
    func wokenForMemory() throws {
        var settings = GatewaySettings()
        settings.memoryBytes = 1 << 20
        let rig = try Rig(
            routes: [Rig.route(#"{"limits":{"commands_in_flight":2}}"#)], settings: settings)
        rig.brokers.createTopic("quiet")
        let one = try rig.connect()
        let other = try rig.connect()
        let waits = (1...2).map { Request.fetch($0, "quiet", 0, 0, maxWait: 1_000) }
        one.sendRaw(waits.flatMap { Self.frames($0, 1) } + Self.unfinished(300_000))
        #expect(one.isReadingPaused)
        other.sendRaw(Self.unfinished(900_000))
        rig.pass(2_000)
        #expect(try one.takeReplies().count == 2)
        #expect(one.isReadingPaused)
        other.endOfStream()
        rig.pass(1)
        #expect(!one.isReadingPaused)
    }

    /// The start of a message that is longer.
    private static func unfinished(_ count: Int) -> [UInt8] {
        let payload = [UInt8](repeating: 0, count: count + 1_000)
        let frame = ClientFrame(opcode: ClientFrame.binary, payload: payload)
        return Array(frame.bytes.dropLast(1_000))
    }

    @Test("memory that a message takes while it comes counts as work")
    func grown() throws {
        let rig = try Rig()
        let client = try rig.connect()
        rig.engine.beginTurn()
        let before = rig.engine.spent
        feed(client, Self.unfinished(400_000))
        #expect(rig.engine.spent - before >= Work.received(400_000) + Work.grown(400_000))
    }

    @Test("sessions whose time is over at one moment end in turns")
    func ends() throws {
        let rig = try Rig()
        let clients = try (0..<100).map { _ in try rig.connect() }
        for client in clients {
            rig.engine.close(client.id, code: 1000, reason: "", now: rig.now)
        }
        rig.settle()
        rig.pass(5_000)
        #expect(clients.allSatisfy { $0.closed != nil })
        let work = rig.engine.metrics().turnWorkMax
        #expect(work > Work.turn / 2 && work < Work.turn + Self.overMax, "\(work)")
    }

    @Test("who is stopped for memory in the middle of a message is ended after a while")
    func stoppedForMemory() throws {
        var settings = GatewaySettings()
        settings.memoryBytes = 1 << 20
        let rig = try Rig(settings: settings)
        let clients = try (0..<2).map { _ in try rig.connect() }
        for client in clients { client.sendRaw(Self.unfinished(400_000)) }
        clients[1].sendRaw([0])
        #expect(clients[1].isReadingPaused)
        rig.pass(4_900)
        #expect(clients[1].closeFrame == nil)
        rig.pass(200)
        #expect(clients[1].closeFrame?.code == 1013 && clients[0].closeFrame == nil)
    }

    @Test("messages that never end are bounded together, and end with their time")
    func unfinished() throws {
        var settings = GatewaySettings()
        settings.memoryBytes = 4 << 20
        let rig = try Rig(settings: settings)
        let clients = try (0..<20).map { _ in try rig.connect() }
        let start = Self.unfinished(800_000)
        for client in clients {
            for from in stride(from: 0, to: start.count, by: 16_000) where !client.isReadingPaused {
                client.sendRaw(Array(start[from..<min(from + 16_000, start.count)]))
            }
        }
        let held = rig.engine.metrics().heldBytes
        #expect(held > settings.memoryBytes / 2 && held <= settings.memoryBytes, "\(held)")
        let other = try rig.connect()
        #expect(try other.ask(Request.ping(1)).body == .pong([]))
        rig.pass(60_000)
        #expect(rig.engine.metrics().heldBytes == 0)
    }
}
