import Bytes
import DevBroker
import KafkaMirror
import KafkaProtocol
import SASL
import Testing
import Timing

@testable import KafkaCore

/// Several requests on their way on one connection, as producing has them.
@Suite struct InFlightTests {
    enum Ending: Equatable {
        case answered(Int)
        case lost(Int, KafkaFailure.Kind)
    }

    private final class Endings { var all: [Ending] = [] }

    /// A request that says how it ended. Any API does: look-ups of offsets are answered at once.
    private final class Probe: WholeAnswerPurpose {
        let number: Int
        let endings: Endings

        init(_ number: Int, _ endings: Endings) {
            self.number = number
            self.endings = endings
        }

        func answered(_ response: ListOffsetsResponse, _ answer: Answer) {
            endings.all.append(.answered(number))
        }

        func lost(_ failure: KafkaFailure) { endings.all.append(.lost(number, failure.kind)) }
    }

    private let depth = ConnectionRole.producer.depth
    private let endings = Endings()

    /// A world whose producers' connection is open.
    private func connected(
        seed: UInt64 = 1,
        _ adjust: (inout BrokerSettings, inout ClusterSettings) -> Void = { _, _ in }
    ) throws -> World {
        let world = World(seed: seed, adjust)
        world.server.createTopic("t")
        try world.fill("t", 0, 10)
        _ = world.outcome(world.read("t", at: 0))
        #expect(send(world, 1) == 0)
        world.run(100)
        return world
    }

    /// Sends up to `count`; how many had room.
    private func send(_ world: World, _ count: Int, timeout: Int64 = 5_000) -> Int {
        var sent = 0
        world.inside { client in
            while sent < count, let broker = client.links.brokers.first,
                let connection = client.links.free(.producer, broker)
            {
                sent += 1
                let asked = ListOffsetsRequest.Partition(partitionIndex: 0, timestamp: -1)
                connection.send(
                    ListOffsetsRequest(topics: [.init(name: "t", partitions: [asked])]),
                    version: 4, for: Probe(sent, endings), timeoutMilliseconds: timeout)
            }
        }
        return sent
    }

    private func answered(_ range: ClosedRange<Int>) -> [Ending] { range.map { .answered($0) } }
    private func lost(_ range: ClosedRange<Int>, _ kind: KafkaFailure.Kind) -> [Ending] {
        range.map { .lost($0, kind) }
    }

    /// The look-ups' answers, by their number.
    private func script(_ world: World, _ answer: @escaping (Int, RequestHeader) -> World.Answer) {
        var number = 0
        world.answer = { _, header, _ in
            guard header.apiKey == ListOffsetsRequest.apiKey else { return nil }
            number += 1
            return answer(number, header)
        }
    }

    private func good(_ header: RequestHeader, throttle: Int32 = 0) -> World.Answer {
        let response = ListOffsetsResponse(throttleTimeMilliseconds: throttle)
        return .frame(Frames.response(header) { response.encode(&$0, version: header.apiVersion) })
    }

    @Test(
        "as many as the role says are sent at once, and answered in their order", arguments: 1...8)
    func order(_ seed: UInt64) throws {
        let world = try connected(seed: seed)
        world.network.pieceDelayMax = 5
        world.network.pieceBytesMax = 20
        #expect(send(world, 100) == depth)
        #expect(send(world, 1) == 0)
        world.run(10_000) { endings.all.count == depth }
        #expect(endings.all == answered(1...depth))
        #expect(send(world, 100) == depth)
        world.run(10_000)
        #expect(endings.all == answered(1...depth) + answered(1...depth))
        #expect(world.areCounted && world.client.counters.connectionsLost == 0)
    }

    @Test("a connection that is lost loses each that is not answered, once and in their order")
    func loss() throws {
        let world = try connected()
        script(world) { number, header in
            number <= 2 ? good(header) : number == 3 ? .reset : .silence
        }
        #expect(send(world, depth) == depth)
        world.run(1_000)
        #expect(endings.all == answered(1...2) + lost(3...depth, .unavailable))
        #expect(world.areCounted && world.endings(ListOffsetsRequest.apiKey, .lost) == 3)
    }

    @Test("the broker's silence about one ends those behind it too")
    func timeout() throws {
        let world = try connected()
        script(world) { number, header in number <= 2 ? good(header) : .silence }
        let start = world.now
        #expect(send(world, depth) == depth)
        world.run(4_900)
        #expect(endings.all == answered(1...2))
        world.run(200)
        #expect(endings.all == answered(1...2) + lost(3...depth, .timedOut))
        #expect(world.now.milliseconds(since: start) == 5_100)
        #expect(world.areCounted && world.endings(ListOffsetsRequest.apiKey, .timedOut) == 3)
    }

