import KafkaProtocol
import TestSupport
import Testing
import Timing

@testable import KafkaProducing

@Suite("Transactions")
struct TransactionTests {
    @Test(
        "what was committed is there as a whole, what was not is not, whatever happens",
        arguments: Array(simulationSeeds(usual: 1...40)))
    func simulation(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var settings = ProducerSettings()
        settings.transactionalID = "x"
        settings.lingerMilliseconds = Int64.random(in: 0...3, using: &random)
        settings.batchBytes = Int.random(in: 100...1_000, using: &random)
        if Bool.random(using: &random) { settings.deliveryTimeoutMilliseconds = 300 }
        let harm = Int.random(in: 0...40, using: &random)
        let model = ModelCluster(
            settings, seed: seed, partitions: 3,
            faults: ModelCluster.Faults(
                lostBefore: harm, lostBehind: harm, delayed: harm, errors: harm, moves: harm / 2))
        model.coordinator.isV2 = Bool.random(using: &random)
        model.coordinator.startEpoch = Bool.random(using: &random) ? .max - 5 : 0
        model.producer.brokersHaveTransactionsV2(model.coordinator.isV2)
        // The cluster goes over to the other kind, and back; the producer is told late.
        let changes = Bool.random(using: &random) ? 4 : 0
        // Some records are at fault, and their batches divided.
        if Bool.random(using: &random) {
            for partition in model.partitions { partition.refuses = { $0 % 40 == 7 } }
        }
        var value: UInt64 = 0
        var fates: [(values: [UInt64], outcome: TransactionOutcome)] = []
        guard initialize(model) else { return }
        for _ in 0..<40 {
            if Int.random(in: 0..<3, using: &random) == 0 {
                model.producer.brokersHaveTransactionsV2(model.coordinator.isV2)
            }
            #expect(model.producer.beginTransaction(now: model.now) == nil, "seed \(seed)")
            var values: [UInt64] = []
            for _ in 0..<Int.random(in: 0...30, using: &random) {
                value += 1
                let partition = Int32.random(in: 0..<3, using: &random)
                if model.send(value, partition: partition) == .accepted { values.append(value) }
                if Int.random(in: 0..<100, using: &random) < changes {
                    model.coordinator.isV2.toggle()
                }
                if Int.random(in: 0..<10, using: &random) == 0 { model.run(3) }
            }
            guard let outcome = end(model, commits: Int.random(in: 0..<4, using: &random) > 0, seed)
            else { break }
            fates.append((values, outcome))
        }
        model.run(2_000)
        check(model, fates, seed)
    }

    private func initialize(_ model: ModelCluster) -> Bool {
        for _ in 0..<100 {
            if model.producer.initializeTransactions(now: model.now) != nil { return false }
            let outcome = wait(model)
            if outcome == .initialized { return true }
        }
        return false
    }

    private func wait(_ model: ModelCluster) -> TransactionOutcome? {
        for _ in 0..<2_000 {
            if !model.outcomes.isEmpty { return model.outcomes.removeFirst() }
            model.run(5)
        }
        return nil
    }

    /// nil: the producer has failed for good.
    private func end(
        _ model: ModelCluster, commits: Bool, _ seed: UInt64
    ) -> TransactionOutcome? {
        if commits, model.producer.commitTransaction(now: model.now) == nil {
            let outcome = wait(model)
            #expect(outcome != nil, "seed \(seed): no end is told")
            guard case .broken = outcome else { return outcome == .committed ? outcome : nil }
            return abort(model, seed) ? outcome : nil
        }
        return abort(model, seed) ? .aborted : nil
    }

    private func abort(_ model: ModelCluster, _ seed: UInt64) -> Bool {
        model.outcomes = []
        let refusal = model.producer.abortTransaction(now: model.now)
        #expect(refusal == nil, "seed \(seed): \(String(describing: refusal))")
        let outcome = wait(model)
        #expect(outcome == .aborted, "seed \(seed): \(String(describing: outcome))")
        return outcome == .aborted
    }

