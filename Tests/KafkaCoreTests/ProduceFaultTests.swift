import DevBroker
import KafkaProducing
import TestSupport
import Testing
import Timing

@testable import KafkaCore

private let chosenSeeds = simulationSeeds(usual: 1...24)

/// Producers under random faults. A failing seed replays (SIMULATION_SEEDS=FROM-TO).
@Suite struct ProduceFaultTests {
    @Test(arguments: chosenSeeds)
    func eachRecordOnceAndInOrder(_ seed: UInt64) throws {
        if chosenSeeds.count > 24 { print("produce faults: seed \(seed)") }
        let world = self.world(seed)
        let producer = world.producer {
            $0.requestTimeoutMilliseconds = 3_000
            $0.batchBytes = seed % 2 == 0 ? 400 : 16 << 10
            $0.deliveryTimeoutMilliseconds = 1_000_000
        }
        let sent = try produce(world, producer)
        let results = world.results
        for partition in sent.indices {
            for token in sent[partition] {
                guard case .delivered? = results[token]?.first, results[token]?.count == 1 else {
                    Issue.record("\(token): \(results[token].map { "\($0)" } ?? "no report")")
                    continue
                }
            }
            #expect(try world.stored("t", Int32(partition)) == sent[partition])
        }
        #expect(world.areCounted)
    }

    /// Without sequences a lost answer means a repetition, and an error the broker's word.
    @Test(arguments: chosenSeeds)
    func withTheLeadersWordAtLeastOnce(_ seed: UInt64) throws {
        let world = self.world(seed)
        let producer = world.producer {
            $0.acks = .leader
            $0.isIdempotent = false
            $0.requestTimeoutMilliseconds = 3_000
            $0.deliveryTimeoutMilliseconds = 1_000_000
        }
        let sent = try produce(world, producer)
        for partition in sent.indices {
            let stored = try world.stored("t", Int32(partition))
            var firsts: [UInt64] = []
            for token in stored where !firsts.contains(token) { firsts.append(token) }
            #expect(firsts == sent[partition])
        }
    }

    /// All of a transaction, or nothing of it, whatever becomes of requests.
    @Test(arguments: chosenSeeds)
    func wholeTransactionsOrNone(_ seed: UInt64) throws {
        let world = self.world(seed)
        let producer = world.producer {
            $0.transactionalID = "x"
            $0.requestTimeoutMilliseconds = 3_000
            $0.deliveryTimeoutMilliseconds = 1_000_000
        }
        guard begin(world, producer) else { return }
        var token: UInt64 = 0
        var rounds: [Round] = []
        for round in 0..<12 {
            guard
                world.transact({ $0.beginTransaction(producer, now: $1, &$2) }) == nil
            else { break }
            var sent: [[UInt64]] = [[], [], []]
            for _ in 0..<Int.random(in: 0...20, using: &world.random) {
                let partition = Int.random(in: 0..<3, using: &world.random)
                if world.produce(producer, "t", Int32(partition), token: token) == .accepted {
                    sent[partition].append(token)
                }
                token += 1
                fault(world)
                world.run(Int64.random(in: 0...30, using: &world.random))
            }
            if round == 11 { heal(world) }
            let told = world.outcomesOfTransactions.count
            let end = finish(world, producer, commits: Bool.random(using: &world.random))
            let isUnknown = world.outcomesOfTransactions[told...].contains(where: Self.isUnknown)
            switch end {
            case .committed: rounds.append(Round(sent: sent, isCommitted: true))
            case .aborted: rounds.append(Round(sent: sent, isCommitted: isUnknown ? nil : false))
            case .none, .initialized, .broken, .late, .failed:
                rounds.append(Round(sent: sent, isCommitted: nil))
                return check(world, rounds)
            }
        }
        heal(world)
        world.run(20_000)
        check(world, rounds)
    }

    private struct Round {
        /// Of each partition.
        var sent: [[UInt64]]
        /// nil: nobody could tell.
        var isCommitted: Bool?
    }

    private static func isUnknown(_ outcome: TransactionOutcome) -> Bool {
        if case .broken(let failure) = outcome { failure.mayBeStored } else { false }
    }

    // MARK: Steps

    private func world(_ seed: UInt64) -> World {
        let profile = BrokerProfile.allCases[Int(seed) % BrokerProfile.allCases.count]
        let world = World(brokers: 3, seed: seed) { server, client in
            server.profile = profile
            client.requestTimeoutMilliseconds = 4_000
        }
        world.network.delayMax = 20
        world.server.createTopic("t", partitions: 3)
        return world
    }

