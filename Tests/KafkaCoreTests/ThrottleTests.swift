import DevBroker
import KafkaCore
import KafkaMirror
import KafkaProtocol
import Testing
import Timing

/// Pauses that brokers ask for (`throttle_time_ms`, KIP-219).
@Suite struct ThrottleTests {
    private func filled(
        _ adjust: (inout BrokerSettings, inout ClusterSettings) -> Void = { _, _ in }
    ) throws -> World {
        let world = World { server, client in
            client.requestTimeoutMilliseconds = 100_000_000
            // Another connection is not throttled yet.
            client.pointConnectionsPerBroker = 1
            adjust(&server, &client)
        }
        world.server.createTopic("t")
        try world.fill("t", 0, 10)
        #expect(try world.offsets(world.outcome(world.read("t", at: 0)))?.first == 0)
        return world
    }

    private func throttle(_ world: World, milliseconds: Int32, times: Int = 1) {
        world.server.inject(Fault(.throttle(milliseconds: milliseconds), apiKey: 1, times: times))
    }

    private func told(_ world: World) -> [String] {
        world.logs.filter { $0.level >= .warning && $0.text.contains("throttle") }.map(\.text)
    }

    @Test("the longest throttle that a broker can tell is honoured for an hour")
    func hour() throws {
        let world = try filled()
        // An answer without partitions: the read goes on waiting.
        var isToThrottle = true
        world.answer = { _, header, _ in
            guard header.apiKey == FetchRequest.apiKey, isToThrottle else { return nil }
            isToThrottle = false
            let response = FetchResponse(throttleTimeMilliseconds: .max)
            return .frame(
                Frames.response(header) { writer in
                    response.encode(
                        &writer, version: header.apiVersion,
                        records: UnsafeRawBufferPointer(start: nil, count: 0))
                })
        }
        let start = world.now
        let next = world.read("t", at: 10)
        #expect(world.outcome(next, within: 3_500_000) == nil)
        guard case .empty = world.outcome(next, within: 200_000) else { throw MissingRecords() }
        #expect((3_590_000...3_610_000).contains(world.now.milliseconds(since: start)))
        #expect(world.client.counters.throttledMilliseconds == 3_600_000)
        #expect(told(world).count == 1 && told(world)[0].contains("(asked for 2147483647)"))
    }

    @Test("a throttle that nobody waits for ends with its connection, which is closed when idle")
    func reaped() throws {
        let world = try filled()
        throttle(world, milliseconds: .max)
        _ = world.outcome(world.read("t", at: 10))
        world.run(40_000)
        #expect(world.client.connectionCount == 0)
        let start = world.now
        guard case .empty = world.outcome(world.read("t", at: 10)) else { throw MissingRecords() }
        #expect(world.now.milliseconds(since: start) < 100)
    }

    @Test("a connection is not closed for being idle while somebody waits for its throttle's end")
    func awaited() throws {
        let world = try filled()
        throttle(world, milliseconds: 120_000)
        _ = world.outcome(world.read("t", at: 10))
        let start = world.now
        #expect(world.outcome(world.read("t", at: 10), within: 200_000) != nil)
        #expect(world.now.milliseconds(since: start) > 110_000)
        #expect(world.client.counters.connectionsLost == 0)
    }

    @Test("what a throttle keeps from its answer in time is told to be throttled")
    func cause() throws {
        let world = try filled { _, client in client.requestTimeoutMilliseconds = 5_000 }
        for key in [FetchRequest.apiKey, ListOffsetsRequest.apiKey] {
            world.server.inject(Fault(.throttle(milliseconds: 60_000), apiKey: key))
        }
        _ = world.outcome(world.read("t", at: 10))
        let read = world.failure(world.outcome(world.read("t", at: 10), within: 6_000))
        #expect(read?.kind == .throttled && read?.text == "timeout" && read?.isRetriable == true)
        // The log takes equal causes for one: they do not tell how much is left.
        let later = world.failure(world.outcome(world.read("t", at: 10), within: 6_000))
        #expect(later?.kind == .throttled && later?.cause == read?.cause)
        _ = world.list("t", 0, -1)
        world.run(1_000)
        let list = world.list("t", 0, -1)
        world.run(6_000)
        #expect(world.listed[list].flatMap(Self.failure)?.kind == .throttled)
    }

    @Test("likewise where the only node that is known wants a pause before the first request")
    func causeOfMetadata() {
        let world = World { _, client in client.requestTimeoutMilliseconds = 5_000 }
        world.server.inject(Fault(.throttle(milliseconds: 60_000), apiKey: 18))
        let metadata = world.metadata(["t"])
        world.run(6_000)
        #expect(world.described[metadata].flatMap(Self.failure)?.kind == .throttled)
    }

    private static func failure<Value>(_ result: Result<Value, KafkaFailure>) -> KafkaFailure? {
        if case .failure(let failure) = result { failure } else { nil }
    }

    @Test("throttling is told when it begins and when it is over, and every pause is counted")
    func toldOnce() throws {
        let world = try filled()
        throttle(world, milliseconds: 200, times: 50)
        for _ in 0..<60 { _ = world.outcome(world.read("t", at: 10)) }
        #expect(world.client.counters.throttles == 50)
        #expect(world.client.counters.throttledMilliseconds == 10_000)
        #expect(told(world).count == 1)
        #expect(told(world).first?.contains("client.id \"world\"") == true)
        world.run(61_000)
        _ = world.outcome(world.read("t", at: 10))
        #expect(told(world).count == 2 && told(world)[1].contains("any more"))
    }
}
