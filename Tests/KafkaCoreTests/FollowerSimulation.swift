import TestSupport
import Testing
import Timing

@testable import KafkaCore

/// Followers that come, leave, rest, go on and are granted credit in the middle of walks, from a
/// seed: each is told of every record once, in order, as far as its credit goes.
@Suite struct FollowerSimulation {
    private final class Watched {
        let follower: Follower
        var next: Int64
        var granted: Int64?
        var hasLeft = false

        init(_ follower: Follower, granted: Int64?) {
            self.follower = follower
            next = follower.offset
            self.granted = granted
        }
    }

    private final class Scene {
        let world: World
        var random: SeededRandom
        var watched: [UInt64: Watched] = [:]
        var ends: [Int64] = [0, 0]
        var told = 0
        /// They go on wherever they can.
        private var isEnding = false

        init(_ seed: UInt64) throws {
            random = SeededRandom(seed: seed)
            let cacheBytes = Bool.random(using: &random) ? 2_000 : 64 << 20
            world = World(brokers: 2, seed: seed, cacheBytes: cacheBytes)
            world.workBytes =
                Int.random(in: 1...20, using: &random) * FollowerWalks.bytesPerCost * 16
            world.server.createTopic("t", partitions: 2)
            for partition in 0..<2 { try fill(partition) }
            world.onTold = { [unowned self] in told($0, $1) }
            world.betweenPieces = { [unowned self] in
                if Int.random(in: 0..<3, using: &random) == 0 { try? change() }
            }
        }

        func fill(_ partition: Int) throws {
            let count = Int.random(in: 1...6, using: &random)
            try world.fill("t", Int32(partition), count, batch: 2)
            ends[partition] += Int64(count)
        }

        private func told(_ token: ReadToken, _ slice: RecordSlice) {
            guard let one = watched[token.raw] else { return }
            #expect(!one.hasLeft, "told behind its end")
            #expect(slice.firstOffset == one.next && slice.recordCount > 0)
            #expect(slice.nextOffset == slice.firstOffset + Int64(slice.recordCount))
            one.granted? -= Int64(slice.recordCount)
            #expect(one.granted ?? 0 >= 0, "more than was granted")
            told += 1
            if !isEnding, Int.random(in: 0..<10, using: &random) == 0 {
                one.granted? += Int64(slice.recordCount)
                world.client.giveBack(one.follower, slice)
            } else {
                one.next = slice.nextOffset
            }
            if isEnding || Int.random(in: 0..<4, using: &random) > 0 {
                world.client.goOn(one.follower)
            }
        }

        private var one: Watched? {
            let present = watched.keys.sorted().filter { watched[$0]?.hasLeft == false }
            return present.randomElement(using: &random).flatMap { watched[$0] }
        }

        func change() throws {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4: add()
            case 4:
                one.map { one in
                    one.hasLeft = true
                    world.client.detach(one.follower)
                }
            case 5: one.map { world.client.rest($0.follower) }
            case 6: one.map { world.client.goOn($0.follower) }
            case 7..<9: one.map { grant($0, Int64.random(in: 1...5, using: &random)) }
            default: try fill(Int.random(in: 0..<2, using: &random))
            }
        }

        private func add() {
            let partition = Int.random(in: 0..<2, using: &random)
            let isAtEnd = Int.random(in: 0..<4, using: &random) > 0
            let offset =
                isAtEnd ? ends[partition] : Int64.random(in: 0...ends[partition], using: &random)
            let credit = Bool.random(using: &random) ? Int64.random(in: 0...9, using: &random) : nil
            let follower = world.follow(
                "t", Int32(partition), at: offset,
                maxBytes: [1, 200, 1 << 20].randomElement(using: &random) ?? 1,
                Bool.random(using: &random) ? .readCommitted : .readUncommitted,
                credit: FollowCredit(records: credit))
            watched[follower.tag.raw] = Watched(follower, granted: credit)
            world.client.goOn(follower)
        }

        func grant(_ one: Watched, _ records: Int64) {
            one.granted? += records
            one.follower.credit.grant(records: records, bytes: 0)
            world.client.goOn(one.follower)
        }

        /// Everybody gets what is left.
        func finish() {
            world.betweenPieces = nil
            isEnding = true
            for tag in watched.keys.sorted() {
                if let one = watched[tag], !one.hasLeft { grant(one, 1_000_000) }
            }
            world.run(20_000)
            for one in watched.values where !one.hasLeft {
                #expect(one.next == ends[Int(one.follower.partition)], "\(one.follower.place)")
            }
        }
    }

    @Test("seeds", arguments: simulationSeeds(usual: 1...6))
    func everyFollowerIsToldOfEverythingOnce(_ seed: UInt64) throws {
        let scene = try Scene(seed)
        for _ in 0..<100 {
            for _ in 0..<3 { try scene.change() }
            scene.world.run(Int64.random(in: 0...40, using: &scene.random))
        }
        scene.finish()
        #expect(scene.told > 300, "seed \(seed): only \(scene.told) were told")
    }
}
