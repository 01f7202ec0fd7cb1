import Bytes
import Compression
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

@Suite struct RunBuilderTests {
    @Test func recordsBecomeMessages() throws {
        let fixture = DecodeFixture()
        fixture.decode(TestBatch.plain(10, 3).bytes, from: 10)
        let messages = try fixture.messages(10)
        #expect(messages.map(\.offset) == [10, 11, 12])
        #expect(messages[1].key == Array("k11".utf8))
        #expect(messages[1].value == TestBatch.value(11, 20))
        #expect(messages[1].timestamp == 1_700_000_000_011)
        #expect(!messages[1].isAppendTime)
    }

    @Test("Trap 1: a fetch starts with the batch that holds the offset", arguments: Codec.allCases)
    func batchStartsBefore(_ codec: Codec) throws {
        try #require(codec.isAvailable)
        let fixture = DecodeFixture()
        var batch = TestBatch.plain(100, 50)
        batch.codec = codec
        let builder = fixture.decode(batch.bytes, from: 123)
        #expect(builder.coveredTo == 150)
        #expect(try fixture.offsets(123) == Array(123..<150))
        // What came along in front serves others.
        #expect(try fixture.offsets(100, limit: 1) == [100])
    }

    @Test("Trap 2: a batch below the offset is skipped, those behind it are not")
    func olderBatch() throws {
        let fixture = DecodeFixture()
        let set: [TestBatch] = [.plain(0, 10), .plain(10, 10), .plain(20, 10)]
        fixture.decode(set.bytes, from: 15)
        #expect(try fixture.offsets(15) == Array(15..<30))
    }

    @Test("Trap 3: a cut last batch is no error; if it is the first, its size is told")
    func cutBatch() throws {
        let whole = [TestBatch.plain(0, 10), TestBatch.plain(10, 10)].bytes
        let second = TestBatch.plain(10, 10).bytes.count
        for cut in 1...second {
            let fixture = DecodeFixture()
            let builder = fixture.decode(Array(whole.dropLast(cut)), from: 0)
            #expect(builder.failure == nil)
            #expect(builder.coveredTo == 10)
            #expect(builder.cutBatchBytes == 0)
        }
        let fixture = DecodeFixture()
        let first = TestBatch.plain(0, 10).bytes
        let builder = fixture.decode(Array(first.dropLast(5)), from: 0)
        #expect(builder.cutBatchBytes == first.count)
        #expect(builder.coveredTo == 0)
        #expect(fixture.found(0) == nil)
    }

    /// The driver lends what its last read brought; the next one overwrites it.
    @Test func lentBytesAreNotLookedAtAgain() throws {
        let set: [TestBatch] = [.plain(0, 3_000), .plain(3_000, 3_000), .plain(6_000, 10)]
        let own = set.bytes
        let fixture = DecodeFixture()
        let builder = fixture.builder(of: own, from: 0)
        var lent = own
        var budget = 1_000
        let step = lent.withUnsafeBytes {
            builder.step(frame: $0, ownsBytes: false, budget: &budget, &fixture.bench)
        }
        if case .done = step { Issue.record("all was done in one step") }
        for place in lent.indices { lent[place] = 0xdd }
        fixture.finish(builder, own, budget: 1_000)
        #expect(builder.failure == nil)
        #expect(try fixture.offsets(0) == Array(0..<6_010))
        #expect(try fixture.messages(0).allSatisfy { $0.value == TestBatch.value($0.offset, 20) })
    }

    @Test("Trap 5: control batches are passed, and count in the offsets")
    func controlBatches() throws {
        let fixture = DecodeFixture()
        let set: [TestBatch] = [
            .plain(0, 2), .marker(2, .commit, producer: 7), .marker(3, .abort, producer: 8),
            .plain(4, 2),
        ]
        let builder = fixture.decode(set.bytes, from: 0)
        #expect(builder.coveredTo == 6)
        #expect(try fixture.offsets(0) == [0, 1, 4, 5])
        // A topic that ends with a marker: the reader goes on behind it.
        let other = DecodeFixture()
        other.decode([TestBatch.plain(0, 2), .marker(2, .commit, producer: 7)].bytes, from: 0)
        #expect(other.found(0)?.nextOffset == 3)
        #expect(other.found(2)?.recordCount == 0)
        #expect(other.found(2)?.nextOffset == 3)
    }

    @Test("Trap 6: aborted transactions, by producer, from an unsorted list")
    func abortedTransactions() throws {
        let set: [TestBatch] = [
            .transactional(0, 2, producer: 7),  // aborted
            .transactional(2, 2, producer: 8),  // committed
            .marker(4, .abort, producer: 7),
            .plain(5, 1),
            .transactional(6, 2, producer: 7),  // committed: the next transaction of 7
            .marker(8, .commit, producer: 8),
            .marker(9, .commit, producer: 7),
            .transactional(10, 1, producer: 7),  // aborted
            .marker(11, .abort, producer: 7),
        ]
        let fixture = DecodeFixture()
        fixture.decode(set.bytes, from: 0, aborted: [(7, 10), (7, 0)])
        fixture.log.learn(logStartOffset: 0, lastStableOffset: 12)
        #expect(try fixture.offsets(0, .readCommitted) == [2, 3, 5, 6, 7])
        #expect(try fixture.offsets(0) == [0, 1, 2, 3, 5, 6, 7, 10])
        #expect(fixture.found(0, .readCommitted)?.nextOffset == 12)
        #expect(fixture.found(10, .readCommitted)?.recordCount == 0)
    }

