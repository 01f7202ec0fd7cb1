import Bytes
import KafkaCore

extension RecordSlice {
    /// The first `records` records; fewer than all. nil: they are not in the cache any more.
    func prefix(records: Int, _ cache: LogCache) -> RecordSlice? {
        guard records > 0 else { return nil }
        var cursor = RecordCursor(self)
        var passed = 0
        while let piece = cache.bytes(at: cursor, upTo: .max / 2), piece.count > 0 {
            var reader = ByteReader(piece)
            while !reader.isAtEnd {
                guard let record = Self.record(&reader) else { return nil }
                if passed == records {
                    let start = byteCount - cursor.remainingBytes + record.start
                    return cut(records: records, bytes: start, nextOffset: record.offset)
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

    /// Where the next record starts, and its offset; the reader goes behind it. A KafkaMessage
    /// begins with its offset, field 1, unless that is 0.
    private static func record(_ reader: inout ByteReader) -> (start: Int, offset: Int64)? {
        let start = reader.position
        do throws(BytesError) {
            guard try reader.uint8() == 0x0a else { return nil }
            let length = try reader.uvarint64()
            guard length <= UInt64(reader.remaining) else { return nil }
            var body = ByteReader(try reader.slice(Int(length)))
            guard !body.isAtEnd, body.bytes[0] == 0x08 else { return (start, 0) }
            try body.skip(1)
            return (start, Int64(bitPattern: try body.uvarint64()))
        } catch { return nil }
    }
}
