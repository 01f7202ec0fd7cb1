import GatewayCore

/// A Kafka client of the host's as its loop sees it.
final class DirectOutlet {
    let client: KafkaClient
    /// Of live subscriptions, by their tokens.
    var receipts: [UInt64: DirectReceipt] = [:]

    init(_ client: KafkaClient) { self.client = client }

    func receipt(_ event: DirectEvent) -> DirectReceipt {
        if let present = receipts[event.token] { return present }
        let receipt = DirectReceipt(client, token: event.token, number: event.number)
        receipts[event.token] = receipt
        return receipt
    }
}

// Kafka clients of the host's: requests from any thread, events to their queues.
extension GatewayLoop {
    func open(_ client: KafkaClient, _ settings: DirectSettings) {
        directs[client.id] = DirectOutlet(client)
        engine.openDirect(client.id, settings, now: loop.now)
        perform()
    }

    func ask(_ id: DirectClientID, token: UInt64, _ ask: DirectAsk) {
        engine.ask(id, token: token, ask, now: loop.now)
        perform()
    }

    func cancel(_ id: DirectClientID, token: UInt64) {
        engine.cancelDirect(id, token: token, now: loop.now)
        perform()
    }

    func closeDirect(_ id: DirectClientID) {
        engine.closeDirect(id, now: loop.now)
        perform()
        directs[id] = nil
    }

    func taken(_ receipt: DirectReceipt) {
        engine.taken(
            receipt.client.id, token: receipt.token, number: receipt.number,
            bytes: receipt.takeBytes(), now: loop.now)
        perform()
    }

    func deliver(_ event: DirectEvent) {
        guard let outlet = directs[event.client] else { return }
        let client = outlet.client
        var queued = QueueEvent(event, userData: client.userData)
        if event.isLast {
            outlet.receipts[event.token] = nil
            // Before the host can see the event: it may use the token again at once.
            client.forget(event.token)
        } else {
            queued.receipt = outlet.receipt(event)
        }
        // Nobody listens any more: nothing is read for it either.
        if !client.queue.push(queued) { client.destroy() }
    }
}

extension QueueEvent {
    /// `PUBSUBGW_LAST`
    static let lastFlag: UInt32 = 2

    init(_ event: DirectEvent, userData: UInt64) {
        switch event.kind {
        case .records: self.init(.records)
        case .offset: self.init(.offset)
        case .metadata: self.init(.metadata)
        }
        token = event.token
        self.userData = userData
        flags = event.isLast ? Self.lastFlag : 0
        switch event.content {
        case .records(let records):
            code = records.partition
            number = records.highWatermark
            number2 = records.nextOffset
            byteCount = records.byteCount + GatewayEngine.directEventBytes
            data = EventData(
                RecordsOfEvent(
                    topic: records.topic, partition: records.partition, count: records.count,
                    pieces: records.pieces))
        case .offset(let listed):
            number = listed.offset
            number2 = listed.timestamp
        case .metadata(let json): data = EventData(json)
        case .failed(let failure):
            rawStatus = failure.status
            text = failure.text
            number = failure.highWatermark
            number2 = failure.nextOffset >= 0 ? failure.nextOffset : failure.logStartOffset
        }
    }
}
