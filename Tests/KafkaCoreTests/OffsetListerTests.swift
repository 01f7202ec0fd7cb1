import KafkaMirror
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// Look-ups of offsets: the service alone.
@Suite struct OffsetListerTests {
    private final class Scene {
        let stage = Stage()
        let lister: OffsetLister
        let topic: Topic
        private(set) var results: [Int: Result<ListedOffset, KafkaFailure>] = [:]

        init(partitions: Int32 = 2) throws {
            stage.know(1...2)
            topic = stage.topic("t", partitions, on: try stage.broker(1))
            lister = OffsetLister(stage.context, links: stage.links, router: stage.router)
            _ = stage.router.takeTold()
        }

        func ask(_ number: Int, _ partition: Int32 = 0, _ timestamp: Int64 = -1) {
            let lookup = OffsetLookup(
                topic: "t", partition: partition, timestamp: timestamp,
                isolation: .readUncommitted, deadline: stage.now.adding(milliseconds: 30_000),
                token: RequestToken(raw: UInt64(number))
            ) { [unowned self] in results[number] = $0 }
            stage.perform { lister.start(lookup) }
        }

        func flush() -> Stage.Sent? {
            stage.perform { lister.flush() }
            stage.connect()
            stage.perform { lister.flush() }
            return stage.take(ListOffsetsRequest.apiKey)
        }

        func answer(_ asked: Stage.Sent, _ told: [(Int32, code: Int16, offset: Int64)]) {
            let partitions = told.map {
                ListOffsetsResponse.Partition(
                    partitionIndex: $0.0, errorCode: $0.code, offset: $0.offset)
            }
            let response = ListOffsetsResponse(topics: [.init(name: "t", partitions: partitions)])
            stage.answer(asked) { response.encode(&$0, version: $1) }
        }

        func asked(_ sent: Stage.Sent) throws -> [ListOffsetsRequest.Partition] {
            try sent.decoded(ListOffsetsRequest.decode).topics.flatMap(\.partitions)
        }

        /// Metadata tells of another leader.
        func move(to leader: Broker?, epoch: Int32) throws {
            let partition = try #require(topic.partitions[0])
            let change = PartitionChange(
                partition: partition, oldLeader: partition.leader, oldEpoch: partition.leaderEpoch)
            partition.leader = leader
            partition.leaderEpoch = epoch
            stage.perform { lister.partitionChanged(change) }
        }

        func offset(_ number: Int) -> Int64? { try? results[number]?.get().offset }
    }

    @Test("equal look-ups are one, other partitions go with it, other timestamps with the next")
    func joined() throws {
        let scene = try Scene()
        scene.ask(1)
        scene.ask(2)
        scene.ask(3, 1)
        scene.ask(4, 0, -2)
        let first = try #require(scene.flush())
        let asked = try scene.asked(first)
        #expect(asked.map(\.partitionIndex) == [0, 1] && asked.map(\.timestamp) == [-1, -1])
        #expect(asked.allSatisfy { $0.currentLeaderEpoch == 3 })
        scene.answer(first, [(0, 0, 40), (1, 0, 50)])
        #expect(scene.offset(1) == 40 && scene.offset(2) == 40 && scene.offset(3) == 50)
        #expect(scene.results[4] == nil)
        let second = try #require(scene.flush())
        #expect(try scene.asked(second).map(\.timestamp) == [-2])
        scene.answer(second, [(0, 0, 7)])
        #expect(scene.offset(4) == 7 && scene.flush() == nil)
    }

