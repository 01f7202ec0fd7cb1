import Compression
import KafkaProtocol
import Timing

/// Sends records to one cluster: collects them in batches, sends these by broker, repeats what has
/// to be repeated, and reports of every record once. Sans I/O: events come in with the time,
/// effects are appended to `effects`, requests are fetched by `takeRequest` when a connection has
/// room.
public final class Producer {
    public let settings: ProducerSettings
    /// Taken by the driver after each event.
    public var effects: [ProducerEffect] = []
    var random: SeededRandom

    private(set) var topics: [String: ProducerTopic] = [:]
    /// In the order in which they were named.
    private(set) var topicOrder: [ProducerTopic] = []
    private var forgottenCount = 0
    var nodes = NodeQueues()
    var requests: [ProduceRequestID: SentRequest] = [:]
    var lastRequest: UInt64 = 0
    /// Topics that are waited for, by when somebody has waited long enough.
    var topicDeadlines = DeadlineHeap<ProducerTopic>()
    /// Records that have no partition yet.
    var unplacedCount = 0
    var identification: Identification
    var transactions: Transactions?
    var compressor: Compressor?
    var flushes = Flushes()

    /// Open batches, by the end of their wait: the same for all, so they come in order.
    var lingering = FIFO<ProducerBatch>()
    /// Partitions that wait for the end of a pause.
    var pausing = DeadlineHeap<PartitionQueue>()
    /// Every batch that is not reported of, in the order of their deadlines.
    var deadlines = SlotList<ProducerBatch>()

    /// Of records whose reports were not taken yet.
    public private(set) var bufferedBytes = 0
    private var owesRoom = false
    /// Nothing can be sent any more.
    private(set) var failure: ProduceFailure?

    public init(_ settings: ProducerSettings, random: SeededRandom) {
        self.settings = settings
        self.random = random
        identification = Identification(settings)
        transactions = Transactions(settings)
        do {
            var options = CompressionOptions()
            options.level = settings.compressionLevel
            compressor = try Compressor(settings.compression, options)
        } catch {
            failure = ProduceFailure(.codecMissing, "\(error)")
        }
    }

    // MARK: Records

    /// A topic by its name, for many records.
    public func topic(_ name: String) -> ProducerTopic {
        if let topic = topics[name] { return topic }
        let topic = ProducerTopic(name)
        topics[name] = topic
        topicOrder.append(topic)
        return topic
    }

    /// Nobody knows it, and nothing of it waits: names are for clients to choose.
    func forget(_ topic: ProducerTopic) {
        guard !topic.isForgotten, topic.isEmpty else { return }
        topic.isForgotten = true
        topics[topic.name] = nil
        forgottenCount += 1
        // Most of them are: to look at all costs as much as to name them has.
        guard forgottenCount * 2 > topicOrder.count else { return }
        topicOrder.removeAll { $0.isForgotten }
        forgottenCount = 0
    }

    /// - Parameter partition: nil: the partitioner chooses.
    public func append(
        _ record: borrowing ProducedRecord, to topic: ProducerTopic, partition: Int32? = nil,
        now: Instant
    ) -> Acceptance {
        let topic = topic.isForgotten ? self.topic(topic.name) : topic
        let size = record.byteCountMax
        if let refusal = refusal(topic, size, partition) { return .refused(refusal) }
        guard bufferedBytes + size <= settings.bufferBytes else {
            // Nothing is gained by waiting for more.
            if !owesRoom { sealEverything() }
            owesRoom = true
            return .full
        }
        bufferedBytes += size
        guard case .known = topic.state, topic.partitionCount > 0, topic.unplaced.isEmpty else {
            wait(record, size, topic, partition, now)
            return .accepted
        }
        place(record, size, topic, partition, now)
        return .accepted
    }

    /// Reports of so many bytes were taken.
    public func taken(_ bufferBytes: Int) {
        self.bufferedBytes -= bufferBytes
        precondition(self.bufferedBytes >= 0, "more is given back than was accepted")
        // Not at the first byte: who waits has much to say.
        guard owesRoom, self.bufferedBytes <= settings.bufferBytes / 2 else { return }
        owesRoom = false
        effects.append(.roomAgain)
    }

    private func refusal(
        _ topic: ProducerTopic, _ size: Int, _ partition: Int32?
    ) -> ProduceFailure? {
        if let failure = failure ?? transactions?.refusal { return failure }
        let sizeMax = min(settings.recordBytesMax, settings.bufferBytes)
        if size - ProducedRecord.overheadMax + RecordBatchHeader.byteCount > sizeMax {
            return ProduceFailure(
                .tooLarge,
                "the record has \(size - ProducedRecord.overheadMax) bytes; at most "
                    + "\(sizeMax), with \(RecordBatchHeader.byteCount) of its batch, are allowed")
        }
        if partition == nil, settings.partitioner == .manual {
            return ProduceFailure(.invalid, "the record has to name its partition")
        }
        guard let partition else { return nil }
        return partition < 0 || topic.hasNo(partition) ? noPartition(partition, topic) : nil
    }

