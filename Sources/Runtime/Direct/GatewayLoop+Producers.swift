import GatewayCore
import KafkaProducing

// Producers of the host's: records and requests from any thread, events to their queues.
extension GatewayLoop {
    func open(_ producer: KafkaProducer, of client: DirectClientID) {
        producers[producer.id] = producer
        engine.openProducer(producer.id, of: client, producer.settings, now: loop.now)
        perform()
    }

    /// Takes what the host has asked for, and looks again soon: whoever produces record by record
    /// would wake the loop for each.
    func takeAsks(of producer: KafkaProducer, _ look: WaitingAsks.Look) {
        let (taken, isLast) = producer.take(look)
        ask(producer, taken.asks)
        if isLast { return close(producer) }
        guard taken.looksAgain else { return }
        loop.schedule(afterMilliseconds: KafkaProducer.lookMilliseconds) { [unowned self] in
            takeAsks(of: producer, .timer)
        }
    }

    private func ask(_ producer: KafkaProducer, _ asks: [ProducerAsk]) {
        for ask in asks {
            engine.ask(producer.id, ask, now: loop.now)
            perform()
        }
    }

    /// The loop ends. What waits for its next look is asked for before everything is cut: whatever
    /// was taken of the host is told of.
    func takeLastAsks() {
        for producer in producers.values.sorted(by: { $0.id.raw < $1.id.raw }) {
            ask(producer, producer.takeLast())
        }
    }

    /// Nothing is told any more.
    private func close(_ producer: KafkaProducer) {
        guard producers.removeValue(forKey: producer.id) != nil else { return }
        engine.closeProducer(producer.id, now: loop.now)
        perform()
    }

    func deliver(_ event: DirectProducerEvent) {
        guard let producer = producers[event.producer] else { return }
        switch event.content {
        case .untold(let bytes): producer.release(bytes)
        case .delivered(let report, let fault):
            push(QueueEvent(report, fault, producer), of: producer)
        case .flushed(let token, let fault):
            push(QueueEvent(.flushed, token, fault, producer), of: producer)
        case .transaction(let step, let token, let fault):
            var queued = QueueEvent(.transaction, token, fault, producer)
            queued.code = step.rawValue
            push(queued, of: producer)
        }
    }

    private func push(_ event: QueueEvent, of producer: KafkaProducer) {
        // Before the host can see the event: it may use the token again at once.
        if event.kind != .delivery { producer.forget(event.token) }
        // Nobody listens any more.
        if !producer.queue.push(event) { producer.destroy() }
    }
}

extension QueueEvent {
    /// `PUBSUBGW_MAY_BE_STORED`, `PUBSUBGW_MUST_ABORT`, `PUBSUBGW_FATAL`
    static let mayBeStoredFlag: UInt32 = 4
    static let mustAbortFlag: UInt32 = 8
    static let fatalFlag: UInt32 = 16

    fileprivate init(_ report: DeliveryReport, _ fault: ProducerFault?, _ producer: KafkaProducer) {
        self.init(.delivery)
        userData = producer.userData
        code = report.partition
        note(fault)
        var (offset, timestamp): (Int64, Int64) = (-1, -1)
        if case .delivered(let base, let time) = report.result {
            (offset, timestamp) = (base, time)
        }
        number = offset
        number2 = timestamp
        data = EventData(
            DeliveryOfEvent(
                topic: report.topic, partition: report.partition, tokens: report.tokens,
                offset: offset, timestamp: timestamp, text: fault?.text ?? "",
                mayBeStored: fault?.mayBeStored ?? false))
        byteCount = report.bufferBytes
        receipt = producer
    }

    fileprivate init(
        _ kind: Kind, _ token: UInt64, _ fault: ProducerFault?, _ producer: KafkaProducer
    ) {
        self.init(kind)
        self.token = token
        userData = producer.userData
        note(fault)
        text = fault?.text ?? ""
    }

    private mutating func note(_ fault: ProducerFault?) {
        guard let fault else { return }
        rawStatus = fault.status
        if fault.mayBeStored { flags |= Self.mayBeStoredFlag }
        if fault.mustAbort { flags |= Self.mustAbortFlag }
        if fault.isFatal { flags |= Self.fatalFlag }
    }
}
