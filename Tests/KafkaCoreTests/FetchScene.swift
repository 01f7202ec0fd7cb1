import Bytes
import KafkaMirror
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// Point reads and long polls of one topic on two brokers, without the readers' own logic: what is
/// told of demands and followers is written down.
final class FetchScene {
    let stage: Stage
    let state: ReadState
    let owner = StageOwner()
    let topic: Topic
    private(set) lazy var judge = FetchJudge(stage.context, router: stage.router, owner: owner)
    private(set) lazy var points = PointReader(state, judge, router: stage.router, owner: owner)
    private(set) lazy var tails = Tails(state, judge, router: stage.router, owner: owner)
    private var lastToken: UInt64 = 0

    init(_ stage: Stage = Stage(), partitions: Int32 = 3) throws {
        self.stage = stage
        stage.know(1...2)
        topic = stage.topic("t", partitions, on: try stage.broker(1))
        state = ReadState(stage.context, links: stage.links, cache: stage.cache)
        _ = stage.router.takeTold()
    }

    func reads(_ index: Int32 = 0) throws -> PartitionReads {
        state.reads(of: try #require(topic.partitions[index]))
    }

    func reader(_ partition: PartitionReads, at offset: Int64) -> Reader {
        lastToken += 1
        let request = ReadRequest(
            topic: "t", partition: partition.index, offset: offset, maxBytes: 1_000,
            waitUntil: .distantFuture)
        let reader = Reader(
            ReadToken(raw: lastToken), request, now: stage.now, timeoutMilliseconds: 1_000)
        reader.partition = partition
        return reader
    }

    /// Somebody wants the records at `offset`.
    @discardableResult
    func demand(_ index: Int32 = 0, at offset: Int64) throws -> Demand {
        let partition = try reads(index)
        let demand = partition.demand(at: offset, .readUncommitted)
        let reader = reader(partition, at: offset)
        demand.readers.append(reader)
        reader.place = .demand(demand)
        stage.perform { points.queue(partition) }
        return demand
    }

    /// Somebody waits at the end of the partition.
    @discardableResult
    func follow(_ index: Int32 = 0, at offset: Int64) throws -> Follow {
        let partition = try reads(index)
        var follow: Follow?
        stage.perform { follow = tails.follow(partition, .readUncommitted, at: offset) }
        let waiting = try #require(follow)
        let reader = reader(partition, at: offset)
        waiting.join(reader, at: offset, now: .zero)
        reader.place = .tail(waiting)
        return waiting
    }

    func flush() -> Stage.Sent? {
        for _ in 0..<2 {
            stage.perform {
                points.flush()
                tails.flush()
                state.brokers.settle()
            }
            stage.connect()
        }
        return stage.take(FetchRequest.apiKey)
    }

    func asked(_ sent: Stage.Sent) throws -> FetchRequest { try sent.decoded(FetchRequest.decode) }

    func partitions(_ sent: Stage.Sent) throws -> [FetchRequest.Partition] {
        try asked(sent).topics.flatMap(\.partitions)
    }

    struct Told {
        var index: Int32 = 0
        var code: Int16 = 0
        var end: Int64 = 0
        var records: [UInt8] = []
        var leader: FetchResponse.Leader?
    }

    func answer(
        _ asked: Stage.Sent, _ told: [Told], session: Int32 = 0, code: Int16 = 0,
        throttle: Int32 = 0
    ) {
        var bytes: [UInt8] = []
        let partitions = told.map { told in
            let place = KafkaBytes(offset: bytes.count, count: told.records.count)
            bytes += told.records
            return FetchResponse.Partition(
                partitionIndex: told.index, errorCode: told.code, highWatermark: told.end,
                logStartOffset: 0, currentLeader: told.leader, records: place)
        }
        let response = FetchResponse(
            throttleTimeMilliseconds: throttle, errorCode: code, sessionID: session,
            responses: partitions.isEmpty ? [] : [.init(topic: "t", partitions: partitions)])
        stage.answer(asked) { writer, version in
            bytes.withUnsafeBytes { response.encode(&writer, version: version, records: $0) }
        }
    }

    func told() -> [String] { owner.takeTold() }
}

/// Above point reads and long polls: writes down what they tell.
final class StageOwner: FetchOwner {
    private var told: [String] = []

    func takeTold() -> [String] {
        defer { told = [] }
        return told
    }

    private func tell(_ demand: Demand, _ what: String) {
        told.append("\(demand.partition.name)@\(demand.offset) \(what)")
    }

    private func tell(_ partition: PartitionReads, _ what: String) {
        told.append("\(partition.name) \(what)")
    }

    func settle(_ demand: Demand, _ partition: PartitionReads, end: Int64, sentAt: Instant) {
        tell(demand, "settled, end \(end)")
    }
    func settleBroken(_ demand: Demand, _ partition: PartitionReads, _ broken: RunBuilder.Failure) {
        tell(demand, "broken")
    }
    func settleOutOfRange(
        _ demand: Demand, _ partition: PartitionReads, _ told: PartitionPosition
    ) { tell(demand, "out of range, end \(told.highWatermark)") }
    func serveEarly(_ demand: Demand, _ partition: PartitionReads) {}
    func serve(_ demand: Demand, _ partition: PartitionReads) { tell(demand, "served") }
    func attempt(_ demand: Demand, _ partition: PartitionReads) { tell(demand, "attempted") }
    func beginAnew(_ demand: Demand) { tell(demand, "begins anew") }
    func fail(_ demand: Demand, _ failure: KafkaFailure) { tell(demand, "failed") }
    func serveDemands(_ partition: PartitionReads, in range: Range<Int64>) {
        tell(partition, "has \(range)")
    }
    func serveWaiters(_ partition: PartitionReads) { tell(partition, "has news") }
    func stall(_ readers: SlotList<Reader>, _ failure: KafkaFailure) {
        if !readers.isEmpty { told.append("\(readers.count) stalled") }
    }
    func stall(_ follow: Follow, _ failure: KafkaFailure) {
        if !follow.isEmpty { told.append("\(follow.waiters.count) stalled") }
    }
    func restart(_ partition: PartitionReads) { tell(partition, "is another log") }
    func readNearby(_ partition: PartitionReads, _ nodeID: Int32) {
        tell(partition, "is nearer at \(nodeID)")
    }
    func readAtLeader(_ partition: PartitionReads) { tell(partition, "back to its leader") }
    func leaveTail(_ follow: Follow) { tell(follow.partition, "leaves the tail") }
    func favour(_ partition: PartitionReads) { tell(partition, "favoured") }
    func pause(_ partition: PartitionReads) { tell(partition, "paused") }
    func noteProgress(_ partition: PartitionReads) { tell(partition, "goes on") }
}
