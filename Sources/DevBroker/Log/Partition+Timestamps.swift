import Bytes
import KafkaProtocol

/// Looking for records by time, the only place where a broker reads records.
extension Partition {
    /// The first record at or after `timestamp` (milliseconds).
    func first(atOrAfter timestamp: Int64) -> (timestamp: Int64, offset: Int64)? {
        for batch in log.batches[log.firstBatch...] where batch.maxTimestamp >= timestamp {
            let hit = firstRecord(of: batch) {
                $0.timestamp >= timestamp && $0.offset >= log.startOffset
            }
            if let hit { return hit }
        }
        return nil
    }

    /// The first of the records with the largest timestamp.
    func largestTimestamp() -> (timestamp: Int64, offset: Int64)? {
        let live = log.batches[log.firstBatch...]
        guard let largest = live.map(\.maxTimestamp).max(), largest >= 0 else { return nil }
        return first(atOrAfter: largest)
    }

    private func firstRecord(
        of batch: StoredBatch, where isHit: (Record) -> Bool
    ) -> (timestamp: Int64, offset: Int64)? {
        var reader = RecordSetReader(log.bytes(of: batch))
        guard let stored = try? reader.next(), !stored.header.isControl else { return nil }
        guard let payload = storedRecords(stored) else { return nil }
        return payload.withUnsafeBytes { bytes in
            var records = RecordReader(stored.header, payload: bytes)
            var record = Record()
            while (try? records.next(&record)) == true {
                if isHit(record) { return (record.timestamp, record.offset) }
            }
            return nil
        }
    }
}
