import Bytes
import Compression
import KafkaProtocol

/// What a record set holds, read as the library reads it: checksums, every codec, both formats.
public struct RecordSet {
    public struct Entry {
        public var header: RecordBatchHeader
        public var records: [OwnedRecord]
    }

    public var entries: [Entry] = []
    public var isCut = false

    public var records: [OwnedRecord] { entries.flatMap(\.records) }

    public init(_ bytes: UnsafeRawBufferPointer) throws {
        var reader = RecordSetReader(bytes)
        var bench = Bench()
        while let batch = try reader.next() {
            try batch.verifyChecksum()
            let records = try bench.records(batch)
            entries.append(Entry(header: batch.header, records: records))
        }
        isCut = reader.isCut
    }

    /// More than any batch of a test has.
    static let plainBytesMax = 64 << 20

    private struct Bench: ~Copyable {
        var decompressor = Decompressor()
        var plain = ByteWriter()

        mutating func records(_ batch: RecordBatch) throws -> [OwnedRecord] {
            let codec = Codec(rawValue: batch.header.compressionCode) ?? .none
            guard codec != .none else { return try owned(batch.header, batch.payload) }
            plain.removeAll()
            try decompressor.begin(codec, input: batch.payload, cap: RecordSet.plainBytesMax)
            while try decompressor.step(into: &plain, budget: 1 << 16) == .more {}
            return try plain.withBytes { try owned(batch.header, $0) }
        }
    }
}

/// Every record of a payload that is not compressed (any more).
public func owned(
    _ header: RecordBatchHeader, _ payload: UnsafeRawBufferPointer
) throws(RecordError) -> [OwnedRecord] {
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
