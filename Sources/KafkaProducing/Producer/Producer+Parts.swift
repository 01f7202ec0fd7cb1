import Bytes
import Compression
import KafkaProtocol
import Timing

extension Producer {
    /// Two halves in place of what is too large for the broker.
    func split(_ batch: ProducerBatch, _ now: Instant) {
        let half = batch.recordCount / 2
        divide(batch, now) { $0 < half ? .part(0) : .part(1) }
    }

    /// Those that the broker names fail alone, the others are sent again (KIP-467).
    func failRecords(_ batch: ProducerBatch, _ answer: ProduceAnswer, _ now: Instant) {
        let error = KafkaError(answer.code)
        var failures: [Int: ProduceFailure] = [:]
        for (index, text) in answer.recordErrors where index >= 0 && index < batch.recordCount {
            let told = text ?? answer.text
            failures[Int(index)] = ProduceFailure(
                .invalid, code: error, told.map { "\(error.name): \($0)" } ?? error.name)
        }
        guard !failures.isEmpty, failures.count < batch.recordCount else {
            return fail(batch, .invalid, answer, now)
        }
        divide(batch, now) { failures[$0].map { .failed($0) } ?? .part(0) }
    }

    private enum Fate {
        case part(Int)
        case failed(ProduceFailure)
    }

    /// Its records in batches of their own, in its place, those that fail left out.
    private func divide(_ batch: ProducerBatch, _ now: Instant, _ fate: (Int) -> Fate) {
        let queue = batch.queue
        var parts: [ProducerBatch] = []
        var failed: [DeliveryReport] = []
        do {
            try batch.forEachRecord { index, record in
                let size = record.byteCountMax
                switch fate(index) {
                case .part(let number):
                    while parts.count <= number { parts.append(ProducerBatch(partOf: batch)) }
                    parts[number].append(record, bytes: size)
                case .failed(let failure):
                    failed.append(
                        DeliveryReport(
                            topic: queue.topic.name, partition: queue.index,
                            tokens: [record.token], result: .failed(failure), bufferBytes: size))
                }
            }
        } catch {
            preconditionFailure("a batch of our own cannot be read: \(error)")
        }
        let hasGap = queue.replace(batch, by: parts)
        flushes.divided(batch.generation, by: parts.count + failed.count)
        deadlines.remove(batch)
        for part in parts.reversed() { deadlines.prepend(part) }
        _ = batch.finish()
        // In a transaction this may end the parts: they have to be known by then.
        if hasGap { bump(queue, mayHaveLost: false) }
        for one in failed { report(one, batch.generation) }
        for token in flushes.ended(batch.generation) { effects.append(.flushed(token)) }
    }
}

extension ProducerBatch {
    /// Reads what was sealed.
    fileprivate func forEachRecord(_ body: (Int, borrowing ProducedRecord) -> Void) throws {
        guard let sealed else { return }
        var decompressor = Decompressor()
        let payload = try sealed.payload(&decompressor)
        var reader = RecordReader(sealed.header, payload: payload.bytes)
        var record = Record()
        var index = 0
        while try reader.next(&record) {
            body(index, ProducedRecord(record, token: tokens[index]))
            index += 1
        }
    }
}

extension ProducedRecord {
    fileprivate init(_ record: Record, token: UInt64) {
        self.init(
            key: record.keyBytes, value: record.valueBytes,
            headers: UnsafeRawBufferPointer(
                start: record.headers, count: record.headersByteCount),
            headerCount: record.headerCount, timestamp: record.timestamp, token: token)
    }
}
