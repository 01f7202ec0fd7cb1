import KafkaMirror
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// What is known of topics and who leads them: the metadata service alone.
@Suite struct MetadataKeeperTests {
    private typealias Told = MetadataResponse.Partition

    private final class Scene {
        let stage: Stage
        let keeper: MetadataKeeper

        init(_ stage: Stage = Stage()) {
            self.stage = stage
            keeper = MetadataKeeper(stage.context, links: stage.links, router: stage.router)
        }

        func flush() { stage.perform { keeper.flush() } }

        /// Whether the topic is to be asked for.
        func place(_ name: String, _ index: Int32 = 0) -> TopicPlace {
            var place = TopicPlace.awaited(Topic("", now: .zero))
            stage.perform { place = keeper.place(name, index) }
            return place
        }

        func partition(_ name: String, _ index: Int32 = 0) -> Partition? {
            if case .partition(let partition) = place(name, index) { partition } else { nil }
        }

        /// Whatever is asked for is answered so.
        func answer(_ topics: [MetadataResponse.Topic], brokers: ClosedRange<Int32> = 1...2) throws
        {
            stage.connect()
            flush()
            stage.connect()
            flush()
            let asked = try #require(stage.take(MetadataRequest.apiKey))
            let nodes = brokers.map {
                MetadataResponse.Broker(nodeID: $0, host: "broker-\($0)", port: 9_092)
            }
            let response = MetadataResponse(brokers: nodes, topics: topics)
            stage.answer(asked) { response.encode(&$0, version: $1) }
        }

        /// The topic with one partition, led by `leader`.
        func know(_ leader: Int32, epoch: Int32, id: KafkaUUID = .zero) throws {
            let told = Told(partitionIndex: 0, leaderID: leader, leaderEpoch: epoch)
            try answer([.init(name: "t", topicID: id, partitions: [told])])
        }

        func again() {
            stage.pass(60_000)
            stage.perform { keeper.want(keeper.topic("t")) }
            flush()
        }

        func told() -> [String] {
            let ofBrokers = [
                "brokers changed", "broker -1 serves", "broker 1 serves", "broker 2 serves",
            ]
            return stage.router.takeTold().filter { !ofBrokers.contains($0) }
        }
    }

    private let one = KafkaUUID(high: 1, low: 1)
    private let two = KafkaUUID(high: 2, low: 2)

    @Test("a name is asked for once, and then is known with its leader")
    func known() throws {
        let scene = Scene()
        for _ in 0..<3 {
            guard case .awaited = scene.place("t") else { throw MissingRecords() }
        }
        try scene.know(2, epoch: 5)
        #expect(scene.told() == ["t-0: none/-1 -> 2/5", "t known"])
        #expect(scene.stage.take(MetadataRequest.apiKey) == nil)
        let partition = try #require(scene.partition("t"))
        #expect(partition.leader?.nodeID == 2 && partition.leaderEpoch == 5)
        #expect(partition.leaderSince == scene.stage.now)
    }

    @Test("what changes is told with what it was, and what does not change is not told")
    func changes() throws {
        let scene = Scene()
        _ = scene.place("t")
        try scene.know(1, epoch: 5)
        _ = scene.told()
        scene.again()
        try scene.know(1, epoch: 5)
        #expect(scene.told() == ["t known"])
        scene.again()
        try scene.know(2, epoch: 6)
        #expect(scene.told() == ["t-0: 1/5 -> 2/6", "t known"])
        scene.again()
        try scene.know(2, epoch: 7)
        #expect(scene.told() == ["t-0: 2/6 -> 2/7", "t known"])
    }

    @Test("a slow broker's older epoch is not believed, until it stays for several answers")
    func rewinds() throws {
        let scene = Scene()
        _ = scene.place("t")
        try scene.know(1, epoch: 5)
        _ = scene.told()
        for _ in 0..<MetadataAnswer.rewindsMax {
            scene.again()
            try scene.know(2, epoch: 4)
            #expect(scene.told() == ["t known"])
        }
        scene.again()
        try scene.know(2, epoch: 4)
        #expect(scene.told() == ["t-0: 1/5 -> 2/4", "t known"])
    }

    @Test("a leader that is not among the brokers is none (KAFKA-9261), and is asked for again")
    func strangeLeader() throws {
        let scene = Scene()
        _ = scene.place("t")
        try scene.know(9, epoch: 5)
        let partition = try #require(scene.partition("t"))
        #expect(partition.leader == nil && partition.leaderless.contains("its leader 9"))
        #expect(scene.keeper.wantedFrom != nil)
    }

