import Bytes
import Compression
import KafkaProtocol
import KafkaTestCodecs
import Testing
import Timing

@Suite struct SealedBatchTests {
    /// Written and read by other implementations: producer 1, epoch 2, from sequence 3 on.
    static let golden =
        "000000000000000000000050000000000209f08f2d0000000000020000018bcfe568000000018bcfe56807"
        + "00000000000000010002000000030000000318000000026b027602026802780e000a020102770012000e"
        + "04000102026e01"
    static let time: Int64 = 1_700_000_000_000
    static let stamp = ProducerStamp(producerID: 1, producerEpoch: 2, baseSequence: 3)

    static func goldenWriter(_ spares: SpareBlocks? = nil) -> RecordBatchWriter {
        // The other implementation writes 0 for the leader's epoch; brokers write it over.
        var writer = RecordBatchWriter(RecordBatchHeader(partitionLeaderEpoch: 0), spares: spares)
        writer.append(key: [0x6b], value: [0x76], headers: [([0x68], [0x78])], timestamp: time)
        writer.append(key: nil, value: [0x77], timestamp: time + 5)
        writer.append(key: [], value: nil, headers: [([0x6e], nil)], timestamp: time + 7)
        return writer
    }

    @Test("a sealed batch is byte for byte what others write")
    func bytes() {
        let batch = Self.goldenWriter().seal(Self.stamp)
        #expect(wire(batch) == Self.golden)
        #expect(batch.recordCount == 3 && batch.stamp == Self.stamp)
    }

    @Test("another epoch and sequence give the bytes of a batch that was sealed with them")
    func stampedAgain() {
        let other = ProducerStamp(
            producerID: 1 << 40, producerEpoch: 7, baseSequence: 0, isTransactional: true)
        var batch = Self.goldenWriter().seal(Self.stamp)
        batch.stamp(other)
        #expect(wire(batch) == wire(Self.goldenWriter().seal(other)))
        #expect(batch.header.isTransactional)
        batch.stamp(Self.stamp)
        #expect(wire(batch) == Self.golden)
    }

    @Test("what a record adds is known before it is appended")
    func size() {
        var random = SeededRandom(seed: 3)
        var writer = RecordBatchWriter()
        for _ in 0..<500 {
            let record = Self.record(&random)
            withBytes(record) { key, value, headers in
                let before = writer.byteCount
                let size = writer.byteCount(
                    ofKey: key?.count, value: value?.count,
                    headersByteCount: RecordBatchWriter.byteCount(of: headers),
                    timestamp: record.timestamp)
                writer.appendRaw(
                    key: key, value: value, headers: headers, timestamp: record.timestamp)
                #expect(writer.byteCount - before == size)
            }
        }
        #expect(writer.seal().byteCount == RecordBatchHeader.byteCount + writtenBytes(seed: 3))
    }

    private func writtenBytes(seed: UInt64) -> Int {
        var random = SeededRandom(seed: seed)
        var writer = RecordBatchWriter()
        for _ in 0..<500 { append(Self.record(&random), to: &writer) }
        return writer.byteCount
    }

    @Test("every codec gives the records back", arguments: Codec.allCases)
    func codecs(_ codec: Codec) throws {
        var compressor = try Compressor(codec)
        let spares = SpareBlocks(bytesMax: 8 << 20)
        // Twice, because contexts and memory are used again.
        for seed in [1, 2] as [UInt64] {
            var random = SeededRandom(seed: seed)
            var writer = RecordBatchWriter(capacity: 64 << 10, spares: spares)
            let records = (0..<400).map { _ in Self.record(&random) }
            for record in records { append(record, to: &writer) }
            let plain = writer.byteCount
            let batch = writer.seal(Self.stamp, &compressor)
            #expect(batch.header.compressionCode == codec.rawValue)
            #expect(codec == .none || batch.byteCount < plain)
            let read = try withExtendedLifetime(batch) { try RecordSet(batch.block.bytes) }
            #expect(read.entries.count == 1 && read.entries[0].header.baseSequence == 3)
            #expect(read.records.map(\.value) == records.map(\.value))
            #expect(read.records.map(\.headers) == records.map(\.headers))
            #expect(read.records.map(\.timestamp) == records.map(\.timestamp))
            #expect(read.entries[0].header.maxTimestamp == records.map(\.timestamp).max())
        }
        #expect(spares.byteCount > 0)
    }