    private func check(
        _ model: ModelCluster, _ fates: [(values: [UInt64], outcome: TransactionOutcome)],
        _ seed: UInt64
    ) {
        var states: [UInt64: [ModelPartition.State]] = [:]
        for partition in model.partitions {
            for entry in partition.entries { states[entry.value, default: []].append(entry.state) }
            #expect(!partition.entries.contains { $0.state == .open }, "seed \(seed)")
        }
        for (values, outcome) in fates {
            let committed = values.filter { states[$0]?.contains(.committed) ?? false }
            for value in values {
                #expect(model.reports[value]?.count == 1, "seed \(seed): \(value)")
                let times = states[value]?.filter { $0 == .committed }.count ?? 0
                #expect(times <= 1, "seed \(seed): \(value) \(times) times")
            }
            switch outcome {
            case .committed: #expect(committed == values, "seed \(seed)")
            case .broken(let failure) where failure.mayBeStored:
                #expect(committed.isEmpty || committed == values, "seed \(seed)")
            default: #expect(committed.isEmpty, "seed \(seed): \(committed) \(outcome)")
            }
        }
        #expect(fates.count == 40, "seed \(seed): ended after \(fates.count)")
    }

    /// A machine by itself.
    final class Machine {
        private var machine: Transactions
        private var random = SeededRandom(seed: 1)
        var now = Instant.zero

        init?(isV2: Bool = false) {
            var settings = ProducerSettings()
            settings.transactionalID = "x"
            guard let machine = Transactions(settings) else { return nil }
            self.machine = machine
            self.machine.brokersHaveV2 = isV2
        }

        func initialize() -> ProduceFailure? { machine.initialize(now: now) }
        func begin() -> ProduceFailure? { machine.begin() }
        func end(commits: Bool) -> ProduceFailure? { machine.end(commits: commits, now: now) }
        func ask(_ isQuiet: Bool = true) -> TransactionRequest? {
            machine.next(isQuiet: isQuiet, now: now)
        }
        func answer(_ code: Int16 = 0, _ identity: ProducerIdentity? = nil) -> TransactionOutcome? {
            machine.answered(
                TransactionAnswer(code: code, identity: identity), now: now, &random)
        }
        func tell(_ outcome: TransactionOutcome?) -> TransactionOutcome? {
            outcome.flatMap { machine.tell($0) }
        }
        func missed() -> TransactionOutcome? { machine.missed() }
        /// `milliseconds` later.
        func expire(_ milliseconds: Int64) -> TransactionOutcome? {
            now = now.adding(milliseconds: milliseconds)
            return tell(machine.expire(now))
        }
        var deadline: Instant { machine.nextDeadline(true) }
        func lose() { machine.lost(now, &random) }
        func mayHaveRecords(_ partition: TransactionPartition) -> Bool {
            machine.mayHaveRecords(partition)
        }
        func settleEmpty() -> TransactionOutcome? { machine.settleEmpty(isQuiet: true) }
    }

    let start = ProducerIdentity(id: 7, epoch: 0)
    let none = ProducerIdentity(id: -1, epoch: -1)
    let partition = TransactionPartition(topic: "t", partition: 0)

    private func initialization(_ current: ProducerIdentity) -> TransactionRequest {
        .initialize(transactionalID: "x", timeoutMilliseconds: 60_000, current: current)
    }

    @Test("requests go one at a time, in Kafka's order")
    func order() throws {
        let machine = try #require(Machine())
        #expect(machine.begin() != nil)
        #expect(machine.initialize() == nil)
        #expect(machine.ask() == .findCoordinator(transactionalID: "x"))
        #expect(machine.ask() == nil)
        #expect(machine.answer() == nil)
        #expect(machine.ask() == initialization(none))
        #expect(machine.answer(0, start) == .initialized)
        #expect(machine.ask() == nil)
        #expect(machine.begin() == nil)
        #expect(!machine.mayHaveRecords(partition))
        #expect(machine.ask(false) == .addPartitions(transactionalID: "x", start, [partition]))
        #expect(machine.answer() == nil)
        #expect(machine.mayHaveRecords(partition))
        #expect(machine.end(commits: true) == nil)
        #expect(machine.ask(false) == nil)
        #expect(machine.ask() == .end(transactionalID: "x", start, commits: true, isV2: false))
        #expect(machine.answer() == .committed)
        // An empty one asks nobody.
        #expect(machine.begin() == nil)
        #expect(machine.end(commits: true) == nil)
        #expect(machine.settleEmpty() == .committed)
        #expect(machine.ask() == nil)
    }

    /// A transaction of the second kind that is to be committed.
    private func committing() throws -> Machine {
        let machine = try #require(Machine(isV2: true))
        _ = machine.initialize()
        _ = machine.ask()
        _ = machine.answer()
        _ = machine.ask()
        _ = machine.answer(0, start)
        #expect(machine.begin() == nil)
        #expect(machine.mayHaveRecords(partition))
        #expect(machine.end(commits: true) == nil)
        #expect(machine.ask() == .end(transactionalID: "x", start, commits: true, isV2: true))
        return machine
    }

