import Bytes
import KafkaProtocol
import PubSubProtocol

enum TranscodeEnd {
    case end
    /// So many bytes as were allowed, or more by one record; or enough records were looked at.
    case full
    case failed(RecordError)
}

/// Records without output (they lie before the asked offset) cost time too.
private let recordsPerStepMax = 65_536

/// The loop over all records that are ever read: from a batch's payload to `KafkaMessage` bytes.
func transcodeRecords(
    _ reader: inout BatchReader, from: Int64, header: RecordBatchHeader, base: Int64,
    bytesMax: Int, _ bytes: inout ByteWriter, _ index: inout RecordIndex
) -> TranscodeEnd {
    switch reader {
    case .none: return .end
    case .records(var records):
        defer { reader = .records(records) }
        return transcode(
            &records, from, header.isLogAppendTime, base, bytesMax, &bytes, &index)
    case .legacy(var records):
        defer { reader = .legacy(records) }
        return transcode(
            &records, from, header.isLogAppendTime, base, bytesMax, &bytes, &index)
    }
}

private func transcode<Source: RecordSource>(
    _ records: inout Source, _ from: Int64, _ appendTime: Bool, _ base: Int64, _ bytesMax: Int,
    _ bytes: inout ByteWriter, _ index: inout RecordIndex
) -> TranscodeEnd {
    var record = Record()
    var left = recordsPerStepMax
    do throws(RecordError) {
        while bytes.count < bytesMax && left > 0 {
            guard try records.next(&record) else { return .end }
            left -= 1
            if record.offset < from { continue }
            let delta = record.offset - base
            guard delta <= Int64(UInt32.max) else { throw RecordError(.invalidOffset, at: 0) }
            index.append(
                offsetDelta: UInt32(truncatingIfNeeded: delta),
                place: UInt32(truncatingIfNeeded: bytes.count))
            if record.headerCount == 0 {
                write(record, .none, appendTime, into: &bytes)
            } else {
                try writeWithHeaders(record, appendTime, into: &bytes)
            }
        }
        return .full
    } catch {
        return .failed(error)
    }
}

@inline(__always)
private func write(
    _ record: Record, _ headers: RecordHeaders, _ appendTime: Bool, into bytes: inout ByteWriter
) {
    KafkaMessageWriter.write(
        offset: record.offset, timestamp: record.timestamp,
        key: record.key, keyCount: record.key == nil ? -1 : record.keyCount,
        value: record.value, valueCount: record.value == nil ? -1 : record.valueCount,
        headers: headers, appendTime: appendTime, into: &bytes)
}

private func writeWithHeaders(
    _ record: Record, _ appendTime: Bool, into bytes: inout ByteWriter
) throws(RecordError) {
    let raw = UnsafeRawBufferPointer(start: record.headers, count: record.headersByteCount)
    let headers: RecordHeaders
    do {
        headers = try RecordHeaders(raw, count: record.headerCount)
    } catch {
        throw RecordError(.invalidLength, at: error.offset)
    }
    write(record, headers, appendTime, into: &bytes)
}
