import Bytes
import Compression
import KafkaProtocol
import TestSupport
import Testing
import Timing

@testable import KafkaProducing

/// One producer, driven by hand.
struct DrivenProducer {
    let producer: Producer
    var now = Instant.zero
    let topicID = KafkaUUID(high: 0, low: 7)

    init(_ change: (inout ProducerSettings) -> Void = { _ in }) {
        var settings = ProducerSettings()
        settings.isIdempotent = false
        settings.acks = .leader
        change(&settings)
        producer = Producer(settings, random: SeededRandom(seed: 1))
    }

    /// Partition i is led by node i.
    func tell(_ leaders: [Int32] = [0], epoch: Int32 = 1) {
        _ = producer.topic("t")
        producer.tell(
            "t", id: topicID,
            leaders.enumerated().map {
                PartitionLeader(index: Int32($0), leader: $1, epoch: epoch)
            }, now: now)
    }

    @discardableResult
    func append(
        _ count: Int, partition: Int32? = 0, token: UInt64 = 0, key: [UInt8]? = nil
    ) -> Acceptance {
        [UInt8](repeating: 65, count: count).withUnsafeBytes { value in
            (key ?? []).withUnsafeBytes { keyBytes in
                producer.append(
                    ProducedRecord(
                        key: key == nil ? nil : keyBytes, value: value, timestamp: 0,
                        token: token), to: producer.topic("t"), partition: partition, now: now)
            }
        }
    }

    func take(_ node: Int32 = 0) -> ProduceRequestToSend? {
        producer.takeRequest(to: node, budgetBytes: 1 << 20, now: now)
    }

    mutating func wait(_ milliseconds: Int64) {
        now = now.adding(milliseconds: milliseconds)
        producer.tick(now)
    }

    func answer(_ request: ProduceRequestToSend, _ code: Int16 = 0, offset: Int64 = 0) {
        producer.answered(
            request.id,
            request.batches.map {
                ProduceAnswer(
                    topic: "t", partition: $0.partition, code: code, baseOffset: offset)
            }, now: now)
    }

    var effects: [ProducerEffect] {
        defer { producer.effects = [] }
        return producer.effects
    }

    var reports: [DeliveryReport] {
        effects.compactMap { if case .report(let report) = $0 { report } else { nil } }
    }
}

extension ProduceRequestToSend {
    var recordCounts: [Int] {
        batches.map { batch in
            var set = RecordSetReader(batch.bytes.bytes)
            return (try? set.next()).flatMap { $0 }.map { Int($0.header.recordCount) } ?? -1
        }
    }
}

extension ProduceRequestToSend {
    /// Epoch and first sequence of the first batch.
    var place: [Int] {
        var set = batches.first.map { RecordSetReader($0.bytes.bytes) }
        guard let header = (try? set?.next()).flatMap({ $0 })?.header else { return [] }
        return [Int(header.producerEpoch), Int(header.baseSequence)]
    }
}

extension DeliveryReport {
    var failure: ProduceFailure? {
        if case .failed(let failure) = result { failure } else { nil }
    }
}
