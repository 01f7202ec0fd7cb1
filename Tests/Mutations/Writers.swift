import KafkaCore
import KafkaProducing
import Timing

/// The producers of a scene: one with sequences, one without, and one with transactions. Each
/// record that they take is told of once, whatever a broker says.
final class Writers {
    private let cluster: Cluster
    private let producers: [ProducerID]
    private var random: SeededRandom
    private var untold: Set<UInt64> = []
    private var lastToken: UInt64 = 0
    private var isInitialized = false
    private(set) var stored = 0
    private(set) var failed = 0
    private(set) var ends = 0

    init(_ cluster: Cluster, _ random: inout SeededRandom) {
        self.cluster = cluster
        self.random = SeededRandom(seed: random.next())
        var settings = ProducerSettings()
        settings.lingerMilliseconds = 0
        settings.batchBytes = random.one(of: [0, 200, 16 << 10])
        settings.requestTimeoutMilliseconds = 500
        settings.deliveryTimeoutMilliseconds = 5_000
        settings.propagationMilliseconds = 1_000
        settings.blockMillisecondsMax = 2_000
        settings.compression = random.one(of: [.none, .none, .lz4])
        var careless = settings
        careless.acks = .leader
        careless.isIdempotent = false
        var transactional = settings
        transactional.transactionalID = "x"
        producers = [settings, careless, transactional].map {
            cluster.ownProducer($0, now: .zero)
        }
    }

    var isBusy: Bool { !untold.isEmpty }

    // MARK: What is asked

    func ask(_ topic: String, _ partition: Int32, now: Instant, _ effects: inout [ClusterEffect]) {
        switch random.below(8) {
        case 0: _ = cluster.flush(random.one(of: producers), now: now, &effects)
        case 1...3: transact(now, &effects)
        default: produce(topic, partition, now, &effects)
        }
    }

    private func transact(_ now: Instant, _ effects: inout [ClusterEffect]) {
        let producer = producers[2]
        guard isInitialized, !random.once(in: 16) else {
            _ = cluster.initializeTransactions(producer, now: now, &effects)
            return
        }
        switch random.below(4) {
        case 0, 1: _ = cluster.beginTransaction(producer, now: now, &effects)
        case 2: _ = cluster.commitTransaction(producer, now: now, &effects)
        default: _ = cluster.abortTransaction(producer, now: now, &effects)
        }
    }

    private func produce(
        _ topic: String, _ partition: Int32, _ now: Instant, _ effects: inout [ClusterEffect]
    ) {
        let chosen = random.once(in: 2) ? partition : nil
        let value = [UInt8](repeating: 7, count: random.one(of: [0, 10, 300]))
        cluster.produce(random.one(of: producers), now: now, &effects) { sink in
            let topic = sink.topic(topic)
            for _ in 0...random.below(20) {
                lastToken += 1
                let acceptance = value.withUnsafeBytes { value in
                    sink.append(
                        ProducedRecord(key: nil, value: value, timestamp: 1, token: lastToken),
                        to: topic, partition: chosen)
                }
                if acceptance == .accepted { untold.insert(lastToken) }
            }
        }
    }

    // MARK: What is told

    func take(
        _ report: DeliveryReport, of producer: ProducerID, now: Instant,
        _ effects: inout [ClusterEffect]
    ) {
        for token in report.tokens {
            precondition(untold.remove(token) != nil, "the record \(token) is told of twice")
        }
        if case .delivered = report.result {
            stored += report.tokens.count
        } else {
            failed += report.tokens.count
        }
        cluster.taken(report.bufferBytes, of: producer, now: now, &effects)
    }

    func take(_ outcome: TransactionOutcome) {
        switch outcome {
        case .initialized: isInitialized = true
        case .committed, .aborted: ends += 1
        case .broken, .late, .failed: break
        }
    }

    func checkIsTold() {
        precondition(untold.isEmpty, "\(untold.count) records are not told of")
    }
}
