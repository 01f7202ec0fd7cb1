import KafkaProtocol
import Timing

/// The transactions of one producer (KIP-98, KIP-360, KIP-890): what its caller may do, and what
/// the coordinator is asked for, one request at a time.
///
/// Whoever owns it tells it which partitions get records and when none are on their way, asks
/// `next` for a request, and tells what becomes of that.
struct Transactions {
    enum Phase: Equatable {
        /// No id and epoch yet.
        case unknown
        case initializing
        case ready
        case open
        /// `commits`: as the caller has asked.
        case ending(commits: Bool)
        /// A transaction that can only be aborted.
        case broken(ProduceFailure)
        case failed(ProduceFailure)
    }

    typealias Outcome = TransactionOutcome

    let id: String
    let timeoutMilliseconds: Int32
    private(set) var phase = Phase.unknown
    private(set) var identity = ProducerIdentity(id: -1, epoch: -1)
    /// Transactions of the second kind (KIP-890): brokers enrol partitions themselves, and every
    /// end raises the epoch. Decided where a transaction begins.
    private(set) var isV2 = false
    /// What the brokers can do now.
    var brokersHaveV2 = false

    private var isCoordinatorKnown = false
    /// A request is on its way.
    private(set) var asked: TransactionRequest?
    private var pace: RetryPace
    /// In the order in which they came.
    private var toEnrol: [TransactionPartition] = []
    private var enrolled: Set<TransactionPartition> = []
    /// A request to enrol was lost: the same has to be asked again, even before an abort.
    private var enrolmentIsUnsure = false
    /// A broker may have something of this transaction.
    private var mayHaveBegun = false
    /// Behind the end the id needs another epoch before anything begins.
    private var needsEpoch = false
    /// Nobody knows yet whether another one has the id.
    private(set) var mayBeFenced = false
    private var patience: Patience

    init(id: String, timeoutMilliseconds: Int32, blockMillisecondsMax: Int64, _ pace: RetryPace) {
        self.id = id
        self.timeoutMilliseconds = timeoutMilliseconds
        self.pace = pace
        patience = Patience(limitMilliseconds: blockMillisecondsMax)
    }

    /// nil: the producer has none.
    init?(_ settings: ProducerSettings) {
        guard let id = settings.transactionalID else { return nil }
        self.init(
            id: id, timeoutMilliseconds: settings.transactionTimeoutMilliseconds,
            blockMillisecondsMax: settings.blockMillisecondsMax,
            RetryPace(
                initialMilliseconds: settings.retryBackoffMilliseconds,
                maximumMilliseconds: settings.retryBackoffMaxMilliseconds))
    }

    /// One is open, ends or has to be aborted, or the id is being asked for.
    var isBusy: Bool {
        switch phase {
        case .unknown, .ready, .failed: asked != nil
        case .initializing, .open, .ending, .broken: true
        }
    }

    var identityForRecords: ProducerIdentity? {
        switch phase {
        case .open, .ending: identity
        default: nil
        }
    }

    // MARK: The caller

    /// nil: it is begun, or goes on.
    mutating func initialize(now: Instant) -> ProduceFailure? {
        if patience.resumes(.initialize, now) { return nil }
        guard phase == .unknown else {
            return misuse("the producer's transactions are initialized")
        }
        phase = .initializing
        patience.begin(.initialize, now)
        return nil
    }

    mutating func begin() -> ProduceFailure? {
        if let late = patience.late { return misuse(late.unfinished) }
        guard phase == .ready else { return misuse("a transaction begins when none is open") }
        phase = .open
        isV2 = brokersHaveV2
        return nil
    }

    /// The records of the transaction have been sent by the time that `next` answers the end; who
    /// asks for it sees to that.
    mutating func end(commits: Bool, now: Instant) -> ProduceFailure? {
        if let late = patience.late {
            return patience.resumes(.end(commits: commits), now) ? nil : misuse(late.unfinished)
        }
        switch phase {
        case .open: phase = .ending(commits: commits)
        case .broken where !commits: phase = .ending(commits: false)
        case .broken(let failure): return failure
        default: return misuse("there is no transaction to \(commits ? "commit" : "abort")")
        }
        patience.begin(.end(commits: commits), now)
        return nil
    }

    /// What the caller is to be told of an outcome, and when; nil: nobody waits for it now.
    mutating func tell(_ outcome: Outcome) -> Outcome? { patience.took(outcome) }

    /// What has come since the caller was told that it takes too long, now that he waits again.
    mutating func missed() -> Outcome? { patience.missed() }

    /// The caller has waited for long enough.
    mutating func expire(_ now: Instant) -> Outcome? {
        guard let step = patience.expire(now) else { return nil }
        let what =
            isCoordinatorKnown ? "its coordinator has not done so" : "no coordinator was found"
        return .late(
            ProduceFailure(
                .timedOut,
                "\(step): \(what) within \(patience.limitMilliseconds) ms (max.block.ms)",
                mayBeStored: step == .end(commits: true)))
    }

