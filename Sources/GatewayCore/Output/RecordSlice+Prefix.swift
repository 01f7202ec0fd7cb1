import Bytes
import KafkaCore
import RecordFormat

extension RecordSlice {
    /// The first `records` records; fewer than all. nil: they are not in the cache any more.
    func prefix(records: Int, _ cache: LogCache) -> RecordSlice? {
        guard records > 0 else { return nil }
        var cursor = RecordCursor(self)
        var passed = 0
        while let piece = cache.bytes(at: cursor, upTo: .max / 2), piece.count > 0 {
            var reader = ByteReader(piece)
            while !reader.isAtEnd {
                let start = reader.position
                guard let record = KafkaMessageHead(&reader) else { return nil }
                if passed == records {
                    let bytes = byteCount - cursor.remainingBytes + start
                    return cut(records: records, bytes: bytes, nextOffset: record.offset)
                }
                passed += 1
            }
            cache.advance(&cursor, by: piece.count)
        }
        return nil
    }

    private func cut(records: Int, bytes: Int, nextOffset: Int64) -> RecordSlice {
        RecordSlice(
            log: log, firstOffset: firstOffset, nextOffset: nextOffset, byteCount: bytes,
            recordCount: records, position: position, isolation: isolation)
    }
}
