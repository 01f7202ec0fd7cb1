import DevBroker
import KafkaCore
import Testing

@testable import GatewayCore

/// Sessions that leave while much of what they asked for is under way.
@Suite struct LeavingTests {
    private static let waits = 64

    private func rig() throws -> Rig {
        let rig = try Rig()
        rig.brokers.createTopic("quiet")
        try rig.register(("cmd_echo", 1000, 1001))
        return rig
    }

    /// All the commands that it may have wait for records that do not come.
    private func waiting(_ rig: Rig) throws -> TestClient {
        let client = try rig.connect()
        for number in 1...Self.waits {
            client.send(Request.fetch(Int64(number), "quiet", 0, 0, maxWait: 30_000))
        }
        #expect(client.isReadingPaused)
        return client
    }

    private func left(_ client: TestClient) {
        client.rig.engine.clientLeft(client.id, now: client.rig.now)
    }

    private func turn(_ rig: Rig) {
        rig.engine.work(now: rig.now)
        rig.engine.beginTurn()
    }

    @Test("what sessions that leave together had asked for is taken back in turns, and all of it")
    func inTurns() throws {
        let rig = try rig()
        let clients = try (0..<20).map { _ in try waiting(rig) }
        #expect(rig.engine.reads.count == clients.count * Self.waits)
        for client in clients { rig.engine.failed(client.id, "gone", now: rig.now) }
        #expect(rig.engine.reads.count > 1_000)
        turn(rig)
        let left = rig.engine.reads.count
        #expect(left < clients.count * Self.waits && left > 0)
        rig.settle()
        #expect(rig.engine.reads.isEmpty && rig.engine.leaving.isEmpty)
        let closes = rig.engine.metrics().closes.values.reduce(0, +)
        #expect(closes == clients.count)
    }

    @Test("it is taken back in the order in which it was asked for")
    func order() throws {
        let rig = try rig()
        let client = try waiting(rig)
        rig.engine.failed(client.id, "gone", now: rig.now)
        let numbers = try #require(rig.engine.leaving.first).commands.map(\.number)
        #expect(numbers.count == Self.waits && numbers == numbers.sorted(by: >))
        rig.settle()
    }

    @Test("their route and its cluster may go meanwhile")
    func routeIsRemoved() throws {
        let rig = try rig()
        let clients = try (0..<20).map { _ in try waiting(rig) }
        for client in clients { rig.engine.failed(client.id, "gone", now: rig.now) }
        turn(rig)
        #expect(!rig.engine.leaving.isEmpty)
        rig.engine.setRoutes(RouteTable(), closing: ["kafka"], now: rig.now)
        #expect(rig.engine.seats.isEmpty && rig.engine.reads.isEmpty)
        rig.settle()
        #expect(rig.engine.leaving.isEmpty && rig.engine.requests.isEmpty)
        rig.engine.setRoutes(rig.table, now: rig.now)
        let next = try rig.connect()
        #expect(try next.ask(Request.fetch(1, "quiet", 0, 0)).failure == nil)
    }

    @Test("the Close frame of a client that was not read from is looked at when it leaves")
    func closeFrame() throws {
        let rig = try rig()
        let client = try waiting(rig)
        client.sendClose(1001)
        #expect(client.closed == nil)
        left(client)
        rig.settle()
        #expect(client.closed?.code == 1001 && rig.engine.reads.isEmpty)
    }

    @Test("so is what it has told the host; nothing else is begun any more")
    func hostCommand() throws {
        let rig = try rig()
        let client = try waiting(rig)
        client.send(
            Request.host(100, 1000, "last"), Request.fetch(101, "quiet", 0, 0),
            Request.metadata(102), Request.ping(103))
        #expect(rig.takeCalls().isEmpty)
        left(client)
        rig.settle()
        #expect(rig.takeCalls().map(\.text) == ["last"])
        #expect(rig.engine.reads.isEmpty && rig.engine.requests.isEmpty)
        #expect(!client.isReadingPaused)
        client.endOfStream()
        #expect(client.closed?.code == 1006 && rig.over.count == 1)
        #expect(try client.takeReplies().isEmpty)
    }

    @Test("what a client that has left had sent is not inflated, unless the host might hear it")
    func inflated() throws {
        for hears in [false, true] {
            let rig = try Rig(routes: [Rig.route(#"{"compression":true}"#)])
            if hears { try rig.register(("cmd_echo", 1000, 1001)) }
            let client = try rig.connect("/kafka", "Sec-WebSocket-Extensions: permessage-deflate")
            let packed = rig.deflate([UInt8](repeating: 0, count: 1_000_000))
            let frame = ClientFrame(opcode: ClientFrame.binary, payload: packed, rsv1: true)
            let before = rig.engine.spent
            client.sendRaw(frame.bytes)
            let cost = rig.engine.spent - before
            #expect(cost > 1_000_000)
            left(client)
            let start = rig.engine.spent
            for _ in 0..<10 { client.sendRaw(frame.bytes) }
            let work = rig.engine.spent - start
            #expect(hears ? work > 5 * cost : work < cost / 10, "\(work)")
            client.sendClose(1000)
            #expect(client.closed?.code == 1000)
        }
    }

    @Test("who has left and fills the memory is over at once")
    func memory() throws {
        var settings = GatewaySettings()
        settings.memoryBytes = 1 << 20
        let rig = try Rig(settings: settings)
        let clients = try (0..<2).map { _ in try rig.connect() }
        for client in clients { client.sendRaw(Self.unfinished(400_000)) }
        clients[1].sendRaw([0])
        #expect(clients[1].isReadingPaused)
        #expect(rig.engine.metrics().heldBytes > settings.memoryBytes / 2)
        left(clients[1])
        rig.settle()
        #expect(rig.engine.metrics().heldBytes < settings.memoryBytes / 2)
        #expect(clients[1].closed?.code == 1006 && clients[0].closed == nil)
    }

    @Test("what many have held who end together is given back in turns")
    func givenBack() throws {
        let rig = try Rig()
        let clients = try (0..<40).map { _ in try rig.connect() }
        for client in clients { client.sendRaw(Self.unfinished(900_000)) }
        let held = rig.engine.metrics().heldBytes
        #expect(held > 30_000_000)
        for client in clients { rig.engine.failed(client.id, "reset", now: rig.now) }
        #expect(rig.engine.sessionCount == 0)
        rig.engine.work(now: rig.now)
        let left = rig.engine.metrics().heldBytes
        #expect(left < held && left > held / 2, "\(left) of \(held)")
        rig.settle()
        #expect(rig.engine.metrics().heldBytes == 0)
    }

    /// The start of a message that is longer.
    private static func unfinished(_ count: Int) -> [UInt8] {
        let payload = [UInt8](repeating: 0, count: count + 1_000)
        return Array(ClientFrame(opcode: ClientFrame.binary, payload: payload).bytes[..<count])
    }
}
