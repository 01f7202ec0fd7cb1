import KafkaMirror
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// A cluster with thousands of topics: an answer about them is read, applied and told in pieces.
@Suite struct LongMetadataTests {
    private typealias Told = MetadataResponse.Topic

    private final class Scene {
        let stage = Stage()
        let keeper: MetadataKeeper

        init() {
            keeper = MetadataKeeper(stage.context, links: stage.links, router: stage.router)
        }

        /// The request that is asked now.
        func asked() throws -> Stage.Sent {
            for _ in 0..<2 {
                stage.connect()
                stage.perform { keeper.flush() }
            }
            return try #require(stage.take(MetadataRequest.apiKey))
        }

        func lookUp(_ number: UInt64, _ topics: [String]? = nil) {
            let lookup = MetadataLookup(
                RequestToken(raw: number), topics: topics, deadline: .distantFuture)
            stage.perform { keeper.add(lookup) }
        }

        func work() { stage.perform { keeper.work(budgetBytes: LongMetadataTests.budget) } }

        /// What was told to whoever looked up, by their numbers.
        func described() -> [UInt64: [TopicDescription]] {
            var found: [UInt64: [TopicDescription]] = [:]
            for effect in stage.effects {
                guard case .metadataFinished(let token, .success(let topics)) = effect else {
                    continue
                }
                found[token.raw] = topics
            }
            return found
        }
    }

    private static let budget = 64 << 10
    private static let count = 3_000

    private func name(_ number: Int) -> String { "topic-\(10_000 + number)" }

    /// In no order; the last one is told twice.
    private func response() -> MetadataResponse {
        var topics = (0..<Self.count).map { number in
            let leader = MetadataResponse.Partition(partitionIndex: 0, leaderID: 1, leaderEpoch: 3)
            return Told(name: name(number * 7 % Self.count), partitions: [leader])
        }
        topics.append(Told(errorCode: 5, name: name(0)))
        return MetadataResponse(
            brokers: [.init(nodeID: 1, host: "broker-1", port: 9_092)], topics: topics)
    }

    private func answer(_ scene: Scene, _ asked: Stage.Sent, _ response: MetadataResponse) {
        scene.stage.answer(asked) { response.encode(&$0, version: $1) }
    }

    @Test("it takes many turns, and then all are told of all topics once, in order")
    func inPieces() throws {
        let scene = Scene()
        scene.lookUp(1)
        scene.lookUp(2)
        scene.lookUp(3, [name(5), "no-such"])
        let asked = try scene.asked()
        answer(scene, asked, response())
        #expect(scene.keeper.answers.count == 1)
        // Who comes meanwhile is told from an answer that was asked for later.
        scene.lookUp(4)
        var turns = 0
        while !scene.keeper.answers.isEmpty {
            #expect(scene.described().isEmpty || turns > 100)
            scene.work()
            turns += 1
        }
        // Each reads, applies and compares a few dozens.
        #expect(turns > 300, "\(turns)")
        let told = scene.described()
        let names = (0..<Self.count).map(name)
        #expect(told[1]?.map(\.name) == names && told[2]?.map(\.name) == names)
        #expect(told[1]?.allSatisfy { $0.failure == nil && $0.partitions.count == 1 } == true)
        #expect(told[3]?.map(\.name) == [name(5), "no-such"])
        #expect(told[3]?.map { $0.failure == nil } == [true, false])
        #expect(told[4] == nil)
        _ = try scene.asked()
    }

    @Test("a topic that is not told is gone only behind all that are told")
    func gone() throws {
        let scene = Scene()
        let names = (0..<500).map(name)
        for name in ["absent"] + names { scene.stage.perform { _ = scene.keeper.place(name, 0) } }
        let asked = try scene.asked()
        answer(scene, asked, response())
        _ = scene.stage.router.takeTold()
        var told: [String] = []
        while !scene.keeper.answers.isEmpty {
            scene.work()
            told += scene.stage.router.takeTold().filter {
                !$0.contains(" -") && !$0.contains("broker")
            }
        }
        let known = Set(names.map { "\($0) known" })
        #expect(told.count == 502 && told.prefix(500).allSatisfy(known.contains))
        #expect(told.suffix(2) == ["absent void", "absent failed: not found topic"])
    }

    @Test("one that cannot be read to its end changes nothing, and is asked for again")
    func malformed() throws {
        let scene = Scene()
        scene.stage.perform { _ = scene.keeper.place(name(1), 0) }
        let asked = try scene.asked()
        let response = response()
        scene.stage.answer(asked) { out, version in
            response.encode(&out, version: version)
            out.truncate(to: out.count - 9)
        }
        #expect(scene.stage.closed.isEmpty)
        _ = scene.stage.router.takeTold()
        while !scene.keeper.answers.isEmpty { scene.work() }
        #expect(scene.stage.closed == [asked.connection])
        #expect(scene.stage.router.takeTold() == ["broker -1 failed, has served"])
        #expect(scene.keeper.question == nil && scene.keeper.wantedFrom != nil)
    }

    @Test("its connection may end meanwhile: what was received counts")
    func lost() throws {
        let scene = Scene()
        scene.lookUp(1)
        let asked = try scene.asked()
        answer(scene, asked, response())
        scene.stage.lose(asked.connection)
        while !scene.keeper.answers.isEmpty { scene.work() }
        #expect(scene.described()[1]?.count == Self.count)
    }

    @Test("items are put in order as they came", arguments: [0, 1, 2, 3, 7, 8, 100, 1_025])
    func sorting(_ count: Int) {
        let items = (0..<count).map { (key: $0 * 31 % 50, number: $0) }
        var sorting = SortInPieces(items) { $0.key < $1.key }
        var steps = 0
        while !sorting.isDone {
            sorting.step()
            steps += 1
        }
        let sorted = (0..<count).map { sorting[$0] }
        #expect(
            sorted.map(\.number)
                == items.sorted { ($0.key, $0.number) < ($1.key, $1.number) }
                .map(\.number))
        #expect(steps <= count * 11)
    }
}
