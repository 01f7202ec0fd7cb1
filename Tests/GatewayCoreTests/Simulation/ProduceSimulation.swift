import DevBroker
import TestSupport
import Testing
import Timing

private let chosenSeeds = simulationSeeds(usual: 1...12)

/// Sessions that produce while brokers fall, leaders move, and answers are late, lost or cut, from
/// a seed. Every acknowledged record is in the log once, where the client was told, and in its
/// client's order; what was told as failed is not there.
///
/// SIMULATION_SEEDS=FROM-TO runs other seeds than the usual few.
@Suite struct ProduceSimulation {
    @Test("seeds", arguments: chosenSeeds)
    func eachAcknowledgedRecordOnceAndInOrder(_ seed: UInt64) throws {
        if chosenSeeds.count > 12 { print("produce simulation: seed \(seed)") }
        let world = try ProduceWorld(seed)
        for _ in 0..<250 { try world.step() }
        try world.finish()
    }
}

private final class ProduceWorld {
    static let partitions = 3
    let world: ProducingRig
    let seed: UInt64
    private var random: SeededRandom
    private var writers: [SimulatedWriter] = []

    var rig: Rig { world.rig }

    init(_ seed: UInt64) throws {
        self.seed = seed
        random = SeededRandom(seed: seed)
        // Every third seed has a buffer that is full now and then.
        let buffer = seed % 3 == 0 ? #","buffer_bytes":8000,"max_message_bytes":1000"# : ""
        let batch = seed % 2 == 0 ? #","batch_bytes":400"# : ""
        world = try ProducingRig(
            #""producer":{"idempotence":true,"client_partition":true,"request_timeout_ms":3000,"#
                + #""delivery_timeout_ms":600000,"id_window_ms":3600000\#(buffer)\#(batch)},"#
                + #""request_timeout_ms":4000,"#
                + #""limits":{"produce_bytes_in_flight":20000},"ping":{"interval_ms":0}"#,
            partitions: Int32(Self.partitions), brokers: 3, seed: seed)
        rig.network.delayMax = Int64.random(in: 0...20, using: &random)
        for name in ["a", "b", "c", "d"] {
            let writer = SimulatedWriter(name, seed: random.next())
            try writer.connect(world)
            writers.append(writer)
        }
    }

    func step() throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<50: writers.randomElement(using: &random)?.produce(partitions: Self.partitions)
        case 50..<62: fault()
        case 62..<70: brokersChange()
        case 70..<74: try comeAgain()
        default: rig.pass(Int64.random(in: 1...400, using: &random))
        }
        rig.settle()
        try take()
    }

    private func take() throws { for writer in writers { try writer.take(seed) } }

    private func comeAgain() throws {
        guard let writer = writers.randomElement(using: &random) else { return }
        writer.leave()
        rig.pass(Int64.random(in: 0...500, using: &random))
        try writer.connect(world)
    }

    private func fault() {
        let actions: [Fault.Action] = [
            .delay(milliseconds: Int64.random(in: 1...800, using: &random)), .close,
            .cut(bytes: Int.random(in: 0...60, using: &random)), .silence, .error(6), .error(19),
            .errorAfter(7), .throttle(milliseconds: 100), .wrongCorrelation,
        ]
        let api: Int16? = [0, 0, 0, 3, 22].randomElement(using: &random)
        rig.brokers.inject(Fault(actions.randomElement(using: &random) ?? .close, apiKey: api))
    }

    private func brokersChange() {
        let broker = Int32.random(in: 1...3, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: _ = rig.brokers.takeDown(broker, elects: true, now: rig.now)
        case 1: bringUp()
        case 2:
            let partition = Int32.random(in: 0..<Int32(Self.partitions), using: &random)
            _ = rig.brokers.moveLeader("t", partition, to: broker, now: rig.now)
        case 3: rig.network.breakOne()
        default: rig.brokers.closeConnections(broker: broker)
        }
    }

    private func bringUp() {
        for id in 1...3 { _ = rig.brokers.bringUp(Int32(id), now: rig.now) }
    }

    func finish() throws {
        rig.brokers.clearFaults()
        bringUp()
        for _ in 0..<120 where writers.contains(where: { $0.unanswered > 0 }) {
            rig.pass(5_000)
            try take()
        }
        #expect(writers.allSatisfy { $0.unanswered == 0 }, "seed \(seed): never answered")
        for writer in writers { writer.leave() }
        rig.pass(10_000)
        for partition in 0..<Self.partitions { try check(partition) }
        let metrics = rig.engine.metrics()
        #expect(metrics.producingBytes == 0 && metrics.producingRecords == 0, "seed \(seed)")
    }

    private func check(_ partition: Int) throws {
        var stored: [Int64: String] = [:]
        for record in try world.stored("t", Int64(partition)) {
            stored[record.offset] = record.text
        }
        #expect(Set(stored.values).count == stored.count, "seed \(seed): a record is there twice")
        var explained: Set<String> = []
        for writer in writers {
            let (told, unknown) = writer.told(partition)
            explained.formUnion(unknown)
            for (offset, value) in told where offset >= 0 {
                #expect(stored[offset] == value, "seed \(seed): \(partition) at \(offset)")
            }
            explained.formUnion(told.values)
            // In the order of sending: the values are numbered.
            let numbers = stored.sorted { $0.key < $1.key }.compactMap { _, value -> Int? in
                value.hasPrefix(writer.name) && told.values.contains(value)
                    ? Int(value.split(separator: "-")[1]) : nil
            }
            #expect(numbers == numbers.sorted(), "seed \(seed): \(writer.name) in \(partition)")
            #expect(numbers.count == told.count, "seed \(seed): acknowledged, and not there")
        }
        #expect(
            Set(stored.values).subtracting(explained).isEmpty,
            "seed \(seed): there, and told as failed")
    }
}