    /// The tokens of each partition, in their order; all are reported of.
    private func produce(_ world: World, _ producer: ProducerID) throws -> [[UInt64]] {
        var sent: [[UInt64]] = [[], [], []]
        var token: UInt64 = 0
        for _ in 0..<60 {
            for _ in 0..<Int.random(in: 1...12, using: &world.random) {
                let partition = Int.random(in: 0..<3, using: &world.random)
                let acceptance = world.produce(
                    producer, "t", Int32(partition), token: token, padding: 40)
                #expect(acceptance == .accepted)
                sent[partition].append(token)
                token += 1
            }
            fault(world)
            world.run(Int64.random(in: 1...300, using: &world.random))
        }
        heal(world)
        let count = Int(token)
        world.run(300_000) { world.results.count == count }
        #expect(world.results.count == count)
        return sent
    }

    private func begin(_ world: World, _ producer: ProducerID) -> Bool {
        let refusal = world.transact { $0.initializeTransactions(producer, now: $1, &$2) }
        #expect(refusal == nil)
        world.run { !world.outcomesOfTransactions.isEmpty }
        #expect(world.outcomesOfTransactions == [.initialized])
        return world.outcomesOfTransactions == [.initialized]
    }

    /// The last word about the transaction that is open.
    private func finish(
        _ world: World, _ producer: ProducerID, commits: Bool
    ) -> TransactionOutcome? {
        let count = world.outcomesOfTransactions.count
        let refusal = world.transact {
            commits
                ? $0.commitTransaction(producer, now: $1, &$2)
                : $0.abortTransaction(producer, now: $1, &$2)
        }
        if refusal == nil {
            for _ in 0..<20 where world.outcomesOfTransactions.count == count {
                world.run(1_000) { world.outcomesOfTransactions.count > count }
                fault(world)
            }
            heal(world)
            world.run(120_000) { world.outcomesOfTransactions.count > count }
        }
        switch world.outcomesOfTransactions.last {
        case .broken where commits: return finish(world, producer, commits: false)
        case let last: return refusal == nil || !commits ? last : nil
        }
    }

    private func check(_ world: World, _ rounds: [Round]) {
        heal(world)
        world.run(90_000)
        let seen = (0..<3).map { (try? world.stored("t", Int32($0), .readCommitted)) ?? [] }
        let all = Set(seen.joined())
        let good = rounds.filter { round in
            round.isCommitted ?? round.sent.joined().contains(where: all.contains)
        }
        for partition in 0..<3 {
            #expect(seen[partition] == good.flatMap { $0.sent[partition] })
        }
    }

    private func fault(_ world: World) {
        let broker = Int32.random(in: 1...3, using: &world.random)
        let partition = Int32.random(in: 0..<3, using: &world.random)
        switch Int.random(in: 0..<24, using: &world.random) {
        case 0: world.change { server, _ in server.closeConnections(broker: broker) }
        case 1: world.change { _ = $0.moveLeader("t", partition, to: broker, now: $1) }
        case 2
        where world.server.brokerIDs.count { world.server.open(broker: $0, now: world.now) != nil }
            == 3:
            world.change { $0.takeDown(broker, now: $1) }
        case 3: for id in world.server.brokerIDs { world.change { $0.bringUp(id, now: $1) } }
        case 4: world.server.inject(Fault(.delay(milliseconds: 700), broker: broker, times: 3))
        case 5: world.server.inject(Fault(.cut(bytes: 12), apiKey: 0, broker: broker))
        case 6: world.server.inject(Fault(.error(6), apiKey: 0, topic: "t", times: 3))
        case 7: world.server.inject(Fault(.errorAfter(7), apiKey: 0, topic: "t", times: 2))
        case 8: world.server.inject(Fault(.error(19), apiKey: 0, topic: "t", times: 2))
        case 9: world.server.inject(Fault(.throttle(milliseconds: 300), apiKey: 0, broker: broker))
        case 10: world.server.inject(Fault(.silence, apiKey: 0, broker: broker))
        case 11: world.server.inject(Fault(.wrongCorrelation, broker: broker))
        case 12: world.server.inject(Fault(.close, apiKey: 22))
        case 13: world.server.inject(Fault(.close, apiKey: 24, times: 2))
        case 14: world.server.inject(Fault(.close, apiKey: 26))
        case 15: world.server.inject(Fault(.error(16), apiKey: 26, times: 1))
        case 16: world.network.breakOne()
        case 17:
            // Whoever connects anew learns of it.
            world.server.setTransactionVersion(Int16.random(in: 0...2, using: &world.random))
            world.change { server, _ in server.closeConnections(broker: broker) }
        default: break
        }
    }

    private func heal(_ world: World) {
        world.server.clearFaults()
        for id in world.server.brokerIDs { world.change { $0.bringUp(id, now: $1) } }
    }
}