    @Test("an answer with another's correlation id answers nobody")
    func wrongCorrelation() throws {
        let world = try connected()
        script(world) { number, header in
            var header = header
            if number == 2 { header.correlationID += 1 }
            return good(header)
        }
        #expect(send(world, depth) == depth)
        world.run(1_000)
        #expect(endings.all == answered(1...1) + lost(2...depth, .unavailable))
        #expect(world.areCounted)
    }

    @Test("an answer that cannot be read is lost, and so are those behind it")
    func malformed() throws {
        let world = try connected()
        script(world) { number, header in
            number == 2 ? .frame(Frames.raw(header, [0, 0])) : good(header)
        }
        #expect(send(world, depth) == depth)
        world.run(1_000)
        #expect(endings.all == answered(1...1) + lost(2...depth, .unavailable))
        #expect(world.areCounted)
    }

    @Test("a throttle keeps back the next ones, not those on their way")
    func throttle() throws {
        let world = try connected()
        script(world) { number, header in good(header, throttle: number == 1 ? 2_000 : 0) }
        #expect(send(world, depth) == depth)
        world.run(100)
        #expect(endings.all == answered(1...depth))
        #expect(send(world, 1) == 0)
        world.run(2_000)
        #expect(send(world, 1) == 1)
    }

    @Test(
        "a login is renewed when all that is on its way has come, and before anything else is sent")
    func reauthentication() throws {
        let world = try connected { server, client in
            server.users.add("ann", password: "secret")
            server.sessionLifetimeMilliseconds = 10_000
            client.sasl = SASLCredentials(mechanism: .plain, username: "ann", password: "secret")
        }
        script(world) { _, header in
            let response = ListOffsetsResponse()
            let bytes = Frames.response(header) { response.encode(&$0, version: header.apiVersion) }
            return .late(milliseconds: 900, bytes)
        }
        let logins = world.count(SaslHandshakeRequest.apiKey)
        // Until the time for it has come something is on its way all the time.
        for _ in 0..<100 where world.count(SaslHandshakeRequest.apiKey) == logins {
            _ = send(world, 100)
            world.run(100)
        }
        #expect(world.count(SaslHandshakeRequest.apiKey) > logins)
        world.run(2_000)
        #expect(world.client.counters.connectionsLost == 0)
        #expect(!endings.all.contains { if case .lost = $0 { true } else { false } })
        #expect(endings.all.count > 2 * depth && send(world, 1) == 1)
    }

    // MARK: Batches

    private final class Produced: WholeAnswerPurpose {
        var told: [ProduceResponse] = []

        func answered(_ response: ProduceResponse, _ answer: Answer) { told.append(response) }
        func lost(_ failure: KafkaFailure) { Issue.record("lost: \(failure)") }
    }

    private func block(_ batch: TestBatch) -> ByteBlock {
        batch.bytes.withUnsafeBytes { ByteBlock(copying: $0) }
    }

    @Test("large batches go out from where they lie, small ones among the bytes around them")
    func batches() throws {
        let world = try connected()
        world.server.createTopic("u")
        let large = block(.plain(0, 3, valueBytes: 3_000))
        let small = block(.plain(0, 2))
        let purposes = [Produced(), Produced()]
        world.inside { client in
            for (purpose, batches) in zip(purposes, [[large, small], [small, large]]) {
                guard let broker = client.links.brokers.first,
                    let connection = client.links.free(.producer, broker)
                else { return }
                let topics = zip(["t", "u"], batches).map { name, batch in
                    let records = KafkaBytes(offset: 0, count: batch.count)
                    return ProduceRequest.Topic(
                        name: name, partitionData: [.init(index: 0, records: records)])
                }
                connection.send(
                    ProduceRequest(acks: -1, timeoutMilliseconds: 1_000, topicData: topics),
                    batches: batches, version: 8, for: purpose, timeoutMilliseconds: 5_000)
            }
        }
        world.run(1_000) { !purposes[1].told.isEmpty }
        let offsets = purposes.map { purpose in
            purpose.told.flatMap(\.responses).flatMap(\.partitionResponses).map(\.baseOffset)
        }
        #expect(offsets == [[10, 0], [13, 2]])
        let read = try #require(try world.messages(world.outcome(world.read("t", at: 10))))
        #expect(read.map(\.offset) == Array(10..<15) && world.areCounted)
        #expect(read.first?.value == TestBatch.value(0, 3_000))
        #expect(try world.offsets(world.outcome(world.read("u", at: 0))) == Array(0..<5))
    }
}
