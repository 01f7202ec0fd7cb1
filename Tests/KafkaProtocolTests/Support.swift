import Bytes
import KafkaProtocol

/// A record as values that can be compared and kept.
struct OwnedRecord: Equatable {
    var offset: Int64
    var timestamp: Int64
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [OwnedHeader] = []
}

struct OwnedHeader: Equatable {
    var name: [UInt8]
    var value: [UInt8]?
}

extension OwnedRecord {
    init(_ record: Record) throws {
        self.init(
            offset: record.offset, timestamp: record.timestamp,
            key: record.keyBytes.map { [UInt8]($0) }, value: record.valueBytes.map { [UInt8]($0) })
        var reader = RecordHeaderReader(record)
        while let header = try reader.next() {
            headers.append(
                OwnedHeader(name: [UInt8](header.name), value: header.value.map { [UInt8]($0) }))
        }
    }
}

/// Every record of a payload that is not compressed (any more).
func records(
    _ header: RecordBatchHeader, _ payload: UnsafeRawBufferPointer
) throws -> [OwnedRecord] {
    var found: [OwnedRecord] = []
    var record = Record()
    if header.magic < 2 {
        var reader = try LegacyRecordReader(header, payload: payload)
        while try reader.next(&record) { found.append(try OwnedRecord(record)) }
    } else {
        var reader = RecordReader(header, payload: payload)
        while try reader.next(&record) { found.append(try OwnedRecord(record)) }
    }
    return found
}

/// Every record of a set of uncompressed entries, with checksums verified.
func records(ofSet bytes: [UInt8]) throws -> [OwnedRecord] {
    try bytes.withUnsafeBytes { bytes in
        var reader = RecordSetReader(bytes)
        var found: [OwnedRecord] = []
        while let batch = try reader.next() {
            try batch.verifyChecksum()
            found += try records(batch.header, batch.payload)
        }
        return found
    }
}

func batch(
    baseOffset: Int64 = 0, attributes: Int16 = 0, lastOffsetDelta: Int32? = nil,
    _ fill: (inout RecordBatchWriter) -> Void
) -> [UInt8] {
    var writer = RecordBatchWriter(
        RecordBatchHeader(baseOffset: baseOffset, attributes: attributes))
    fill(&writer)
    var w = ByteWriter()
    writer.finish(&w, lastOffsetDelta: lastOffsetDelta)
    return w.array
}

/// The error that reading `bytes` as a record set ends with.
func recordError(_ bytes: [UInt8]) -> RecordError.Reason? {
    do {
        _ = try records(ofSet: bytes)
        return nil
    } catch { return (error as? RecordError)?.reason }
}
