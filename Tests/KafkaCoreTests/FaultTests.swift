import DevBroker
import TestSupport
import Testing
import Timing

@testable import KafkaCore

private let chosenSeeds = simulationSeeds(usual: 1...24)

/// Readers under random faults: each must get exactly the records that it asked for, in order,
/// none twice, none missing. A failing seed replays (SIMULATION_SEEDS=FROM-TO).
@Suite struct FaultTests {
    /// One reader that goes on where it stands.
    private final class Follower {
        let partition: Int32
        let isolation: Isolation
        var next: Int64
        var got: [Int64] = []
        var token: ReadToken?

        init(_ partition: Int32, _ isolation: Isolation, _ start: Int64) {
            self.partition = partition
            self.isolation = isolation
            next = start
        }
    }

    @Test(arguments: chosenSeeds)
    func exactlyWhatWasAskedFor(_ seed: UInt64) throws {
        // A trap ends the process: its seed has to be known by then.
        if chosenSeeds.count > 24 { print("faults: seed \(seed)") }
        let profile = BrokerProfile.allCases[Int(seed) % BrokerProfile.allCases.count]
        let world = World(
            brokers: 3, seed: seed, cacheBytes: seed % 3 == 0 ? 64 << 10 : 8 << 20
        ) { server, client in
            server.profile = profile
            server.fetchSessionSlots = seed % 2 == 0 ? 1 : 100
            client.requestTimeoutMilliseconds = 4_000
            if seed % 8 >= 4 { client.rack = "near" }
        }
        if seed % 8 >= 4 { world.server.setRack("near", broker: 2) }
        world.network.delayMax = 20
        world.server.createTopic("t", partitions: 4)
        let followers = (0..<40).map { (number: Int) -> Follower in
            let isolation: Isolation = number % 3 == 0 ? .readCommitted : .readUncommitted
            return Follower(Int32(number % 4), isolation, Int64(number % 7) * 3)
        }
        var expected = [[Int64]](repeating: [], count: 4)
        var committed = [[Int64]](repeating: [], count: 4)
        for partition in 0..<4 as Range<Int32> {
            try write(world, partition, 40, &expected, &committed)
        }
        for round in 0..<60 {
            for follower in followers { ask(world, follower, isLast: false) }
            world.run(Int64.random(in: 1...400, using: &world.random))
            try collect(world, followers)
            checkConnections(world)
            fault(world, round)
            let partition = Int32.random(in: 0..<4, using: &world.random)
            try write(
                world, partition, Int.random(in: 1...12, using: &world.random), &expected,
                &committed)
        }
        heal(world)
        for _ in 0..<200 where followers.contains(where: { !isDone($0, expected, committed) }) {
            for follower in followers where !isDone(follower, expected, committed) {
                ask(world, follower, isLast: true)
            }
            world.run(500)
            try collect(world, followers)
        }
        for (number, follower) in followers.enumerated() {
            let all = follower.isolation == .readCommitted ? committed : expected
            let start = Int64(number % 7) * 3
            let wanted = all[Int(follower.partition)].filter { $0 >= start }
            #expect(follower.got == wanted, "partition \(follower.partition)")
        }
        for follower in followers { follower.token.map(world.cancel) }
        // Requests that were silenced end with their time limit.
        world.run(10_000)
        #expect(world.cache.outstandingReadBytes == 0)
        #expect(world.client.connectionCount <= 15)
    }