    @Test("Trap 6: read uncommitted tells nothing about transactions")
    func unknownFacts() throws {
        let fixture = DecodeFixture()
        let set: [TestBatch] = [.plain(0, 2), .transactional(2, 2, producer: 8), .plain(4, 1)]
        fixture.decode(set.bytes, from: 0)
        fixture.log.learn(logStartOffset: 0, lastStableOffset: 5)
        #expect(try fixture.offsets(0, .readCommitted) == [0, 1])
        #expect(fixture.found(0, .readCommitted)?.nextOffset == 2)
        #expect(fixture.found(2, .readCommitted) == nil)
        // Read again with the list, the facts replace what was unknown.
        fixture.decode(set.bytes, from: 2, aborted: [])
        #expect(try fixture.offsets(0, .readCommitted) == [0, 1, 2, 3, 4])
    }

    @Test func committedReadersStopAtTheLastStableOffset() throws {
        let fixture = DecodeFixture()
        fixture.decode(TestBatch.plain(0, 10).bytes, from: 0)
        #expect(fixture.found(0, .readCommitted) == nil)
        fixture.log.learn(logStartOffset: 0, lastStableOffset: 4)
        #expect(try fixture.offsets(0, .readCommitted) == [0, 1, 2, 3])
        #expect(fixture.found(0, .readCommitted)?.nextOffset == 4)
        #expect(fixture.found(4, .readCommitted) == nil)
    }

    @Test("Trap 7: append time is the batch's, for every record")
    func appendTime() throws {
        let fixture = DecodeFixture()
        var batch = TestBatch.plain(0, 3)
        batch.isLogAppendTime = true
        fixture.decode(batch.bytes, from: 0)
        let messages = try fixture.messages(0)
        #expect(messages.allSatisfy { $0.timestamp == 1_700_000_000_002 && $0.isAppendTime })
    }

    @Test("Trap 8: the delete horizon in the base timestamp is a base like any other")
    func deleteHorizon() throws {
        let fixture = DecodeFixture()
        var bytes = TestBatch.plain(0, 2).bytes
        // Attribute bit 6; the deltas count from what stands in the base timestamp.
        bytes[22] |= 0x40
        resum(&bytes)
        fixture.decode(bytes, from: 0)
        #expect(try fixture.messages(0).map(\.timestamp) == [1_700_000_000_000, 1_700_000_000_001])
    }

    @Test("Trap 9: compaction leaves gaps and empty batches; the next offset is behind the batch")
    func compaction() throws {
        let fixture = DecodeFixture()
        let set: [TestBatch] = [
            TestBatch(base: 10, deltas: [2, 5], lastDelta: 9),
            TestBatch(base: 20, deltas: [], lastDelta: 9),
            TestBatch(base: 40, deltas: [1], lastDelta: 4),
        ]
        let builder = fixture.decode(set.bytes, from: 5)
        #expect(builder.coveredTo == 45)
        #expect(try fixture.offsets(5) == [12, 15, 41])
        #expect(fixture.found(5)?.firstOffset == 12)
        #expect(fixture.found(5)?.nextOffset == 45)
        #expect(fixture.found(16)?.firstOffset == 41)
        #expect(fixture.found(42)?.recordCount == 0)
    }

    @Test("Trap 9: records that are counted and not there are corruption")
    func countedButMissing() throws {
        let fixture = DecodeFixture()
        var bytes = TestBatch.plain(0, 0).bytes
        bytes[60] = 3
        resum(&bytes)
        let builder = fixture.decode(bytes, from: 0)
        #expect(builder.failure?.failure.text == "CORRUPT_MESSAGE")
        #expect(builder.coveredTo == 0)
    }

    @Test("Trap 10: a format that we don't know is an error of that batch")
    func unknownMagic() throws {
        let fixture = DecodeFixture()
        var strange = TestBatch.plain(5, 1).bytes
        strange[16] = 9
        let builder = fixture.decode(TestBatch.plain(0, 5).bytes + strange, from: 0)
        #expect(try fixture.offsets(0) == [0, 1, 2, 3, 4])
        #expect(builder.failure?.offset == 5)
        #expect(builder.failure?.failure.kind == .corrupt)
    }

