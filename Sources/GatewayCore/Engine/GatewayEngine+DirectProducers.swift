import KafkaCore
import KafkaProducing
import Statuses
import Timing

/// The host's own producers: records and requests come in, reports go out.
extension GatewayEngine {
    public func openProducer(
        _ id: DirectProducerID, of client: DirectClientID, _ settings: DirectProducerSettings,
        now: Instant
    ) {
        self.now = now
        guard directProducers[id] == nil, let seat = directClients[client]?.seat else { return }
        let producer = DirectProducer(
            id, settings, seat, seat.cluster.ownProducer(settings.producer, now: now))
        directProducers[id] = producer
        producerOwners[ProducerPlace(seat, producer.producer)] = producer
    }

    /// What was taken is still sent; nothing is told any more.
    public func closeProducer(_ id: DirectProducerID, now: Instant) {
        self.now = now
        guard let producer = directProducers[id] else { return }
        call(producer.seat) { $0.endProducer(producer.producer, now: now, &$1) }
    }

    /// In the order of the calls. What waits for an outcome holds up what was asked behind it.
    public func ask(_ id: DirectProducerID, _ ask: ProducerAsk, now: Instant) {
        self.now = now
        guard let producer = directProducers[id] else { return }
        producer.add(ask)
        goOn(producer)
    }

    private func goOn(_ producer: DirectProducer) {
        let asks = producer.takeAsks()
        for (place, ask) in asks.enumerated() {
            perform(ask, producer)
            guard producer.waiting != nil else { continue }
            return producer.putBack(asks[(place + 1)...])
        }
    }

    private func perform(_ ask: ProducerAsk, _ producer: DirectProducer) {
        switch ask {
        case .records(let block): produce(block, producer)
        case .flush(let token): flush(producer, token)
        case .begin(let token): begin(producer, token)
        case .commit(let token): end(producer, .commit, token)
        case .abort(let token): end(producer, .abort, token)
        }
    }

    // MARK: Records

    private func produce(_ block: RecordBlock, _ producer: DirectProducer) {
        var refused: [DeliveryReport] = []
        call(producer.seat) { cluster, effects in
            cluster.produce(producer.producer, now: now, &effects) { sink in
                block.forEach(topic: sink.topic) { record, topic, partition in
                    let acceptance = sink.append(record, to: topic, partition: partition)
                    guard let failure = acceptance.failure else { return }
                    refused.add(record, topic.name, partition ?? -1, failure)
                }
            }
        }
        for report in refused { tell(report, of: producer) }
    }

    func tell(_ report: DeliveryReport, of producer: DirectProducer) {
        var fault: ProducerFault?
        if case .failed(let failure) = report.result { fault = ProducerFault(failure) }
        let isWanted =
            switch producer.settings.reports {
            case .all: true
            case .failures: fault != nil
            case .none: false
            }
        emit(
            producer,
            isWanted ? .delivered(report, fault) : .untold(bytes: report.bufferBytes))
    }

    private func flush(_ producer: DirectProducer, _ token: UInt64) {
        var flush: FlushToken?
        call(producer.seat) { flush = $0.flush(producer.producer, now: now, &$1) }
        guard let flush else { return emit(producer, .flushed(token: token, nil)) }
        producer.flushes[flush, default: []].append(token)
    }

    // MARK: Transactions

    private func begin(_ producer: DirectProducer, _ token: UInt64) {
        guard !producer.isInitialized else { return open(producer, token) }
        var refusal: ProduceFailure?
        producer.waiting = (.begin, token)
        call(producer.seat) {
            refusal = $0.initializeTransactions(producer.producer, now: now, &$1)
        }
        if let refusal { finish(producer, ProducerFault(refusal)) }
    }

    private func open(_ producer: DirectProducer, _ token: UInt64) {
        var refusal: ProduceFailure?
        call(producer.seat) { refusal = $0.beginTransaction(producer.producer, now: now, &$1) }
        var fault = refusal.map { ProducerFault($0) }
        fault?.mustAbort = producer.isBroken
        emit(producer, .transaction(.begin, token: token, fault))
    }

    private func end(
        _ producer: DirectProducer, _ step: DirectProducerEvent.Step, _ token: UInt64
    ) {
        var refusal: ProduceFailure?
        producer.waiting = (step, token)
        call(producer.seat) { cluster, effects in
            refusal =
                step == .commit
                ? cluster.commitTransaction(producer.producer, now: now, &effects)
                : cluster.abortTransaction(producer.producer, now: now, &effects)
        }
        guard let refusal else { return }
        var fault = ProducerFault(refusal)
        fault.mustAbort = producer.isBroken && step == .commit
        finish(producer, fault)
    }