    @Test("what an answer tells of a log, others are told")
    func learned() throws {
        let scene = try Scene()
        scene.ask(1)
        scene.answer(try #require(scene.flush()), [(0, 0, 40)])
        scene.ask(2, 0, -2)
        scene.answer(try #require(scene.flush()), [(0, 0, 7)])
        scene.ask(3, 0, 1_700_000_000_000)
        scene.answer(try #require(scene.flush()), [(0, 29, -1)])
        let told = scene.stage.router.takeTold().filter { $0.hasPrefix("t-0") }
        #expect(told == ["t-0 ends at 40", "t-0 starts at 7", "t-0: no right"])
        guard case .failure = scene.results[3] else { throw MissingRecords() }
    }

    @Test("an election takes back what is on its way: the late answer counts for nobody")
    func moved() throws {
        let scene = try Scene()
        scene.ask(1)
        let old = try #require(scene.flush())
        try scene.move(to: scene.stage.broker(2), epoch: 4)
        let new = try #require(scene.flush())
        #expect(new.connection != old.connection)
        #expect(try scene.asked(new).map(\.currentLeaderEpoch) == [4])
        scene.answer(old, [(0, 0, 1)])
        #expect(scene.results.isEmpty)
        scene.answer(new, [(0, 0, 2)])
        #expect(scene.offset(1) == 2)
    }

    @Test("without a leader the topic is asked for, and the look-up waits for it")
    func leaderless() throws {
        let scene = try Scene()
        scene.ask(1)
        try scene.move(to: nil, epoch: 3)
        #expect(scene.stage.router.takeTold().contains("t wanted again"))
        #expect(scene.lister.awaits(scene.topic) && scene.flush() == nil)
        try scene.move(to: scene.stage.broker(1), epoch: 4)
        scene.stage.perform { scene.lister.topicIsKnown(scene.topic) }
        scene.answer(try #require(scene.flush()), [(0, 0, 2)])
        #expect(scene.offset(1) == 2 && !scene.lister.awaits(scene.topic))
    }

    @Test("what passes is asked again after a pause, and an end that is not told is no answer")
    func retries() throws {
        for (code, offset) in [(6, -1), (78, -1), (0, -1)] as [(Int16, Int64)] {
            let scene = try Scene()
            scene.ask(1)
            scene.answer(try #require(scene.flush()), [(0, code, offset)])
            #expect(scene.results.isEmpty && scene.flush() == nil, "\(code)")
            #expect(scene.lister.nextDeadline > scene.stage.now)
            scene.stage.pass(1_000)
            scene.stage.perform { scene.lister.tick() }
            scene.answer(try #require(scene.flush()), [(0, 0, 5)])
            #expect(scene.offset(1) == 5)
        }
    }

    @Test("a lost request, or an answer that leaves a partition out, is asked again")
    func lost() throws {
        let scene = try Scene()
        scene.ask(1)
        scene.ask(2, 1)
        let first = try #require(scene.flush())
        scene.answer(first, [(1, 0, 9)])
        #expect(scene.offset(2) == 9 && scene.offset(1) == nil)
        scene.stage.pass(1_000)
        scene.stage.perform { scene.lister.tick() }
        let second = try #require(scene.flush())
        scene.stage.lose(second.connection)
        scene.stage.pass(10_000)
        scene.stage.perform { scene.lister.tick() }
        scene.answer(try #require(scene.flush()), [(0, 0, 8)])
        #expect(scene.offset(1) == 8)
    }

    @Test("a special timestamp that the broker's version lacks fails, and is never guessed at")
    func versions() throws {
        let scene = try Scene()
        scene.ask(1, 0, -4)
        #expect(scene.flush() == nil)
        guard case .failure(let failure) = scene.results[1] else { throw MissingRecords() }
        #expect(failure.code == KafkaError.unsupportedVersion.rawValue)
    }

    @Test("whoever waits is told at the deadline; whoever has left is not")
    func deadline() throws {
        let scene = try Scene()
        scene.ask(1)
        scene.ask(2)
        scene.stage.perform { scene.lister.cancel(RequestToken(raw: 2)) }
        scene.stage.pass(30_000)
        scene.stage.perform { scene.lister.tick() }
        guard case .failure(let failure) = scene.results[1] else { throw MissingRecords() }
        #expect(failure.kind == .timedOut && scene.results[2] == nil)
    }
}