    @Test("Trap 12: checksums are always compared, and nothing behind a broken batch is served")
    func checksum() throws {
        let good = TestBatch.plain(0, 3).bytes
        var broken = TestBatch.plain(3, 3).bytes
        for place in [21, 40, broken.count - 1] {
            broken[place] ^= 1
            let fixture = DecodeFixture()
            let builder = fixture.decode(good + broken + TestBatch.plain(6, 3).bytes, from: 0)
            #expect(builder.failure?.failure.text == "CORRUPT_MESSAGE")
            #expect(builder.coveredTo == 3)
            #expect(fixture.found(3) == nil)
            broken[place] ^= 1
        }
    }

    @Test("Trap 16: a batch that inflates over the limit is refused")
    func bomb() throws {
        let fixture = DecodeFixture()
        fixture.bench = DecodingBench(capBytes: 1 << 20)
        var batch = TestBatch.plain(0, 4, valueBytes: 1 << 20)
        batch.codec = .gzip
        let bytes = batch.bytes
        #expect(bytes.count < 64 << 10)
        let builder = fixture.decode(bytes, from: 0, budget: 64 << 10)
        #expect(builder.failure?.failure.kind == .limit)
    }

    @Test("Trap 17: null and empty keys, values and header values differ")
    func nulls() throws {
        var writer = RecordBatchWriter(RecordBatchHeader(baseOffset: 0))
        writer.append(key: nil, value: nil, timestamp: 1)
        writer.append(
            key: [], value: [], headers: [(Array("a".utf8), nil), (Array("b".utf8), [])],
            timestamp: 1)
        var out = ByteWriter()
        writer.finish(&out)
        let fixture = DecodeFixture()
        fixture.decode(out.array, from: 0)
        let messages = try fixture.messages(0)
        #expect(messages[0].key == nil && messages[0].value == nil)
        #expect(messages[1].key == [] && messages[1].value == [])
        #expect(messages[1].headers.map(\.name) == ["a", "b"])
        #expect(messages[1].headers.map(\.value) == [nil, []])
    }

    @Test("Trap 18: integers that are too long are refused")
    func longVarints() throws {
        var bytes = TestBatch.plain(0, 1).bytes
        bytes.replaceSubrange(61..<67, with: [0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])
        resum(&bytes)
        let fixture = DecodeFixture()
        #expect(fixture.decode(bytes, from: 0).failure?.failure.text == "CORRUPT_MESSAGE")
    }

    @Test("Trap 19: nothing of a response is kept but the records")
    func retention() throws {
        let fixture = DecodeFixture()
        let records = [TestBatch.plain(0, 1), TestBatch.plain(1, 2000)].bytes
        let builder = fixture.decode(Array(records.prefix(200)), from: 0)
        #expect(builder.coveredTo == 1)
        #expect(fixture.cache.byteCount < 1024)
    }

    @Test("Steps of any size give the same bytes", arguments: Codec.allCases)
    func steps(_ codec: Codec) throws {
        try #require(codec.isAvailable)
        var set: [TestBatch] = [
            .plain(0, 100), .transactional(100, 50, producer: 3), .marker(150, .abort, producer: 3),
            TestBatch(base: 151, deltas: [3, 9, 30], lastDelta: 40), .plain(192, 500),
        ]
        for number in set.indices where !set[number].isControl { set[number].codec = codec }
        let whole = DecodeFixture()
        whole.decode(set.bytes, from: 0, aborted: [(3, 100)])
        let expected = try whole.messages(0)
        #expect(expected.count == 653)
        for budget in [1, 100, 5_000] {
            let stepped = DecodeFixture()
            let builder = stepped.decode(
                set.bytes, from: 0, aborted: [(3, 100)], budget: budget)
            #expect(builder.coveredTo == 692)
            #expect(try stepped.messages(0) == expected)
        }
    }

    @Test func hostileHeadersDoNotTrap() throws {
        var random = SeededRandom(seed: 288)
        let original = [TestBatch.plain(5, 4), .plain(9, 2)].bytes
        for _ in 0..<2_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
                    in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { resum(&bytes) }
            let fixture = DecodeFixture()
            fixture.decode(bytes, from: Int64.random(in: 0...12, using: &random))
            _ = fixture.found(5)
        }
    }
}

/// Makes the checksum of the first batch right again.
func resum(_ bytes: inout [UInt8]) {
    guard bytes.count > 61 else { return }
    let length = Int(bytes[8]) << 24 | Int(bytes[9]) << 16 | Int(bytes[10]) << 8 | Int(bytes[11])
    guard length + 12 <= bytes.count, length > 49 else { return }
    let sum = bytes.withUnsafeBytes { crc($0[21..<12 + length]) }
    for place in 0..<4 { bytes[17 + place] = UInt8(truncatingIfNeeded: sum >> (24 - 8 * place)) }
}

/// CRC-32C bit by bit, so that no code under test judges itself.
func crc(_ bytes: Slice<UnsafeRawBufferPointer>) -> UInt32 {
    var value = UInt32.max
    for byte in bytes {
        value ^= UInt32(byte)
        for _ in 0..<8 { value = (value >> 1) ^ (value & 1 == 1 ? 0x82f6_3b78 : 0) }
    }
    return ~value
}