    @Test("a topic that is created anew has other partitions, and the old ones are gone")
    func recreated() throws {
        let scene = Scene()
        _ = scene.place("t")
        try scene.know(1, epoch: 5, id: one)
        let old = try #require(scene.partition("t"))
        _ = scene.told()
        scene.again()
        try scene.know(1, epoch: 0, id: two)
        #expect(
            scene.told() == [
                "t-0: none/-1 -> 1/0", "t-0 gone", "t-0: 1/5 -> none/5", "t known",
            ])
        #expect(scene.partition("t") !== old && old.leader == nil)
    }

    @Test("a partition that is not told any more is gone")
    func deletedPartition() throws {
        let scene = Scene()
        _ = scene.place("t")
        let both = [0, 1].map { Told(partitionIndex: $0, leaderID: 1, leaderEpoch: 2) }
        try scene.answer([.init(name: "t", partitions: both)])
        _ = scene.told()
        scene.again()
        try scene.know(1, epoch: 2)
        #expect(scene.told() == ["t-1 gone", "t-1: 1/2 -> none/2", "t known"])
    }

    @Test("a topic that is not there fails, and is asked for again after a while only")
    func notFound() throws {
        let scene = Scene()
        _ = scene.place("t")
        try scene.answer([.init(errorCode: 3, name: "t")])
        #expect(scene.told() == ["t void", "t failed: not found topic"])
        guard case .trouble(let failure) = scene.place("t") else { throw MissingRecords() }
        #expect(failure.kind == .notFound)
        scene.flush()
        #expect(scene.stage.take(MetadataRequest.apiKey) == nil)
        scene.stage.pass(250)
        guard case .awaited = scene.place("t") else { throw MissingRecords() }
    }

    @Test("a refused topic takes away what was read of it")
    func refused() throws {
        let scene = Scene()
        _ = scene.place("t")
        try scene.know(1, epoch: 5)
        _ = scene.told()
        scene.again()
        try scene.answer([.init(errorCode: 29, name: "t")])
        #expect(scene.told() == ["t void", "t-0: 1/5 -> none/5", "t failed: not found topic"])
    }

    @Test("KIP-951: a named leader is followed at once, if its epoch is newer")
    func hint() throws {
        let scene = Scene()
        _ = scene.place("t")
        try scene.know(1, epoch: 5)
        let partition = try #require(scene.partition("t"))
        _ = scene.told()
        func hint(_ node: Int32, _ epoch: Int32, _ endpoint: Endpoint? = nil) {
            let hint = LeaderHint(
                partition: partition, nodeID: node, epoch: epoch, endpoint: endpoint)
            scene.stage.perform { scene.keeper.follow(hint) }
        }
        hint(2, 5)
        hint(8, 6)
        #expect(scene.told().isEmpty)
        hint(2, 6)
        #expect(scene.told() == ["t-0: 1/5 -> 2/6"])
        hint(8, 7, Stage.endpoint(8))
        #expect(scene.told() == ["t-0: 2/6 -> 8/7"])
        #expect(try scene.stage.broker(8).endpoint == Stage.endpoint(8))
    }

    @Test("when no node answers, everybody is told, and nobody is asked until the next attempt")
    func outage() throws {
        let scene = Scene()
        _ = scene.place("t")
        scene.flush()
        scene.stage.lose(scene.stage.connects[0].id, .refused)
        scene.flush()
        #expect(
            scene.stage.router.takeTold() == [
                "broker -1 failed", "t out of reach", "brokers away",
            ])
        #expect(scene.keeper.currentOutage != nil)
        guard case .trouble = scene.place("t") else { throw MissingRecords() }
        scene.flush()
        #expect(scene.stage.connects.count == 1)
        scene.stage.pass(10_000)
        guard case .awaited = scene.place("t") else { throw MissingRecords() }
        scene.flush()
        #expect(scene.stage.connects.count == 2)
    }

    @Test("a request that is lost is asked again, with all that it was asked for")
    func lost() throws {
        let scene = Scene()
        _ = scene.place("t")
        scene.flush()
        scene.stage.connect()
        scene.flush()
        let asked = try #require(scene.stage.take(MetadataRequest.apiKey))
        scene.stage.lose(asked.connection)
        // The only node was tried: an outage, and another attempt after it.
        for _ in 0..<2 {
            scene.flush()
            scene.stage.pass(10_000)
        }
        scene.flush()
        scene.stage.connect()
        scene.flush()
        let again = try #require(scene.stage.take(MetadataRequest.apiKey))
        let request = try again.decoded(MetadataRequest.decode)
        #expect(request.topics?.map(\.name) == ["t"])
    }

    @Test("a topic that nobody uses is forgotten, and its partitions with it")
    func forgotten() throws {
        let scene = Scene(Stage { $0.metadataMaxAgeMilliseconds = 1_000 })
        _ = scene.place("t")
        try scene.know(1, epoch: 5)
        _ = scene.told()
        scene.stage.router.isInUse = false
        scene.stage.pass(6_000)
        scene.stage.perform { scene.keeper.tick() }
        #expect(scene.told() == ["t-0: 1/5 -> none/5", "t-0 forgotten"])
        #expect(scene.keeper.topicCount == 0)
    }
}