    @Test("what compression makes no smaller goes as it is", arguments: [Codec.gzip, .lz4, .zstd])
    func incompressible(_ codec: Codec) throws {
        var compressor = try Compressor(codec)
        let batch = Self.goldenWriter().seal(Self.stamp, &compressor)
        #expect(wire(batch) == Self.golden)
    }

    @Test("records of a sealed batch go on in other batches", arguments: [Codec.none, .zstd])
    func split(_ codec: Codec) throws {
        var random = SeededRandom(seed: 9)
        var writer = RecordBatchWriter()
        let records = (0..<100).map { _ in Self.record(&random) }
        for record in records { append(record, to: &writer) }
        var compressor = try Compressor(codec)
        let batch = writer.seal(Self.stamp, &compressor)
        var decompressor = Decompressor()
        let payload = try batch.payload(&decompressor)
        var reader = RecordReader(batch.header, payload: payload.bytes)
        var record = Record()
        var first = RecordBatchWriter()
        var second = RecordBatchWriter()
        while try reader.next(&record) {
            if record.offset < 50 { first.append(record) } else { second.append(record) }
        }
        let halves = try [first.seal(), second.seal()].map { batch in
            try withExtendedLifetime(batch) { try RecordSet(batch.block.bytes) }
        }
        #expect(halves.map { $0.records.count } == [50, 50])
        #expect(halves.flatMap(\.records).map(\.key) == records.map(\.key))
        #expect(halves.flatMap(\.records).map(\.headers) == records.map(\.headers))
        #expect(halves[1].records.first?.offset == 0)
    }

    @Test("sequences begin anew behind the largest")
    func sequences() {
        #expect(ProducerStamp.sequence(0, plus: 5) == 5)
        #expect(ProducerStamp.sequence(.max - 1, plus: 1) == .max)
        #expect(ProducerStamp.sequence(.max, plus: 1) == 0)
        #expect(ProducerStamp.sequence(.max - 2, plus: 10) == 7)
    }

    // MARK: Records

    private func wire(_ batch: SealedBatch) -> String {
        withExtendedLifetime(batch) { hex(batch.block.bytes) }
    }

    static func record(_ random: inout SeededRandom) -> OwnedRecord {
        func text(_ limit: Int) -> [UInt8]? {
            if random.below(8) == 0 { return nil }
            let count = random.below(limit)
            return (0..<count).map { _ in UInt8(97 + random.below(4)) }
        }
        let headers = (0..<random.below(3)).map { _ in
            OwnedHeader(name: text(8) ?? [], value: text(20))
        }
        return OwnedRecord(
            offset: 0, timestamp: time + Int64(random.below(1 << 20)) - 1000, key: text(20),
            value: text(random.below(20) == 0 ? 20_000 : 200), headers: headers)
    }

    private func append(_ record: OwnedRecord, to writer: inout RecordBatchWriter) {
        writer.append(
            key: record.key, value: record.value,
            headers: record.headers.map { ($0.name, $0.value) }, timestamp: record.timestamp)
    }

    private func withBytes(
        _ record: OwnedRecord,
        _ body: (
            UnsafeRawBufferPointer?, UnsafeRawBufferPointer?, UnsafeBufferPointer<RecordHeader>
        ) -> Void
    ) {
        let all = record.headers.flatMap { $0.name + ($0.value ?? []) }
        all.withUnsafeBytes { all in
            var at = 0
            func take(_ count: Int) -> UnsafeRawBufferPointer {
                defer { at += count }
                return UnsafeRawBufferPointer(rebasing: all[at..<at + count])
            }
            let headers = record.headers.map { header in
                let name = take(header.name.count)
                return RecordHeader(name: name, value: header.value.map { take($0.count) })
            }
            (record.key ?? []).withUnsafeBytes { key in
                (record.value ?? []).withUnsafeBytes { value in
                    headers.withUnsafeBufferPointer { headers in
                        body(
                            record.key == nil ? nil : key, record.value == nil ? nil : value,
                            headers)
                    }
                }
            }
        }
    }
}