    /// The client's own view: a broker may see one that was closed a while longer.
    private func checkConnections(_ world: World) {
        let nodes = world.client.links.brokers + world.client.links.bootstrap
        for node in nodes { #expect(node.connections.count <= 5, "\(node.endpoint)") }
        #expect(world.client.connectionCount == nodes.reduce(0) { $0 + $1.connections.count })
    }

    private func isDone(
        _ follower: Follower, _ expected: [[Int64]], _ committed: [[Int64]]
    ) -> Bool {
        let all = follower.isolation == .readCommitted ? committed : expected
        return follower.got.last == all[Int(follower.partition)].last
    }

    private func ask(_ world: World, _ follower: Follower, isLast: Bool) {
        guard follower.token == nil else { return }
        let wait: Int64? =
            isLast ? nil : [nil, 300, .max].randomElement(using: &world.random) ?? nil
        follower.token = world.read(
            "t", follower.partition, at: follower.next,
            maxBytes: Int.random(in: 0...3_000, using: &world.random), follower.isolation,
            wait: wait)
    }

    private func collect(_ world: World, _ followers: [Follower]) throws {
        for follower in followers {
            guard let token = follower.token, let outcome = world.outcomes[token] else { continue }
            follower.token = nil
            switch outcome {
            case .records(let slice):
                // What the cache lost meanwhile is asked for again by the next read.
                guard let messages = try world.messages(outcome) else { continue }
                for message in messages {
                    #expect(message.value == TestBatch.value(message.offset, 60))
                    follower.got.append(message.offset)
                }
                #expect(messages.count == slice.recordCount)
                follower.next = slice.nextOffset
            case .empty(_, let next):
                #expect(next >= follower.next)
                follower.next = next
            case .failed(let failure):
                #expect(failure.isRetriable, "\(failure)")
            }
        }
    }

    private func write(
        _ world: World, _ partition: Int32, _ count: Int, _ expected: inout [[Int64]],
        _ committed: inout [[Int64]]
    ) throws {
        guard let start = world.server.logEnd("t", partition) else { return }
        let isTransactional = Int.random(in: 0..<3, using: &world.random) == 0
        let producer =
            isTransactional
            ? DevProducer(id: Int64(start) + 1_000 * Int64(partition), isTransactional: true) : nil
        try world.fill("t", partition, count, batch: count, valueBytes: 60, producer: producer)
        let offsets = start..<start + Int64(count)
        expected[Int(partition)] += offsets
        var isCommitted = true
        if let producer {
            isCommitted = Bool.random(using: &world.random)
            world.change {
                $0.endTransaction(
                    "t", partition, producer: producer, committed: isCommitted, now: $1)
            }
        }
        if isCommitted { committed[Int(partition)] += offsets }
    }

    private func fault(_ world: World, _ round: Int) {
        let broker = Int32.random(in: 1...3, using: &world.random)
        let partition = Int32.random(in: 0..<4, using: &world.random)
        switch Int.random(in: 0..<14, using: &world.random) {
        case 0: world.change { server, _ in server.closeConnections(broker: broker) }
        case 1: world.change { _ = $0.moveLeader("t", partition, to: broker, now: $1) }
        case 2
        where world.server.brokerIDs.count { world.server.open(broker: $0, now: world.now) != nil }
            == 3:
            world.change { $0.takeDown(broker, now: $1) }
        case 3: for id in world.server.brokerIDs { world.change { $0.bringUp(id, now: $1) } }
        case 4: world.server.inject(Fault(.delay(milliseconds: 700), broker: broker, times: 3))
        case 5: world.server.inject(Fault(.cut(bytes: 30), apiKey: 1, broker: broker))
        case 6: world.server.inject(Fault(.error(6), apiKey: 1, topic: "t", times: 3))
        case 7: world.server.inject(Fault(.error(75), apiKey: 1, topic: "t", times: 2))
        case 8: world.change { server, _ in server.dropFetchSessions(broker: broker) }
        case 9: world.server.inject(Fault(.throttle(milliseconds: 300), apiKey: 1, broker: broker))
        case 10: world.server.inject(Fault(.silence, apiKey: 1, broker: broker))
        case 11: world.server.inject(Fault(.wrongCorrelation, broker: broker))
        case 12: world.server.inject(Fault(.error(5), apiKey: 3, times: 1))
        case 13 where world.client.settings.rack != nil:
            world.server.setRack(["near", "far", nil][round % 3], broker: broker)
        default: break
        }
    }

    private func heal(_ world: World) {
        world.server.clearFaults()
        for id in world.server.brokerIDs { world.change { $0.bringUp(id, now: $1) } }
    }
}
