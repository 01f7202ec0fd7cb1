import Glibc
import KafkaCore
import KafkaProducing
import PubSubProtocol

/// The topics that one call hands records in for.
private struct TopicsInUse {
    enum Verdict {
        case hidden
        case tooMany
        case open(ProducerTopic, ProducerUse.Topic)
    }

    private var verdicts: [Verdict] = []
    private var byName: [String: Int] = [:]
    /// Records that follow one another are mostly of one topic.
    private var last: (name: Range<Int>, index: Int)?

    mutating func verdict(
        _ name: Range<Int>, _ lent: ProduceCommand.Bytes, _ find: (String) -> Verdict
    ) -> Verdict {
        if let last, Self.isSame(lent.value(last.name), lent.value(name)) {
            return verdicts[last.index]
        }
        let text = String(decoding: lent.value(name), as: UTF8.self)
        let index = byName[text] ?? verdicts.count
        if index == verdicts.count {
            verdicts.append(find(text))
            byName[text] = index
        }
        last = (name, index)
        return verdicts[index]
    }

    private static func isSame(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer)
        -> Bool
    {
        guard one.count == other.count else { return false }
        guard let a = one.baseAddress, let b = other.baseAddress else { return one.isEmpty }
        return memcmp(a, b, one.count) == 0
    }

    var count: Int { verdicts.count }

    func forEachOpen(_ body: (ProducerUse.Topic) -> Void) {
        for case .open(_, let topic) in verdicts { body(topic) }
    }
}

extension ProduceInProgress {
    /// What came of handing records in.
    struct HandedIn {
        /// nil: all were handed in, or refused.
        var place: Place?
        /// Topics that the session may not produce to.
        var hidden: [String] = []
    }

    /// Hands records in, from `next` on, until one finds no room.
    /// - Parameter milliseconds: the wall clock, for records without a timestamp.
    func handIn(
        _ records: [ProduceRecord], _ lent: ProduceCommand.Bytes,
        to sink: borrowing RecordSink, at milliseconds: Int64, isResumed: Bool,
        _ service: ProduceService
    ) -> HandedIn {
        var outcome = HandedIn()
        var topics = TopicsInUse()
        var headers: [UInt8] = []
        while next < records.count, outcome.place == nil {
            let record = records[next]
            let count = topics.count
            let verdict = topics.verdict(record.topic, lent) { name in
                guard count < rules.topicsMax else { return .tooMany }
                guard rules.allows(name) else {
                    outcome.hidden.append(name)
                    return .hidden
                }
                return .open(sink.topic(name), use.topic(name))
            }
            guard case .open(let topic, let share) = verdict else {
                refuse(verdict, service)
                continue
            }
            if let trouble = trouble(of: record, lent) {
                refuse(trouble, service)
                continue
            }
            guard isResumed || !share.hasWaiting else {
                outcome.place = .topic(share)
                continue
            }
            makeHeaders(of: record, lent, &headers)
            outcome.place = headers.withUnsafeBytes {
                handIn(record, lent, $0, (topic, share), sink, milliseconds, service)
            }
        }
        topics.forEachOpen { use.leave($0) }
        return outcome
    }

    private func refuse(_ verdict: TopicsInUse.Verdict, _ service: ProduceService) {
        if case .tooMany = verdict {
            refuse(ProduceTrouble.tooManyTopics(max: rules.topicsMax), service)
        } else {
            refuse(ProduceTrouble.hidden, service)
        }
    }

    private func refuse(_ trouble: ProduceTrouble, _ service: ProduceService) {
        service.noteRefused(trouble)
        refuse(trouble)
    }

    /// Why the session may not send it.
    private func trouble(
        of record: ProduceRecord, _ lent: ProduceCommand.Bytes
    ) -> ProduceTrouble? {
        if record.partition != nil, !rules.mayChoosePartition { return .partitionChosen }
        if record.timestamp != nil, !rules.mayBringTimestamp { return .timestampBrought }
        if rules.recordBytesMax > 0, record.byteCount > rules.recordBytesMax {
            return .tooLarge(max: rules.recordBytesMax)
        }
        let own = lent.headers(record.headers)
        return rules.headers.isForged(own, count: record.headerCount) ? .headerForged : nil
    }

    /// The client's, and those that are added. Most records have none, or only the added ones.
    private func makeHeaders(
        of record: ProduceRecord, _ lent: ProduceCommand.Bytes, _ headers: inout [UInt8]
    ) {
        headers.removeAll(keepingCapacity: true)
        if record.headerCount > 0 { headers.append(contentsOf: lent.headers(record.headers)) }
        if rules.headers.count > 0 { headers.append(contentsOf: rules.headers.bytes) }
    }

    /// nil: it was handed in, or refused.
    private func handIn(
        _ record: ProduceRecord, _ lent: ProduceCommand.Bytes, _ headers: UnsafeRawBufferPointer,
        _ topic: (sink: ProducerTopic, share: ProducerUse.Topic), _ sink: borrowing RecordSink,
        _ milliseconds: Int64, _ service: ProduceService
    ) -> Place? {
        let timestamp = record.timestamp ?? milliseconds
        let produced = ProducedRecord(
            key: record.key.map { lent.value($0) }, value: record.value.map { lent.value($0) },
            headers: headers, headerCount: record.headerCount + rules.headers.count,
            timestamp: timestamp, token: ProduceToken.make(self, next))
        let size = produced.byteCountMax
        guard use.hasRoom(for: size, topic.share) else { return .topic(topic.share) }
        switch sink.append(produced, to: topic.sink, partition: record.partition) {
        case .accepted:
            use.take(size, topic.share)
            accepted(timestamp, size)
            return nil
        case .full: return .buffer
        case .refused(let failure):
            refuse(.failed(failure), service)
            return nil
        }
    }
}

extension ProduceRecord {
    /// Key, value and headers.
    var byteCount: Int { (key?.count ?? 0) + (value?.count ?? 0) + headers.count }
}
