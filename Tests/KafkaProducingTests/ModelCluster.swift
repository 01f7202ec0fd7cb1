import Bytes
import Compression
import KafkaProtocol
import Testing
import Timing

@testable import KafkaProducing

/// A producer, brokers in front of which everything goes wrong that can, and what is known of
/// every record. Driven by one seed.
final class ModelCluster {
    struct Faults {
        /// Of a thousand requests, each.
        var lostBefore = 0
        var lostBehind = 0
        /// The broker gets it after its connection has ended, perhaps much later.
        var delayed = 0
        var errors = 0
        var moves = 0
        var forgets = 0
    }

    let producer: Producer
    var now = Instant.zero
    var random: SeededRandom
    var faults: Faults
    private(set) var partitions: [ModelPartition] = []
    let nodeCount: Int32 = 3
    private let id = KafkaUUID(high: 1, low: 2)

    private struct SentBatch {
        var partition: Int32
        var bytes: [UInt8]
        var isV2: Bool
    }
    private struct Arrival {
        var request: ProduceRequestID
        var node: Int32
        /// As they were when they left.
        var batches: [SentBatch]
        var fate: Fate
    }
    private enum Fate { case arrives, lostBefore, lostBehind, delayed }
    private var arrivals: [Int32: [(at: Instant, Arrival)]] = [:]
    /// Requests of connections that have ended.
    private var ghosts: [(at: Instant, batches: [SentBatch])] = []
    private var answers: [(at: Instant, () -> Void)] = []
    /// Nodes that cannot be reached before.
    private var upAt: [Int32: Instant] = [:]
    let coordinator = ModelCoordinator()
    /// Of transactions, in the order of their coming.
    var outcomes: [TransactionOutcome] = []
    private var metadataAt: Instant?
    private var identityAt: Instant?
    private var nextID: Int64 = 1000

    /// By value.
    var sent: [UInt64: Int32?] = [:]
    var reports: [UInt64: [(partition: Int32, result: DeliveryReport.Result)]] = [:]
    var flushed: [FlushToken] = []
    var gaps = 0
    private(set) var requestCount = 0
    private(set) var inFlightMax = 0

    init(_ settings: ProducerSettings, seed: UInt64, partitions count: Int32, faults: Faults) {
        random = SeededRandom(seed: seed)
        producer = Producer(settings, random: SeededRandom(seed: seed &+ 1))
        self.faults = faults
        for index in 0..<count {
            let partition = ModelPartition("t-\(index)", leader: index % nodeCount)
            partition.isEnrolled = { [coordinator] in
                coordinator.enrols(partition.name, $0, $1, isV2: $2)
            }
            partitions.append(partition)
        }
    }

    private func chance(_ perMille: Int) -> Bool {
        Int.random(in: 0..<1000, using: &random) < perMille
    }
    private func soon(_ milliseconds: ClosedRange<Int64>) -> Instant {
        now.adding(milliseconds: Int64.random(in: milliseconds, using: &random))
    }

    // MARK: Records

    @discardableResult
    func send(
        _ value: UInt64, partition: Int32? = nil, padding: Int = 0, key: [UInt8]? = nil
    ) -> Acceptance {
        var bytes = withUnsafeBytes(of: value) { [UInt8]($0) }
        bytes += [UInt8](repeating: 7, count: padding)
        let acceptance = bytes.withUnsafeBytes { bytes in
            (key ?? []).withUnsafeBytes { keyBytes in
                producer.append(
                    ProducedRecord(
                        key: key == nil ? nil : keyBytes, value: bytes, timestamp: 1_000,
                        token: value), to: producer.topic("t"), partition: partition, now: now)
            }
        }
        if acceptance == .accepted { sent[value] = .some(partition) }
        perform()
        return acceptance
    }

    // MARK: Time

