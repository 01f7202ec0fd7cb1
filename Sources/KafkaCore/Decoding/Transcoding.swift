import Bytes
import KafkaProtocol
import RecordFormat

enum TranscodeEnd {
    case end
    /// So many bytes as were allowed, or more by one record; or enough records were looked at.
    case full
    /// The next record is not there as a whole yet.
    case hungry
    case failed(RecordError)
}

/// Records without output (they lie before the asked offset) cost time too.
private let recordsPerStepMax = 65_536

/// Smaller ones find room in what runs have anyway.
private let largeRecordBytes = LogCache.runBytesMax / 16

/// The way of all records that are ever read: from a batch's payload to `KafkaMessage` bytes.
func transcodeRecords(
    _ reader: inout BatchReader, from: Int64, header: RecordBatchHeader, base: Int64,
    isPartial: Bool, bytesMax: Int, _ bytes: inout ByteWriter, _ index: inout RecordIndex
) -> TranscodeEnd {
    let frame = TranscodeFrame(
        from: from, base: base, isPartial: isPartial, bytesMax: bytesMax,
        appendTime: header.isLogAppendTime)
    do throws(RecordError) {
        switch reader {
        case .none: return .end
        case .records(var records):
            defer { reader = .records(records) }
            return try transcode(&records, frame, &bytes, &index)
        case .legacy(var records):
            defer { reader = .legacy(records) }
            return try transcode(&records, frame, &bytes, &index)
        }
    } catch {
        return .failed(error)
    }
}

/// What holds for all records of one call.
struct TranscodeFrame {
    /// Records before it are passed over.
    var from: Int64
    /// Of the index.
    var base: Int64
    /// The reader has the front of the batch only.
    var isPartial: Bool
    var bytesMax: Int
    var appendTime: Bool
}

private func transcode(
    _ records: inout RecordReader, _ frame: TranscodeFrame, _ bytes: inout ByteWriter,
    _ index: inout RecordIndex
) throws(RecordError) -> TranscodeEnd {
    var record = Record()
    var left = recordsPerStepMax
    while bytes.count < frame.bytesMax && left > 0 {
        // Whatever stops it is for `next`: the end, room, headers, a fault.
        left -= transcodePlain(&records, frame, recordsMax: left, &bytes, &index)
        repeat {
            guard bytes.count < frame.bytesMax, left > 0 else { return .full }
            if frame.isPartial, !records.hasWholeRecord { return .hungry }
            guard try records.next(&record) else { return .end }
            left -= 1
        } while record.offset < frame.from
        try append(record, frame, &bytes, &index)
    }
    return .full
}

private func transcode(
    _ records: inout LegacyRecordReader, _ frame: TranscodeFrame, _ bytes: inout ByteWriter,
    _ index: inout RecordIndex
) throws(RecordError) -> TranscodeEnd {
    var record = Record()
    var left = recordsPerStepMax
    while bytes.count < frame.bytesMax && left > 0 {
        guard try records.next(&record) else { return .end }
        left -= 1
        try append(record, frame, &bytes, &index)
    }
    return .full
}

/// Plain records as long as there is room for them. Answers how many were written. All that the
/// loop needs it holds itself, and nothing is written back per record: a third of the time.
private func transcodePlain(
    _ reader: inout RecordReader, _ frame: TranscodeFrame, recordsMax: Int,
    _ bytes: inout ByteWriter, _ index: inout RecordIndex
) -> Int {
    guard let start = bytes.end, let firstEntry = index.end,
        var records = PlainRecordReader(reader),
        records.offsetMax - frame.base <= Int64(UInt32.max)
    else { return 0 }
    var writer = PlainRecordWriter(appendTime: frame.appendTime)
    var place = start
    let runStart = start - bytes.count
    let stop = runStart + frame.bytesMax
    let placeMax = start + bytes.room - PlainRecordWriter.overheadMax
    var entry = firstEntry
    let entriesEnd = firstEntry + min(index.room, recordsMax, reader.left)
    while place < stop, entry < entriesEnd, let record = records.look(),
        record.offset >= frame.from, record.byteCount <= placeMax - place,
        writer.takes(offset: record.offset, timestamp: record.timestamp)
    {
        entry.initialize(
            to: RecordIndex.Entry(
                offsetDelta: UInt32(truncatingIfNeeded: record.offset &- frame.base),
                place: UInt32(truncatingIfNeeded: place - runStart)))
        entry += 1
        writer.write(
            offset: record.offset, timestamp: record.timestamp,
            key: record.key, keyCount: record.keyCount,
            value: record.value, valueCount: record.valueCount, at: &place)
        records.pass(record)
    }
    let written = entry - firstEntry
    reader.goOn(behind: records, count: written)
    bytes.commit(place - start)
    index.commit(written)
    return written
}

/// Any record.
private func append(
    _ record: Record, _ frame: TranscodeFrame, _ bytes: inout ByteWriter,
    _ index: inout RecordIndex
) throws(RecordError) {
    guard record.offset >= frame.from else { return }
    let delta = record.offset - frame.base
    guard delta <= Int64(UInt32.max), bytes.count <= Int(UInt32.max) else {
        throw RecordError(.invalidOffset, at: 0)
    }
    // A large one is a peer's choice: no memory for it is an error. A byte of a header's name
    // that is not UTF-8 becomes three.
    let most = record.keyCount + record.valueCount + 4 * record.headersByteCount
    if most > largeRecordBytes, !bytes.reserveIfPossible(most + PlainRecordWriter.overheadMax) {
        throw RecordError(.outOfMemory, at: 0)
    }
    index.append(
        offsetDelta: UInt32(truncatingIfNeeded: delta),
        place: UInt32(truncatingIfNeeded: bytes.count))
    if record.headerCount == 0 {
        write(record, .none, frame.appendTime, into: &bytes)
    } else {
        try writeWithHeaders(record, frame.appendTime, into: &bytes)
    }
}

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