    private func misuse(_ text: String) -> ProduceFailure {
        if case .failed(let failure) = phase { return failure }
        return ProduceFailure(.invalid, text)
    }

    // MARK: Records

    /// Why a record cannot be taken; nil: it can.
    var refusal: ProduceFailure? {
        switch phase {
        case .open: nil
        case .broken(let failure), .failed(let failure): failure
        default: ProduceFailure(.invalid, "records are sent within a transaction")
        }
    }

    /// Whether a batch of the partition may be sent. If not, it is enrolled first, and may be then.
    mutating func mayHaveRecords(_ partition: TransactionPartition) -> Bool {
        guard phase == .open || phase == .ending(commits: true) else { return false }
        if isV2 || enrolled.contains(partition) {
            mayHaveBegun = true
            return true
        }
        if !toEnrol.contains(partition) { toEnrol.append(partition) }
        return false
    }

    /// Records of the transaction were not delivered. nil: that is nobody's business any more.
    mutating func breakOff(_ failure: ProduceFailure) -> Outcome? {
        guard phase == .open || phase == .ending(commits: true) else { return nil }
        phase = .broken(failure)
        return .broken(failure)
    }

    /// Why nothing of the transaction is sent any more; nil: it may be.
    var abortion: ProduceFailure? {
        switch phase {
        case .broken(let failure): failure
        case .ending(commits: false):
            ProduceFailure(.aborted, "the transaction was aborted")
        default: nil
        }
    }

    /// Numbers of the sequence were used for nothing.
    mutating func noteGap() { needsEpoch = true }

    /// A leader knows a newer epoch of the id: the coordinator has aborted what took too long, or
    /// another producer has the id. An end under the old epoch would be refused for good, while
    /// InitProducerId tells the two apart by it (KIP-588). An end of the second kind does so, too.
    mutating func noteOldEpoch() {
        guard !isV2, phase == .open || phase == .ending(commits: true) else { return }
        mayBeFenced = true
        needsEpoch = true
        mayHaveBegun = false
        toEnrol = []
        enrolmentIsUnsure = false
    }

    mutating func fail(_ failure: ProduceFailure) { phase = .failed(failure) }

    // MARK: Requests

    /// What the coordinator, or any broker, is to be asked now; it counts as asked.
    /// - Parameter isQuiet: no record of the transaction waits or is on its way.
    mutating func next(isQuiet: Bool, now: Instant) -> TransactionRequest? {
        guard asked == nil, pace.allows(now) else { return nil }
        asked = due(isQuiet)
        return asked
    }

    private func due(_ isQuiet: Bool) -> TransactionRequest? {
        guard let request = wanted(isQuiet) else { return nil }
        return isCoordinatorKnown ? request : .findCoordinator(transactionalID: id)
    }

    private func wanted(_ isQuiet: Bool) -> TransactionRequest? {
        switch phase {
        case .initializing: return initializing
        case .open where !toEnrol.isEmpty, .ending(commits: true) where !toEnrol.isEmpty:
            return .addPartitions(transactionalID: id, identity, toEnrol)
        case .ending(commits: false) where enrolmentIsUnsure:
            return .addPartitions(transactionalID: id, identity, toEnrol)
        case .ending(let commits) where isQuiet:
            // Of the first kind an end without a beginning is an error; of the second it raises
            // the epoch, but nothing asks for that.
            if mayHaveBegun {
                return .end(transactionalID: id, identity, commits: commits, isV2: isV2)
            }
            return needsEpoch ? initializing : nil
        default: return nil
        }
    }

    private var initializing: TransactionRequest {
        .initialize(
            transactionalID: id, timeoutMilliseconds: timeoutMilliseconds, current: identity)
    }

    /// An end that needs no request.
    mutating func settleEmpty(isQuiet: Bool) -> Outcome? {
        guard case .ending(let commits) = phase, isQuiet, asked == nil, !mayHaveBegun, !needsEpoch,
            !enrolmentIsUnsure, !commits || toEnrol.isEmpty
        else { return nil }
        return finish(commits: commits)
    }

    mutating func foundCoordinator() {
        isCoordinatorKnown = true
        asked = nil
        pace.reset()
    }

    mutating func lostCoordinator() { isCoordinatorKnown = false }

    /// No answer came: nobody knows what became of it. The same is asked for again, an end, too:
    /// the coordinator knows the last one by its epoch, and answers as it did.
    mutating func lost(_ now: Instant, _ random: inout SeededRandom) {
        if case .addPartitions = asked { enrolmentIsUnsure = true }
        asked = nil
        isCoordinatorKnown = false
        pace.delay(from: now, &random)
    }

