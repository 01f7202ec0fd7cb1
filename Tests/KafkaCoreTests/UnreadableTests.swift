import Bytes
import Compression
import KafkaProtocol
import Testing

@testable import KafkaCore

/// What others read is read, and what nobody can read tells where to go on.
@Suite struct UnreadableTests {
    private func understated(_ base: Int64, _ count: Int32, _ codec: Codec = .none) -> TestBatch {
        TestBatch(base: base, deltas: Array(0..<count), lastDelta: 0, codec: codec)
    }

    @Test(
        "A batch whose header understates its last offset is read whole", arguments: Codec.allCases)
    func understatedEnds(_ codec: Codec) throws {
        try #require(codec.isAvailable)
        let set = [.plain(0, 1), understated(1, 3, codec), .plain(4, 1)].bytes
        for offset in 0...4 as ClosedRange<Int64> {
            let fixture = DecodeFixture()
            let builder = fixture.decode(set, from: offset)
            #expect(builder.failure == nil)
            #expect(builder.coveredTo == 5)
            #expect(try fixture.offsets(offset) == Array(offset..<5))
        }
    }

    @Test("A batch of no records is passed, whatever stands in their place")
    func emptyBatch() throws {
        var empty = TestBatch.plain(0, 3).bytes
        for place in 57..<61 { empty[place] = 0 }
        resum(&empty)
        let fixture = DecodeFixture()
        let builder = fixture.decode(empty + TestBatch.plain(3, 1).bytes, from: 0)
        #expect(builder.failure == nil)
        #expect(try fixture.offsets(0) == [3])
    }

    @Test("Records near the largest offset are read, and those beyond it are an error")
    func largestOffset() throws {
        let fixture = DecodeFixture()
        let top = Int64.max - 3
        let good = fixture.decode(understated(top, 3).bytes, from: top)
        #expect(good.failure == nil && good.coveredTo == .max)
        #expect(try fixture.offsets(top) == [top, top + 1, top + 2])
        let bad = DecodeFixture().decode(understated(top, 4).bytes, from: top)
        #expect(bad.failure?.failure.kind == .corrupt && bad.coveredTo == .max)
        #expect(bad.failure?.failure.nextOffset == nil)
    }

    // MARK: Where to go on

    private func next(
        _ records: [UInt8], from offset: Int64 = 0, highWatermark: Int64 = 100,
        capBytes: Int = 64 << 20
    ) -> Int64? {
        let fixture = DecodeFixture()
        fixture.bench = DecodingBench(capBytes: capBytes)
        return fixture.decode(records, from: offset, highWatermark: highWatermark).failure?.failure
            .nextOffset
    }

    @Test("A header whose checksum is right says where to go on")
    func genuineHeader() throws {
        // The third record's length.
        var damaged = TestBatch(base: 10, deltas: [0, 1, 2], lastDelta: 9).bytes
        let record = (damaged.count - 61) / 3
        damaged[61 + 2 * record] = 0xff
        resum(&damaged)
        #expect(next(damaged, from: 10) == 20)
        var large = TestBatch.plain(0, 4, valueBytes: 1 << 20)
        large.codec = .gzip
        #expect(next(large.bytes, capBytes: 1 << 20) == 4)
        var unknown = TestBatch.plain(0, 4).bytes
        unknown[22] = 7
        resum(&unknown)
        #expect(next(unknown + TestBatch.plain(4, 1).bytes) == 4)
    }

    @Test("Where the checksum is wrong, the next batch says where to go on")
    func wrongChecksum() throws {
        var broken = TestBatch.plain(0, 3).bytes
        broken[broken.count - 1] ^= 1
        // The header says 3; compaction has left a gap.
        #expect(next(broken + TestBatch.plain(7, 1).bytes) == 7)
        #expect(next(broken) == 3)
        // The last offset itself may be what is wrong.
        broken[23] = 0x7f
        #expect(next(broken) == 1)
        #expect(next(broken + TestBatch.plain(3, 1).bytes) == 3)
    }