    func take(_ outcome: TransactionOutcome, _ producer: DirectProducer) {
        switch outcome {
        case .initialized:
            producer.isInitialized = true
            guard let (_, token) = producer.waiting else { return }
            producer.waiting = nil
            open(producer, token)
            goOn(producer)
        case .committed, .aborted:
            producer.isBroken = false
            finish(producer, nil)
        case .broken(let failure):
            producer.isBroken = true
            guard producer.waiting?.step == .commit else { return }
            var fault = ProducerFault(failure)
            fault.mustAbort = true
            finish(producer, fault)
        case .late(let failure): finish(producer, ProducerFault(failure))
        case .failed(let failure):
            var fault = ProducerFault(failure)
            // While the id is asked for, another attempt may do.
            fault.isFatal = producer.isInitialized || failure.reason == .fenced
            finish(producer, fault)
        }
    }

    /// What was waited for is done, or not; what was asked meanwhile comes next.
    private func finish(_ producer: DirectProducer, _ fault: ProducerFault?) {
        guard let (step, token) = producer.waiting else { return }
        producer.waiting = nil
        emit(producer, .transaction(step, token: token, fault))
        goOn(producer)
    }

    // MARK: Ends

    /// Everything was reported of. What was asked for and not begun is not done any more.
    func forget(_ producer: DirectProducer) {
        directProducers[producer.id] = nil
        producerOwners[ProducerPlace(producer.seat, producer.producer)] = nil
        let gone = ProducerFault(
            status: Status.gone.rawValue, text: "the producer has ended", isFatal: true)
        for token in producer.flushes.values.flatMap({ $0 }).sorted() {
            emit(producer, .flushed(token: token, gone))
        }
        if let (step, token) = producer.waiting {
            producer.waiting = nil
            emit(producer, .transaction(step, token: token, gone))
        }
        for ask in producer.takeAsks() { refuse(ask, gone, producer) }
    }

    private func refuse(_ ask: ProducerAsk, _ fault: ProducerFault, _ producer: DirectProducer) {
        switch ask {
        case .records(let block):
            var refused: [DeliveryReport] = []
            let failure = ProduceFailure(.closed, fault.text)
            block.forEach(topic: { $0 }) { record, topic, partition in
                refused.add(record, topic, partition ?? -1, failure)
            }
            for report in refused { tell(report, of: producer) }
        case .flush(let token): emit(producer, .flushed(token: token, fault))
        case .begin(let token): emit(producer, .transaction(.begin, token: token, fault))
        case .commit(let token): emit(producer, .transaction(.commit, token: token, fault))
        case .abort(let token): emit(producer, .transaction(.abort, token: token, fault))
        }
    }

    /// The loop stops: their clusters have, and have told what they knew.
    func endProducers() {
        for producer in directProducers.values.sorted(by: { $0.id.raw < $1.id.raw }) {
            forget(producer)
        }
    }

    func emit(_ producer: DirectProducer, _ content: DirectProducerEvent.Content) {
        effects.append(.producer(DirectProducerEvent(producer: producer.id, content: content)))
    }
}

extension Acceptance {
    fileprivate var failure: ProduceFailure? {
        switch self {
        case .accepted: nil
        case .refused(let failure): failure
        case .full: ProduceFailure(.tooLarge, "the producer's buffer has no room")
        }
    }
}

extension [DeliveryReport] {
    /// Neighbours that fail alike are told of together.
    fileprivate mutating func add(
        _ record: borrowing ProducedRecord, _ topic: String, _ partition: Int32,
        _ failure: ProduceFailure
    ) {
        if let last, last.topic == topic, last.partition == partition,
            case .failed(failure) = last.result
        {
            self[count - 1].tokens.append(record.token)
            self[count - 1].bufferBytes += record.byteCountMax
            return
        }
        append(
            DeliveryReport(
                topic: topic, partition: partition, tokens: [record.token],
                result: .failed(failure), bufferBytes: record.byteCountMax))
    }
}

extension ProducerFault {
    init(_ failure: ProduceFailure) {
        status = Self.status(failure)
        text = failure.text
        mayBeStored = failure.mayBeStored
        isFatal = failure.reason == .fenced || failure.reason == .closed
    }

    private static func status(_ failure: ProduceFailure) -> Int32 {
        if let code = failure.meaning { return Status.number(ofKafka: code) }
        let status: Status =
            switch failure.reason {
            case .invalid, .aborted: .state
            case .notAuthorized: .auth
            case .timedOut: .timeout
            case .codecMissing: .unsupported
            case .closed: .gone
            case .unavailable, .kafka, .tooLarge, .notFound, .fenced: .system
            }
        return status.rawValue
    }
}
