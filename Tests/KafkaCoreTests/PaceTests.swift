import Bytes
import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// Brokers whose answers do not help are asked again after a pause, and each pause is longer.
@Suite struct PaceTests {
    /// What a broker says to each Fetch.
    enum Useless: CaseIterable {
        case nothing, anotherPartition, diverging, pingPong, sessionGone, sessionOutOfStep, atOnce
        case hangsUp, garbage
    }

    /// Doubling from 100 ms to 2 s, a fifth less by jitter, and a first attempt at once.
    private static let requestsIn30Seconds = 30

    private func filled(
        _ adjust: (inout BrokerSettings, inout ClusterSettings) -> Void = { _, _ in }
    ) throws -> World {
        let world = World(brokers: 2, adjust)
        world.server.createTopic("t")
        try world.fill("t", 0, 20, batch: 5)
        return world
    }

    private func response(_ useless: Useless, _ id: KafkaUUID, _ count: Int) -> FetchResponse {
        var partition = FetchResponse.Partition(highWatermark: 20, lastStableOffset: 20)
        partition.records = KafkaBytes(offset: 0, count: 0)
        var response = FetchResponse()
        switch useless {
        case .nothing, .hangsUp, .garbage: return response
        case .anotherPartition: partition.partitionIndex = 7
        case .diverging: partition.divergingEpoch = .init(epoch: 0, endOffset: 5)
        case .pingPong:
            partition.errorCode = KafkaError.notLeaderOrFollower.rawValue
            partition.currentLeader = .init(
                leaderID: Int32(count % 2) + 1, leaderEpoch: Int32(count) + 1)
        case .sessionGone: response.errorCode = KafkaError.fetchSessionIdNotFound.rawValue
        case .sessionOutOfStep:
            response.errorCode = KafkaError.invalidFetchSessionEpoch.rawValue
        case .atOnce: response.sessionID = 77
        }
        response.responses = [.init(topicID: id, partitions: [partition])]
        return response
    }

    private func answer(_ useless: Useless, _ header: RequestHeader, _ id: KafkaUUID, _ count: Int)
        -> World.Answer
    {
        switch useless {
        case .hangsUp: .end
        case .garbage: .frame(Frames.raw(header, [1, 2, 3]))
        default:
            .frame(
                Frames.response(header) { writer in
                    response(useless, id, count).encode(
                        &writer, version: header.apiVersion,
                        records: UnsafeRawBufferPointer(start: nil, count: 0))
                })
        }
    }

    /// Fetches at `offset` that are asked in half a minute, where these answers come to those that
    /// fit.
    private func fetches(
        _ useless: Useless, at offset: Int64, longPolls: Bool, in world: World
    ) -> Int {
        var count = 0
        world.answer = { [unowned world] _, header, reader in
            guard header.apiKey == 1,
                let request = try? FetchRequest.decode(&reader, version: header.apiVersion),
                !longPolls || request.maxWaitMilliseconds > 0
            else { return nil }
            count += 1
            return answer(useless, header, world.server.topicID("t") ?? .zero, count)
        }
        let before = world.count(1)
        world.read("t", at: offset, wait: .max)
        world.run(30_000)
        return world.count(1) - before
    }

    @Test("Point reads that do not help are repeated ever more seldom", arguments: Useless.allCases)
    func pointReads(_ useless: Useless) throws {
        let world = try filled()
        let count = fetches(useless, at: 7, longPolls: false, in: world)
        #expect((3...Self.requestsIn30Seconds).contains(count), "\(count)")
        #expect((world.client.counters.retries[.fetch] ?? 0) >= 3)
        // And what helps in the end comes.
        world.answer = nil
        world.run(30_000)
        #expect(world.outcomes.count == 1)
        #expect(world.areCounted)
    }

    @Test(
        "Long polls that do not help are repeated ever more seldom, beside point reads that do",
        arguments: Useless.allCases)
    func longPolls(_ useless: Useless) throws {
        let world = try filled()
        let count = fetches(useless, at: 20, longPolls: true, in: world)
        // A point read or two for each poll.
        #expect((3...3 * Self.requestsIn30Seconds).contains(count), "\(count)")
        world.answer = nil
        world.run(30_000)
        try world.fill("t", 0, 1)
        world.run(5_000)
        #expect(world.outcomes.count == 1)
    }

    @Test("Offsets that are not told are asked for ever more seldom, however many want them")
    func lookUps() throws {
        let world = try filled()
        _ = try world.offset(world.list("t", 0, -1))?.get()
        world.answer = { _, header, _ in
            guard header.apiKey == 2 else { return nil }
            return .frame(
                Frames.response(header) {
                    ListOffsetsResponse().encode(&$0, version: header.apiVersion)
                })
        }
        let before = world.count(2)
        for _ in 0..<250 {
            _ = world.list("t", 0, -1)
            world.run(100)
        }
        #expect((3...Self.requestsIn30Seconds).contains(world.count(2) - before))
        #expect((world.client.counters.retries[.listOffsets] ?? 0) >= 3)
    }

    @Test("A broker that hangs up behind the set-up is tried ever more seldom")
    func hangsUpBehindSetUp() throws {
        let world = try filled()
        world.answer = { _, header, _ in header.apiKey == 3 ? .end : nil }
        world.read("t", at: 7, wait: .max)
        world.run(30_000)
        #expect((5...2 * Self.requestsIn30Seconds).contains(world.connects.count))
        #expect((world.client.counters.retries[.connect] ?? 0) >= 3)
    }

    @Test("The shortest lifetime of a login does not mean one login after the other")
    func shortLogins() throws {
        let world = try filled { server, client in
            server.users.add("ann", password: "secret")
            server.sessionLifetimeMilliseconds = 1
            client.sasl = .init(mechanism: .plain, username: "ann", password: "secret")
        }
        _ = world.outcome(world.read("t", at: 0))
        let before = world.count(36)
        world.run(10_000)
        #expect(world.count(36) - before <= 30)
    }
}