    @Test("an end whose answer is lost is asked for again, and tells the next epoch")
    func lostEnd() throws {
        let machine = try committing()
        machine.lose()
        machine.now = machine.now.adding(milliseconds: 10_000)
        #expect(machine.ask() == .findCoordinator(transactionalID: "x"))
        _ = machine.answer()
        #expect(machine.ask() == .end(transactionalID: "x", start, commits: true, isV2: true))
        let next = ProducerIdentity(id: 7, epoch: 1)
        #expect(machine.answer(0, next) == .committed)
        #expect(machine.begin() == nil)
        _ = machine.mayHaveRecords(partition)
        #expect(machine.end(commits: false) == nil)
        #expect(machine.ask() == .end(transactionalID: "x", next, commits: false, isV2: true))
    }

    /// The broker does not know, or has gone back to the first kind meanwhile.
    @Test(
        "an end of which nobody knows is never told as success, and another epoch follows",
        arguments: [-1, 48] as [Int16])
    func unknown(code: Int16) throws {
        let machine = try committing()
        guard case .broken(let failure) = machine.answer(code) else {
            Issue.record("it is told as something else")
            return
        }
        #expect(failure.mayBeStored)
        #expect(machine.end(commits: true) != nil)
        #expect(machine.end(commits: false) == nil)
        #expect(machine.ask() == initialization(start))
        #expect(machine.answer(0, ProducerIdentity(id: 7, epoch: 1)) == .aborted)
    }

    @Test("an id that the brokers have lost is asked for anew, without an end")
    func startOver() throws {
        let machine = try #require(Machine())
        _ = machine.initialize()
        _ = machine.ask()
        _ = machine.answer()
        _ = machine.ask()
        _ = machine.answer(0, start)
        _ = machine.begin()
        _ = machine.mayHaveRecords(partition)
        _ = machine.ask(false)
        guard case .broken = machine.answer(49) else {
            Issue.record("it goes on")
            return
        }
        #expect(machine.end(commits: false) == nil)
        #expect(machine.ask() == initialization(start))
    }

    private func isLate(_ outcome: TransactionOutcome?, mayBeStored: Bool = false) -> Bool {
        guard case .late(let failure) = outcome else { return false }
        return failure.reason == .timedOut && failure.mayBeStored == mayBeStored
            && failure.text.contains("60000 ms (max.block.ms)")
    }

    @Test("a coordinator that is away is waited for so long, and again by whoever asks again")
    func lateBeginning() throws {
        let machine = try #require(Machine())
        _ = machine.initialize()
        _ = machine.ask()
        #expect(machine.expire(59_999) == nil)
        #expect(machine.deadline == machine.now.adding(milliseconds: 1))
        let late = machine.expire(1)
        #expect(isLate(late), "\(String(describing: late))")
        #expect(machine.expire(100_000) == nil)
        // Nothing else can be asked for.
        #expect(machine.begin() != nil)
        #expect(machine.end(commits: true) != nil)
        #expect(machine.initialize() == nil)
        #expect(machine.initialize() != nil)
        let again = machine.expire(60_000)
        #expect(isLate(again))
        // It goes on meanwhile, and whoever asks again is told.
        _ = machine.answer()
        _ = machine.ask()
        #expect(machine.tell(machine.answer(0, start)) == nil)
        #expect(machine.missed() == nil)
        #expect(machine.begin() != nil)
        #expect(machine.initialize() == nil)
        #expect(machine.missed() == .initialized)
        #expect(machine.missed() == nil)
        #expect(machine.begin() == nil)
        #expect(machine.expire(100_000) == nil)
    }

