import Bytes
import Compression
import KafkaProducing
import KafkaProtocol

/// A partition's log as a broker keeps it, with what it remembers of idempotent producers: written
/// after Kafka's `ProducerStateManager`, for the tests of the producer.
final class ModelPartition {
    struct Known {
        var epoch: Int16
        var lastSequence: Int32
        /// First and last sequence, and the offset: of the last five batches.
        var batches: [(first: Int32, last: Int32, offset: Int64)] = []
    }

    let name: String
    var leader: Int32
    var epoch: Int32 = 1
    enum State { case plain, open, committed, aborted }
    private(set) var entries: [(value: UInt64, producer: Int64, state: State)] = []
    /// Values of the records, as numbers.
    var log: [UInt64] { entries.map(\.value) }
    /// Of transactions: whether the partition is part of the one that is open.
    var isEnrolled: (Int64, Int16, _ isV2: Bool) -> Bool = { _, _, _ in true }
    private var producers: [Int64: Known] = [:]
    var batchBytesMax = Int.max
    /// Records with such a value are refused.
    var refuses: (UInt64) -> Bool = { _ in false }

    init(_ name: String, leader: Int32) {
        self.name = name
        self.leader = leader
    }

    /// Retention has taken what was known.
    func forgetProducers() { producers = [:] }

    struct Outcome {
        var code: Int16 = 0
        var offset: Int64 = -1
        var recordErrors: [Int32] = []
    }

    func append(_ bytes: UnsafeRawBufferPointer, isV2: Bool = false) throws -> Outcome {
        guard bytes.count <= batchBytesMax else { return Outcome(code: 10) }
        var set = RecordSetReader(bytes)
        guard let batch = try set.next() else { return Outcome(code: 2) }
        try batch.verifyChecksum()
        let values = try Self.values(batch)
        guard values.count == Int(batch.header.recordCount) else { return Outcome(code: 2) }
        if let duplicate = find(batch.header) { return Outcome(offset: duplicate) }
        let bad = values.indices.filter { refuses(values[$0]) }
        guard bad.isEmpty else { return Outcome(code: 87, recordErrors: bad.map { Int32($0) }) }
        if let code = check(batch.header) { return Outcome(code: code) }
        let isTransactional = batch.header.isTransactional
        // KIP-890: nothing is left open by a request that comes too late.
        if isTransactional,
            !isEnrolled(batch.header.producerID, batch.header.producerEpoch, isV2)
        {
            return Outcome(code: isV2 ? 120 : 48)
        }
        let offset = Int64(entries.count)
        entries += values.map {
            (value: $0, producer: batch.header.producerID, isTransactional ? .open : .plain)
        }
        remember(batch.header, offset)
        return Outcome(offset: offset)
    }

    /// The end of a transaction.
    func mark(_ producer: Int64, _ epoch: Int16, commits: Bool) {
        for index in entries.indices
        where entries[index].producer == producer && entries[index].state == .open {
            entries[index].state = commits ? .committed : .aborted
        }
        if let known = producers[producer], known.epoch < epoch {
            producers[producer] = Known(epoch: epoch, lastSequence: -1)
        }
    }

    private func last(_ header: RecordBatchHeader) -> Int32 {
        Int32((Int64(header.baseSequence) + Int64(header.recordCount) - 1) & 0x7fff_ffff)
    }

    private func find(_ header: RecordBatchHeader) -> Int64? {
        guard header.producerID >= 0, let known = producers[header.producerID],
            known.epoch == header.producerEpoch
        else { return nil }
        return known.batches.first { $0.first == header.baseSequence && $0.last == last(header) }?
            .offset
    }

    private func check(_ header: RecordBatchHeader) -> Int16? {
        guard header.producerID >= 0, let known = producers[header.producerID] else { return nil }
        if header.producerEpoch < known.epoch { return 47 }
        if header.producerEpoch > known.epoch { return header.baseSequence == 0 ? nil : 45 }
        let next = Int32((Int64(known.lastSequence) + 1) & 0x7fff_ffff)
        return header.baseSequence == next ? nil : 45
    }

    private func remember(_ header: RecordBatchHeader, _ offset: Int64) {
        guard header.producerID >= 0 else { return }
        var known =
            producers[header.producerID] ?? Known(epoch: header.producerEpoch, lastSequence: -1)
        if known.epoch != header.producerEpoch { known.batches = [] }
        known.epoch = header.producerEpoch
        known.lastSequence = last(header)
        known.batches.append((header.baseSequence, last(header), offset))
        if known.batches.count > 5 { known.batches.removeFirst() }
        producers[header.producerID] = known
    }

    private static func values(_ batch: RecordBatch) throws -> [UInt64] {
        var plain = ByteWriter()
        if let codec = Codec(rawValue: batch.header.compressionCode), codec != .none {
            var decompressor = Decompressor()
            try decompressor.begin(codec, input: batch.payload, cap: 1 << 30)
            while try decompressor.step(into: &plain, budget: .max) == .more {}
        } else {
            plain.bytes(batch.payload)
        }
        var values: [UInt64] = []
        try plain.withBytes { bytes in
            var reader = RecordReader(batch.header, payload: bytes)
            var record = Record()
            while try reader.next(&record) {
                guard let value = record.valueBytes, value.count >= 8 else { continue }
                values.append(value.loadUnaligned(as: UInt64.self))
            }
        }
        return values
    }
}