    /// Lets everything happen until nothing is left to do, or the time is up.
    func run(until end: Instant) {
        while now < end {
            step()
            guard let next = nextEvent, next <= end else { break }
            now = max(now, next)
        }
        now = max(now, end)
        step()
    }

    func run(_ milliseconds: Int64) { run(until: now.adding(milliseconds: milliseconds)) }

    private var nextEvent: Instant? {
        var moments = answers.map(\.at) + ghosts.map(\.at)
        moments += upAt.values.filter { $0 > now }
        moments += arrivals.values.compactMap { $0.first?.at }
        if let metadataAt { moments.append(metadataAt) }
        if let identityAt { moments.append(identityAt) }
        if let next = producer.nextDeadline { moments.append(next) }
        return moments.min().map { max($0, Instant(nanoseconds: now.nanoseconds + 1)) }
    }

    private func step() {
        tellMetadata()
        tellIdentity()
        arrive()
        for ghost in ghosts.filter({ $0.at <= now }) {
            for batch in ghost.batches { _ = take(batch) }
        }
        ghosts.removeAll { $0.at <= now }
        let due = answers.filter { $0.at <= now }
        answers.removeAll { $0.at <= now }
        for (_, answer) in due { answer() }
        producer.tick(now)
        perform()
        serve()
        perform()
    }

    private func perform() {
        let effects = producer.effects
        producer.effects = []
        for effect in effects {
            switch effect {
            case .metadataNeeded: if metadataAt == nil { metadataAt = soon(1...30) }
            case .identityNeeded: identityAt = soon(1...5)
            case .report(let report):
                for token in report.tokens { note(token, report) }
                producer.taken(report.bufferBytes)
            case .flushed(let token): flushed.append(token)
            case .gapFound: gaps += 1
            case .transaction(let outcome): outcomes.append(outcome)
            case .transactionRequest(let request): coordinate(request)
            case .roomAgain: break
            }
        }
    }

    private func note(_ token: UInt64, _ report: DeliveryReport) {
        var result = report.result
        if case .delivered(let base, let time) = result, base >= 0,
            let index = report.tokens.firstIndex(of: token)
        {
            result = .delivered(baseOffset: base + Int64(index), logAppendTime: time)
        }
        reports[token, default: []].append((report.partition, result))
    }

    // MARK: The cluster

    private func coordinate(_ request: TransactionRequest) {
        let isLostBefore = chance(faults.lostBefore)
        let isLostBehind = chance(faults.lostBehind)
        let isError = chance(faults.errors)
        let error: Int16 = [14, 15, 16, 51].randomElement(using: &random) ?? 14
        answers.append(
            (
                soon(0...5),
                { [unowned self] in
                    if isLostBefore { return producer.transactionLost(now: now) }
                    if isError, request != .findCoordinator(transactionalID: "x") {
                        return producer.transactionAnswered(
                            TransactionAnswer(code: error), now: now)
                    }
                    let answer = coordinator.answer(request, partitions)
                    if isLostBehind { return producer.transactionLost(now: now) }
                    producer.transactionAnswered(answer, now: now)
                }
            ))
    }

    private func tellMetadata() {
        guard let at = metadataAt, at <= now else { return }
        metadataAt = nil
        producer.tell(
            "t", id: id,
            partitions.enumerated().map {
                PartitionLeader(index: Int32($0), leader: $1.leader, epoch: $1.epoch)
            }, now: now)
    }

    private func tellIdentity() {
        guard let at = identityAt, at <= now else { return }
        identityAt = nil
        if chance(faults.errors) { return producer.identificationFailed(nil, now: now) }
        nextID += 1
        producer.identified(ProducerIdentity(id: nextID, epoch: startEpoch), now: now)
    }

    var startEpoch: Int16 = 0

    func move(_ index: Int) {
        // The old one may be gone for good: nothing is fetched for it then.
        if chance(500) { upAt[partitions[index].leader] = now.adding(milliseconds: 200) }
        partitions[index].leader = (partitions[index].leader + 1) % nodeCount
        partitions[index].epoch += 1
    }

