import Compression
import TestSupport
import Testing
import Timing

@testable import KafkaProducing

@Suite("Each record once, in order, whatever happens")
struct OnceInOrderTests {
    /// What a log must look like to whoever has read the reports.
    func check(_ model: ModelCluster, _ seed: UInt64, mayRepeat: Bool = false) {
        var found: [UInt64: [(partition: Int, offset: Int)]] = [:]
        for (index, partition) in model.partitions.enumerated() {
            for (offset, value) in partition.log.enumerated() {
                found[value, default: []].append((index, offset))
            }
            // Without sequences what was given up may come in later.
            let first = partition.log.enumerated().filter { offset, value in
                guard found[value]?.first?.offset == offset else { return false }
                if mayRepeat, case .failed = model.reports[value]?.first?.result { return false }
                return true
            }
            let misplaced = zip(first, first.dropFirst()).first { $0.element > $1.element }
            #expect(misplaced.map { "\($0)" } == nil, "seed \(seed): order in \(index)")
        }
        for value in model.sent.keys.sorted() {
            let reports = model.reports[value] ?? []
            #expect(reports.count == 1, "seed \(seed): \(value) has \(reports.count) reports")
            let places = found[value] ?? []
            #expect(mayRepeat || places.count <= 1, "seed \(seed): \(value) at \(places)")
            guard let (partition, result) = reports.first else { continue }
            switch result {
            case .delivered(let offset, _):
                #expect(!places.isEmpty, "seed \(seed): \(value) is told and not there")
                if offset >= 0 {
                    #expect(
                        places.contains {
                            $0.partition == Int(partition) && $0.offset == Int(offset)
                        }, "seed \(seed): \(value) is at \(places), not at \(offset)")
                }
            case .failed(let failure):
                #expect(
                    places.isEmpty || failure.mayBeStored,
                    "seed \(seed): \(value) is there and \(failure.text)")
            }
        }
        #expect(model.producer.bufferedBytes == 0, "seed \(seed)")
    }

    func settings(_ random: inout SeededRandom) -> ProducerSettings {
        var settings = ProducerSettings()
        settings.lingerMilliseconds = Int64.random(in: 0...5, using: &random)
        settings.batchBytes = Int.random(in: 100...2_000, using: &random)
        settings.requestBytesMax = Int.random(in: 2_000...8_000, using: &random)
        settings.compression = [.none, .none, .gzip].randomElement(using: &random) ?? .none
        settings.requestsInFlightMax = Int.random(in: 1...5, using: &random)
        return settings
    }

    func drive(_ model: ModelCluster, records: Int, _ random: inout SeededRandom) {
        var value: UInt64 = 0
        while value < UInt64(records) {
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                value += 1
                let partition: Int32? =
                    Bool.random(using: &random)
                    ? Int32.random(in: 0..<Int32(model.partitions.count), using: &random) : nil
                model.send(
                    value, partition: partition,
                    padding: Int.random(in: 0...100, using: &random))
            }
            model.run(Int64.random(in: 0...10, using: &random))
        }
    }

    @Test(
        "lost requests and answers, moved leaders, errors and ghosts",
        arguments: Array(simulationSeeds(usual: 1...40)))
    func idempotent(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let faults = ModelCluster.Faults(
            lostBefore: Int.random(in: 0...40, using: &random),
            lostBehind: Int.random(in: 0...40, using: &random),
            delayed: Int.random(in: 0...40, using: &random),
            errors: Int.random(in: 0...60, using: &random),
            moves: Int.random(in: 0...30, using: &random))
        let model = ModelCluster(
            settings(&random), seed: seed, partitions: Int32.random(in: 1...5, using: &random),
            faults: faults)
        // Near the last epoch, so that ids come to an end as well.
        model.startEpoch = Bool.random(using: &random) ? .max - 2 : 0
        let limit = Int.random(in: 200...3_000, using: &random)
        for partition in model.partitions {
            partition.batchBytesMax = limit
            partition.refuses = { $0 % 97 == 0 }
        }
        drive(model, records: 2_000, &random)
        let token = model.producer.flush()
        model.run(300_000)
        #expect(token == nil || model.flushed.last == token, "seed \(seed)")
        check(model, seed)
        for (value, reports) in model.reports {
            guard case .failed(let failure) = reports[0].result else { continue }
            #expect(
                value % 97 == 0 && failure.reason == .invalid || failure.mayBeStored
                    || failure.reason == .timedOut || failure.reason == .tooLarge
                    || failure.reason == .kafka && failure.code == 2,
                "seed \(seed): \(value) \(failure)")
        }
    }

    @Test(
        "deadlines that pass while brokers are asked",
        arguments: Array(simulationSeeds(usual: 1...40)))
    func deadlines(_ seed: UInt64) {
        var random = SeededRandom(seed: seed &+ 1_000_000)
        var settings = settings(&random)
        settings.deliveryTimeoutMilliseconds = Int64.random(in: 20...200, using: &random)
        let model = ModelCluster(
            settings, seed: seed, partitions: 3,
            faults: ModelCluster.Faults(
                lostBefore: 60, lostBehind: 60, delayed: 60, errors: 100, moves: 20))
        drive(model, records: 2_000, &random)
        model.run(2_000)
        check(model, seed)
    }

    @Test(
        "without idempotence nothing is lost, and the order is kept",
        arguments: Array(simulationSeeds(usual: 1...20)))
    func plain(_ seed: UInt64) {
        var random = SeededRandom(seed: seed &+ 2_000_000)
        var settings = settings(&random)
        settings.isIdempotent = false
        settings.acks = .leader
        let model = ModelCluster(
            settings, seed: seed, partitions: 3,
            faults: ModelCluster.Faults(
                lostBefore: 40, lostBehind: 40, errors: 40, moves: 20))
        drive(model, records: 2_000, &random)
        model.run(300_000)
        check(model, seed, mayRepeat: true)
    }
}