    /// The topic may have grown: who comes again finds it.
    func noPartition(_ partition: Int32, _ topic: ProducerTopic) -> ProduceFailure {
        if partition >= 0 { effects.append(.metadataNeeded(topic: topic.name)) }
        return ProduceFailure(
            .notFound, code: .unknownTopicOrPartition,
            "there is no partition \(partition) of the topic")
    }

    /// Nothing is placed before those that came before it.
    private func wait(
        _ record: borrowing ProducedRecord, _ size: Int, _ topic: ProducerTopic,
        _ partition: Int32?, _ now: Instant
    ) {
        topic.unplaced.append(
            UnplacedRecord(
                record, partition, bufferBytes: size,
                WaitedRecord(generation: flushes.began(), acceptedAt: now)))
        unplacedCount += 1
        watch(topic, now)
        want(topic)
    }

    /// Into a batch of its partition.
    func place(
        _ record: borrowing ProducedRecord, _ size: Int, _ topic: ProducerTopic,
        _ partition: Int32?, _ now: Instant, waited: WaitedRecord? = nil
    ) {
        if let partition {
            add(record, size, to: topic.queue(partition, settings), now, waited)
        } else if let queue = topic.choose(record, settings, &random) {
            let isFull = add(record, size, to: queue, now, waited)
            guard record.key == nil else { return }
            topic.noteAppended(size, to: queue, isFull: isFull, settings, &random)
        }
    }

    /// Answers whether its batch takes no more.
    @discardableResult
    func add(
        _ record: borrowing ProducedRecord, _ size: Int, to queue: PartitionQueue, _ now: Instant,
        _ waited: WaitedRecord? = nil
    ) -> Bool {
        let batch =
            queue.batch(for: size, settings) ?? begin(queue, size, waited?.acceptedAt ?? now)
        if let waited { flushes.join(batch, waited.generation) }
        batch.append(record, bytes: size)
        let load = UnsentLoad(bytes: size, records: 1)
        queue.unsent.add(load)
        if nodes.added(load, to: queue.leader, settings.triggers) { sealAll(of: queue.leader) }
        let isFull = queue.closeIfFull(settings)
        if isFull || settings.wait == 0 || nodes.isTriggered(queue.leader, settings.triggers)
            || waited != nil && (flushes.isAwaited(batch.generation) || isCommitting)
        {
            _ = queue.noteDue()
            nodes.list(queue)
        }
        return isFull
    }

    private func begin(_ queue: PartitionQueue, _ size: Int, _ now: Instant) -> ProducerBatch {
        // What was open is closed now, and ready.
        if queue.waitingCount > 0 { nodes.list(queue) }
        let batch = ProducerBatch(
            queue, now: now,
            deadline: now.adding(milliseconds: settings.deliveryTimeoutMilliseconds),
            generation: flushes.began(), capacity: min(settings.batchBytes, 4 * size))
        queue.begin(batch)
        deadlines.append(batch)
        if settings.wait > 0 { lingering.append(batch) }
        queue.topic.weigh(settings) { leader in
            settings.availabilityTimeoutMilliseconds == 0
                || nodes.isAvailable(
                    leader, within: settings.availabilityTimeoutMilliseconds, now)
        }
        return batch
    }

    /// A batch is sent for the first time, or never will be.
    func noteNotUnsent(_ batch: ProducerBatch) {
        let load = UnsentLoad(bytes: batch.bufferBytes, records: batch.recordCount)
        batch.queue.unsent.remove(load)
        nodes.removed(load, from: batch.queue.leader, settings.triggers)
    }

    // MARK: Ends

    /// The records of a batch are reported of.
    func report(_ batch: ProducerBatch, _ result: DeliveryReport.Result) {
        guard !batch.isDone else { return }
        deadlines.remove(batch)
        if batch.isUnsent { noteNotUnsent(batch) }
        if case .failed = result, batch.place != nil { transactions?.noteGap() }
        let (tokens, bytes) = batch.finish()
        report(
            DeliveryReport(
                topic: batch.queue.topic.name, partition: batch.queue.index, tokens: tokens,
                result: result, bufferBytes: bytes), batch.generation)
    }

    func report(_ report: DeliveryReport, _ generation: Int) {
        if !report.tokens.isEmpty { effects.append(.report(report)) }
        if case .failed(let failure) = report.result { breakTransaction(failure) }
        for token in flushes.ended(generation) { effects.append(.flushed(token)) }
    }

    /// Nothing is sent any more: everything that waits fails with it.
    public func shutDown(_ failure: ProduceFailure) {
        self.failure = failure
        for topic in topicOrder {
            failUnplaced(topic, failure)
            for queue in topic.queues { fail(queue.takeAll(), failure) }
        }
    }

    /// What is not on its way. The answers of the others are waited for.
    func failUnsent(of queue: PartitionQueue, _ failure: ProduceFailure) {
        for batch in queue.sent where !batch.isOnWire {
            giveUp(batch, isStored: batch.mayBeStored ? nil : false)
            fail([batch], failure)
        }
        fail(queue.takeWaiting(), failure)
    }

    func fail(_ batches: [ProducerBatch], _ failure: ProduceFailure) {
        for batch in batches {
            var failure = failure
            failure.mayBeStored = batch.isOnWire || batch.mayBeStored
            report(batch, .failed(failure))
        }
    }
}