    private func serve() {
        for node in producer.nodesToServe(now) where now >= upAt[node] ?? .zero {
            while let request = producer.takeRequest(to: node, budgetBytes: 1 << 20, now: now) {
                requestCount += 1
                inFlightMax = max(inFlightMax, (arrivals[node]?.count ?? 0) + 1)
                let batches = request.batches.map {
                    SentBatch(
                        partition: $0.partition, bytes: [UInt8]($0.bytes.bytes),
                        isV2: request.isTransactionV2)
                }
                var fate = Fate.arrives
                if chance(faults.lostBefore) { fate = .lostBefore }
                if chance(faults.lostBehind) { fate = .lostBehind }
                if chance(faults.delayed) { fate = .delayed }
                let last = arrivals[node]?.last?.at ?? now
                arrivals[node, default: []].append(
                    (
                        max(last, soon(0...3)),
                        Arrival(request: request.id, node: node, batches: batches, fate: fate)
                    ))
                if chance(faults.moves) {
                    move(Int.random(in: 0..<partitions.count, using: &random))
                }
                if chance(faults.forgets) {
                    partitions[Int.random(in: 0..<partitions.count, using: &random)]
                        .forgetProducers()
                }
            }
        }
    }

    private func arrive() {
        for node in arrivals.keys.sorted() {
            while let (at, arrival) = arrivals[node]?.first, at <= now {
                arrivals[node]?.removeFirst()
                handle(arrival)
            }
        }
    }

    private func handle(_ arrival: Arrival) {
        let id = arrival.request
        switch arrival.fate {
        case .arrives:
            let told = arrival.batches.map { answer($0, arrival.node) }
            // They overtake each other, as on no connection: nothing may depend on it.
            answers.append(
                (soon(0...3), { [unowned self] in producer.answered(id, told, now: now) }))
        case .lostBehind:
            for batch in arrival.batches { _ = answer(batch, arrival.node) }
            cut(arrival)
        case .lostBefore:
            cut(arrival)
        case .delayed:
            ghosts.append((soon(1...400), arrival.batches))
            cut(arrival)
        }
    }

    /// The connection ends, with all that is on it.
    private func cut(_ arrival: Arrival) {
        producer.lost(arrival.request, now: now)
        for (_, other) in arrivals[arrival.node] ?? [] {
            // What is behind it may arrive still, or not.
            if chance(300) { ghosts.append((soon(1...400), other.batches)) }
            producer.lost(other.request, now: now)
        }
        arrivals[arrival.node] = []
    }

    private func take(_ batch: SentBatch) -> ModelPartition.Outcome {
        do {
            return try batch.bytes.withUnsafeBytes {
                try partitions[Int(batch.partition)].append($0, isV2: batch.isV2)
            }
        } catch {
            Issue.record("a batch cannot be read: \(error)")
            return ModelPartition.Outcome(code: 2)
        }
    }

    private func answer(_ batch: SentBatch, _ node: Int32) -> ProduceAnswer {
        let partition = batch.partition
        let model = partitions[Int(partition)]
        var answer = ProduceAnswer(topic: "t", partition: partition, code: 0)
        guard model.leader == node else {
            answer.code = 6
            if chance(500) {
                answer.leader = PartitionLeader(
                    index: partition, leader: model.leader, epoch: model.epoch)
            }
            return answer
        }
        if chance(faults.errors) {
            // Those that store nothing, and those behind which it may be stored.
            answer.code = [19, 56, 2, 7, -1, 7, 20].randomElement(using: &random) ?? 19
            if answer.code == 20 || answer.code == 7 && chance(500) { _ = take(batch) }
            return answer
        }
        let outcome = take(batch)
        answer.code = outcome.code
        answer.baseOffset = outcome.offset
        answer.recordErrors = outcome.recordErrors.map { ($0, "refused") }
        return answer
    }
}
