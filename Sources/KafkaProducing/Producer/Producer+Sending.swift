import Bytes
import Compression
import KafkaProtocol
import Timing

extension Producer {
    /// Brokers for which there may be something to send, in the order in which they were met.
    public func nodesToServe(_ now: Instant) -> [Int32] {
        guard mayStartRequests else { return [] }
        return nodes.order.filter { id in
            let node = nodes[id]
            return !node.ready.isEmpty && node.inFlight < settings.requestsInFlightMax
        }
    }

    private var mayStartRequests: Bool {
        failure == nil && (!settings.isIdempotent || identity != nil)
    }

    /// The next request for a broker, whose connection has room for it; nil: there is nothing to
    /// send. Records are compressed here: `budgetBytes` of them, and the batch that goes beyond.
    public func takeRequest(
        to node: Int32, budgetBytes: Int, now: Instant
    ) -> ProduceRequestToSend? {
        guard mayStartRequests, nodes[node].inFlight < settings.requestsInFlightMax else {
            return nil
        }
        let batches = collect(node, budgetBytes, now)
        // Some may have to be enrolled first.
        pursueTransaction(now)
        guard !batches.isEmpty else { return nil }
        nodes.tookSome(node)
        lastRequest += 1
        let id = ProduceRequestID(number: lastRequest)
        let sorted = batches.sorted { $0.queue.topic.name < $1.queue.topic.name }
        let request = ProduceRequestToSend(
            id: id, node: node, acks: settings.acks,
            timeoutMilliseconds: settings.requestTimeoutMilliseconds,
            transactionalID: settings.transactionalID, isTransactionV2: isInTransactionV2,
            batches: sorted.compactMap { batch in
                batch.sealed.map {
                    ProduceRequestToSend.Batch(
                        topic: batch.queue.topic, partition: batch.queue.index, bytes: $0.block)
                }
            })
        if settings.acks == .none {
            for batch in sorted { forget(batch) }
        } else {
            requests[id] = SentRequest(node: node, batches: sorted)
            nodes.sent(to: node)
        }
        return request
    }

    /// Nobody will tell what becomes of it.
    private func forget(_ batch: ProducerBatch) {
        batch.wasAnswered()
        batch.queue.arrived(batch, offset: -1)
        report(batch, .delivered(baseOffset: -1, logAppendTime: -1))
    }

    /// One batch of each partition that has one, until the request is full.
    private func collect(_ node: Int32, _ budgetBytes: Int, _ now: Instant) -> [ProducerBatch] {
        var batches: [ProducerBatch] = []
        var room = RequestRoom(settings)
        var budget = budgetBytes
        for _ in 0..<nodes[node].ready.count where budget > 0 {
            guard let queue = nodes.takeReady(node) else { break }
            guard let size = queue.nextSize(settings, identity, now) else {
                pause(queue, now)
                continue
            }
            guard isEnrolled(queue) else { continue }
            guard room.take(size) else {
                nodes.putBack(queue)
                break
            }
            guard let batch = next(of: queue, now) else { continue }
            budget -= size.bytes
            batches.append(batch)
        }
        return batches
    }

    private func next(of queue: PartitionQueue, _ now: Instant) -> ProducerBatch? {
        guard let batch = queue.next(settings, identity, now) else { return nil }
        if batch.isUnsent { noteNotUnsent(batch) }
        batch.send(&compressor, isTransactional: transactions != nil)
        relist(queue, now)
        return batch
    }

    /// Into its leader's list if there is something to send, or will be after a pause.
    func relist(_ queue: PartitionQueue, _ now: Instant) {
        if queue.mayUse(settings, identity, now) {
            nodes.list(queue)
        } else {
            pause(queue, now)
        }
    }

    /// It comes back by itself when its pause is over.
    private func pause(_ queue: PartitionQueue, _ now: Instant) {
        guard let at = queue.pace.retryAt, at > now, !queue.isEmpty, queue.pausesUntil != at else {
            return
        }
        queue.pausesUntil = at
        pausing.insert(queue, at: at)
    }
}

/// What one request still takes.
private struct RequestRoom {
    private var bytes: Int
    private var records: Int
    private var isEmpty = true

    init(_ settings: ProducerSettings) {
        bytes = settings.requestBytesMax
        let countMax = settings.triggers.recordsMax
        records = countMax > 0 ? countMax : .max
    }

    /// The first one always: a batch alone is for its broker to judge.
    mutating func take(_ size: UnsentLoad) -> Bool {
        guard isEmpty || size.bytes <= bytes && size.records <= records else { return false }
        isEmpty = false
        bytes -= size.bytes
        records -= size.records
        return true
    }
}