    @Test("Reading goes on behind what could be read, whatever the bytes say")
    func progress() throws {
        var strange = TestBatch.plain(5, 1).bytes
        strange[16] = 9
        #expect(next([TestBatch.plain(0, 5)].bytes + strange) == 6)
        // A length of nothing: no entry can be told behind it.
        var short = TestBatch.plain(5, 1).bytes
        for place in 8..<12 { short[place] = 0 }
        #expect(next([TestBatch.plain(0, 5)].bytes + short + TestBatch.plain(50, 1).bytes) == 6)
    }

    // MARK: Large batches

    /// More than a piece: `count` records of 10,000 bytes.
    private func large(_ codec: Codec, _ count: Int32) -> [UInt8] {
        var batch = TestBatch.plain(0, count, valueBytes: 10_000)
        batch.codec = codec
        return batch.bytes
    }

    @Test("A large batch is read piece by piece", arguments: Codec.allCases)
    func pieces(_ codec: Codec) throws {
        try #require(codec.isAvailable)
        let bytes = large(codec, 900)
        for budget in [70_000, 1 << 20, .max / 2] {
            let fixture = DecodeFixture()
            let builder = fixture.decode(bytes, from: 0, budget: budget)
            #expect(builder.failure == nil && builder.coveredTo == 900)
            let messages = try fixture.messages(0)
            #expect(messages.map(\.offset) == Array(0..<900))
            #expect(messages.allSatisfy { $0.value == TestBatch.value($0.offset, 10_000) })
        }
    }

    @Test(
        "Of a large batch no more is held than a piece and what decoders look back at",
        arguments: [Codec.gzip, .lz4, .zstd])
    func memory(_ codec: Codec) throws {
        try #require(codec.isAvailable)
        let bytes = large(codec, 3_000)
        let fixture = DecodeFixture()
        let builder = fixture.builder(of: bytes, from: 0)
        var most = 0
        bytes.withUnsafeBytes { frame in
            while true {
                var budget = 256 << 10
                let step = builder.step(
                    frame: frame, ownsBytes: true, budget: &budget, &fixture.bench)
                most = max(most, fixture.bench.heldBytes)
                if case .done = step { break }
            }
        }
        #expect(builder.failure == nil && builder.coveredTo == 3_000)
        #expect(most < 8 << 20, "\(most) bytes of 30 MB")
    }

    @Test("A record larger than a piece comes whole")
    func largeRecord() throws {
        let fixture = DecodeFixture()
        var batch = TestBatch.plain(0, 3, valueBytes: 5 << 20)
        batch.codec = .gzip
        let builder = fixture.decode(batch.bytes, from: 1, budget: 300_000)
        #expect(builder.failure == nil && builder.coveredTo == 3)
        #expect(
            try fixture.messages(1).map(\.value) == [1, 2].map { TestBatch.value($0, 5 << 20) })
    }

    @Test("Records up to the limit are delivered; then the error names the limit")
    func limit() throws {
        let fixture = DecodeFixture()
        fixture.bench = DecodingBench(capBytes: 3 << 20)
        let builder = fixture.decode(large(.gzip, 900), from: 0, budget: 256 << 10)
        #expect(builder.coveredTo > 300 && builder.coveredTo < 315)
        let failure = try #require(builder.failure?.failure)
        #expect(failure.kind == .limit && failure.nextOffset == 900)
        #expect(failure.text.contains("fetch.batch_bytes: at most \(3 << 20) bytes"))
        #expect(try fixture.offsets(0) == Array(0..<builder.coveredTo))
    }

    @Test("Bytes behind the last record of a large batch are corruption")
    func trailingBytes() throws {
        // One record fewer is counted than there are: 1.5 MB stay.
        var batch = TestBatch.plain(0, 300, valueBytes: 10_000).bytes
        let payload = Array(batch[61...])
        let packed = try Codec.gzip.compress(payload)
        batch = Array(batch[..<61]) + packed
        batch[22] |= 1
        for (place, shift) in zip(57..<61, [24, 16, 8, 0]) {
            batch[place] = UInt8(150 >> shift & 0xff)
        }
        let length = batch.count - 12
        for (place, shift) in zip(8..<12, [24, 16, 8, 0]) {
            batch[place] = UInt8(length >> shift & 0xff)
        }
        resum(&batch)
        let builder = DecodeFixture().decode(batch, from: 0, budget: 100_000)
        #expect(builder.failure?.failure.cause.contains("bytes behind the last record") == true)
        #expect(builder.failure?.failure.nextOffset == 300)
    }
}
