import Compression
import KafkaProtocol

/// What the log cleaner does (`cleanup.policy=compact`).
extension Partition {
    /// Keeps the last record of each key, and every record without a key; batches keep their
    /// offsets, so gaps remain. Batches that become empty go, but for the last one of the log.
    func compact() throws(CompressionError) {
        let last = lastOffsets()
        let isLatest = { (record: Record) -> Bool in
            guard let key = record.keyBytes else { return true }
            return last[[UInt8](key)] == record.offset
        }
        var compacted = PartitionLog(startOffset: log.startOffset)
        for batch in log.batches[log.firstBatch...] {
            guard let bytes = try kept(batch, isLatest) else { continue }
            bytes.withUnsafeBytes {
                _ = compacted.append(
                    $0, base: batch.baseOffset, last: batch.lastOffset,
                    maxTimestamp: batch.maxTimestamp, leaderEpoch: batch.leaderEpoch)
            }
        }
        log = compacted
    }

    private func lastOffsets() -> [[UInt8]: Int64] {
        var last: [[UInt8]: Int64] = [:]
        for batch in log.batches[log.firstBatch...] {
            forEachRecord(of: batch) { record in
                if let key = record.keyBytes { last[[UInt8](key)] = record.offset }
            }
        }
        return last
    }

    private func forEachRecord(of batch: StoredBatch, _ body: (Record) -> Void) {
        var reader = RecordSetReader(log.bytes(of: batch))
        guard let stored = try? reader.next(), !stored.isLegacy, !stored.header.isControl,
            let payload = storedRecords(stored)
        else { return }
        payload.withUnsafeBytes { bytes in
            var records = RecordReader(stored.header, payload: bytes)
            var record = Record()
            while (try? records.next(&record)) == true { body(record) }
        }
    }

    /// The batch with the records that stay; nil if none does.
    private func kept(
        _ batch: StoredBatch, _ stays: (Record) -> Bool
    ) throws(CompressionError) -> [UInt8]? {
        let bytes = log.bytes(of: batch)
        var reader = RecordSetReader(bytes)
        guard let stored = try? reader.next(), !stored.isLegacy, !stored.header.isControl,
            let codec = Codec(rawValue: stored.header.compressionCode)
        else { return [UInt8](bytes) }
        var writer = RecordBatchWriter(stored.header)
        forEachRecord(of: batch) { record in
            guard stays(record) else { return }
            writer.append(record, offsetDelta: Int32(record.offset - batch.baseOffset))
        }
        let isLast = batch.lastOffset == log.endOffset - 1
        guard writer.recordCount > 0 || isLast else { return nil }
        return try writer.finished(
            codec, CompressionOptions(),
            lastOffsetDelta: Int32(batch.lastOffset - batch.baseOffset))
    }
}