    mutating func answered(
        _ answer: TransactionAnswer, now: Instant, _ random: inout SeededRandom
    ) -> Outcome? {
        guard let request = asked else { return nil }
        asked = nil
        let error = KafkaError(answer.code)
        switch request {
        case .findCoordinator: return found(error, now, &random)
        case .initialize:
            let verdict = TransactionVerdict(error, .initialize, isV2: isV2)
            guard verdict == .done else { return react(verdict, error, answer, now, &random) }
            return initialized(answer.identity)
        case .addPartitions(_, _, let partitions):
            let verdict = TransactionVerdict(error, .addPartitions, isV2: isV2)
            guard verdict == .done else { return react(verdict, error, answer, now, &random) }
            enrolmentIsUnsure = false
            enrolled.formUnion(partitions)
            toEnrol.removeAll { partitions.contains($0) }
            mayHaveBegun = true
            pace.reset()
            return nil
        case .end(_, _, let commits, _):
            let verdict = TransactionVerdict(error, .end, isV2: isV2)
            guard verdict == .done else { return react(verdict, error, answer, now, &random) }
            return ended(commits: commits, answer.identity)
        }
    }

    // MARK: What answers bring

    private mutating func found(
        _ error: KafkaError, _ now: Instant, _ random: inout SeededRandom
    ) -> Outcome? {
        guard error != .none else {
            foundCoordinator()
            return nil
        }
        if error.isRetriable {
            pace.delay(from: now, &random)
            return nil
        }
        let failure = ProduceFailure(
            error.reaction == .denied ? .notAuthorized : .kafka, code: error, error.name)
        phase = .failed(failure)
        return .failed(failure)
    }

    private mutating func initialized(_ identity: ProducerIdentity?) -> Outcome? {
        if let identity { self.identity = identity }
        pace.reset()
        needsEpoch = false
        mayBeFenced = false
        if case .ending(let commits) = phase { return finish(commits: commits) }
        phase = .ready
        return .initialized
    }

    private mutating func ended(commits: Bool, _ next: ProducerIdentity?) -> Outcome? {
        pace.reset()
        mayHaveBegun = false
        if isV2, let next, next.id >= 0 {
            identity = next
            needsEpoch = false
        }
        // The caller is told when the next transaction can begin.
        return needsEpoch ? nil : finish(commits: commits)
    }

    private mutating func finish(commits: Bool) -> Outcome {
        phase = .ready
        toEnrol = []
        enrolled = []
        enrolmentIsUnsure = false
        mayHaveBegun = false
        return commits ? .committed : .aborted
    }

    private mutating func react(
        _ verdict: TransactionVerdict, _ error: KafkaError, _ answer: TransactionAnswer,
        _ now: Instant, _ random: inout SeededRandom
    ) -> Outcome? {
        func failure(_ reason: ProduceFailure.Reason) -> ProduceFailure {
            let place = answer.partition.map { " (\($0.topic)-\($0.partition))" } ?? ""
            return ProduceFailure(reason, code: error, error.name + place)
        }
        switch verdict {
        case .done: return nil
        case .retry:
            pace.delay(from: now, &random)
            return nil
        case .findCoordinator:
            isCoordinatorKnown = false
            pace.delay(from: now, &random)
            return nil
        case .abortable(let bumps):
            if phase == .initializing {
                // Nothing is open that could be aborted: the caller may try again.
                phase = .unknown
                return .failed(failure(error.reaction == .denied ? .notAuthorized : .aborted))
            }
            if bumps { needsEpoch = true }
            return broken(failure(error.reaction == .denied ? .notAuthorized : .aborted))
        case .startOver:
            needsEpoch = true
            mayHaveBegun = false
            return broken(failure(.aborted))
        case .unknown:
            guard case .ending(let commits) = phase else { return nil }
            return endIsUnknown(commits: commits)
        case .fatal(let reason):
            let failure = failure(reason)
            phase = .failed(failure)
            return .failed(failure)
        }
    }

    private mutating func broken(_ failure: ProduceFailure) -> Outcome? {
        if case .ending(commits: false) = phase { return nil }
        phase = .broken(failure)
        return .broken(failure)
    }

    /// Whether it was committed cannot be found out: never told as success, and nothing goes on
    /// with the same epoch, which aborts what may be open still.
    private mutating func endIsUnknown(commits: Bool) -> Outcome? {
        needsEpoch = true
        mayHaveBegun = false
        guard commits else { return nil }
        let failure = ProduceFailure(
            .unavailable, "it is not known whether the transaction was committed",
            mayBeStored: true)
        phase = .broken(failure)
        return .broken(failure)
    }

    func nextDeadline(_ isQuiet: Bool) -> Instant {
        let due = asked == nil && due(isQuiet) != nil ? pace.retryAt ?? .zero : .distantFuture
        return min(due, patience.end ?? .distantFuture)
    }
}