    @Test("a commit that takes too long can only be asked for again", arguments: [true, false])
    func lateEnd(isDone: Bool) throws {
        let machine = try #require(Machine())
        _ = machine.initialize()
        _ = machine.ask()
        _ = machine.answer()
        _ = machine.ask()
        #expect(machine.tell(machine.answer(0, start)) == .initialized)
        #expect(machine.begin() == nil)
        _ = machine.mayHaveRecords(partition)
        _ = machine.ask(false)
        _ = machine.answer()
        #expect(machine.end(commits: true) == nil)
        _ = machine.ask()
        let late = machine.expire(60_000)
        #expect(isLate(late, mayBeStored: true))
        #expect(machine.end(commits: false) != nil)
        #expect(machine.begin() != nil)
        if isDone { #expect(machine.tell(machine.answer()) == nil) }
        #expect(machine.begin() != nil)
        #expect(machine.end(commits: true) == nil)
        if isDone {
            #expect(machine.missed() == .committed)
        } else {
            #expect(machine.missed() == nil)
            #expect(machine.tell(machine.answer()) == .committed)
        }
        #expect(machine.begin() == nil)
    }

    @Test("a failure ends the waiting: an abort is possible behind a commit that was late")
    func lateAndBroken() throws {
        let machine = try #require(Machine())
        _ = machine.initialize()
        _ = machine.ask()
        _ = machine.answer()
        _ = machine.ask()
        _ = machine.tell(machine.answer(0, start))
        _ = machine.begin()
        _ = machine.mayHaveRecords(partition)
        _ = machine.ask(false)
        _ = machine.answer()
        #expect(machine.end(commits: true) == nil)
        _ = machine.ask()
        let late = machine.expire(60_000)
        #expect(isLate(late, mayBeStored: true))
        guard case .broken = machine.tell(machine.answer(120)) else {
            Issue.record("the failure is not told")
            return
        }
        #expect(machine.end(commits: true) != nil)
        #expect(machine.end(commits: false) == nil)
        #expect(machine.ask() == .end(transactionalID: "x", start, commits: false, isV2: false))
        #expect(machine.tell(machine.answer()) == .aborted)
    }

    struct Row: CustomTestStringConvertible {
        var code: Int16
        var initialize: TransactionVerdict
        var add: TransactionVerdict
        var end: TransactionVerdict
        var testDescription: String { KafkaError(code).name }
    }

    static let rows: [Row] = [
        Row(code: 15, initialize: .findCoordinator, add: .findCoordinator, end: .findCoordinator),
        Row(code: 16, initialize: .findCoordinator, add: .findCoordinator, end: .findCoordinator),
        Row(code: 14, initialize: .retry, add: .retry, end: .retry),
        Row(code: 51, initialize: .retry, add: .retry, end: .retry),
        Row(code: 47, initialize: .fatal(.fenced), add: .fatal(.fenced), end: .fatal(.fenced)),
        Row(code: 90, initialize: .fatal(.fenced), add: .fatal(.fenced), end: .fatal(.fenced)),
        Row(
            code: 53, initialize: .abortable(bumps: false), add: .fatal(.notAuthorized),
            end: .fatal(.notAuthorized)),
        Row(code: 48, initialize: .fatal(.kafka), add: .fatal(.kafka), end: .fatal(.kafka)),
        Row(
            code: 59, initialize: .fatal(.kafka), add: .abortable(bumps: true),
            end: .abortable(bumps: true)),
        Row(code: 49, initialize: .fatal(.kafka), add: .startOver, end: .startOver),
        Row(
            code: 120, initialize: .abortable(bumps: false), add: .abortable(bumps: false),
            end: .abortable(bumps: false)),
        Row(
            code: 29, initialize: .fatal(.notAuthorized), add: .abortable(bumps: false),
            end: .abortable(bumps: false)),
        Row(code: -1, initialize: .retry, add: .retry, end: .unknown),
    ]

    @Test("each code has its row", arguments: rows)
    func row(_ row: Row) {
        let error = KafkaError(row.code)
        #expect(TransactionVerdict(error, .initialize, isV2: false) == row.initialize)
        #expect(TransactionVerdict(error, .addPartitions, isV2: false) == row.add)
        #expect(TransactionVerdict(error, .end, isV2: false) == row.end)
        if row.code == 49 {
            #expect(TransactionVerdict(error, .end, isV2: true) == .fatal(.kafka))
        }
    }

    @Test("records outside of a transaction, and ends of none, are refused with what to do")
    func misuse() {
        var settings = ProducerSettings()
        settings.transactionalID = "x"
        let model = ModelCluster(
            settings, seed: 1, partitions: 1, faults: ModelCluster.Faults())
        guard case .refused(let failure) = model.send(1, partition: 0) else {
            Issue.record("it was taken")
            return
        }
        #expect(failure.text == "records are sent within a transaction")
        #expect(model.producer.commitTransaction(now: model.now)?.reason == .invalid)
        #expect(model.producer.abortTransaction(now: model.now)?.reason == .invalid)
        let plain = Producer(ProducerSettings(), random: SeededRandom(seed: 1))
        #expect(
            plain.beginTransaction(now: .zero)?.text == "the producer has no transactional.id")
    }
}
