import Bytes
import Compression
import KafkaProtocol
import RecordFormat
import RecordFormat
import Testing
import Timing

@testable import KafkaCore

/// Records as the fast way writes them, against one record after the other by the slow way.
@Suite struct TranscodingTests {
    struct Shape: CustomStringConvertible, Sendable {
        var base: Int64
        var timestamp: Int64
        var timestampStep: Int64
        var valueBytesMax: Int
        var hasHeaders = false
        var isLogAppendTime = false
        var hasGaps = false

        var description: String {
            "from \(base) at \(timestamp), up to \(valueBytesMax) bytes"
        }
    }

    static let shapes: [Shape] = [
        // As most are.
        Shape(base: 1_000_000, timestamp: 1_700_000_000_000, timestampStep: 1, valueBytesMax: 200),
        // The varints grow on the way: 7, 14 and 49 bits.
        Shape(base: 0, timestamp: 0, timestampStep: 20, valueBytesMax: 50),
        Shape(base: 16_000, timestamp: 16_000, timestampStep: 7, valueBytesMax: 50),
        Shape(
            base: 1 << 49 - 100, timestamp: 1 << 49 - 300, timestampStep: 3, valueBytesMax: 50),
        Shape(base: .max - 4_000, timestamp: .max / 2, timestampStep: 1, valueBytesMax: 50),
        Shape(base: 300, timestamp: -1, timestampStep: 0, valueBytesMax: 50),
        Shape(base: 300, timestamp: -5_000, timestampStep: 10, valueBytesMax: 50),
        // Times that are far apart, and gaps.
        Shape(
            base: 70_000, timestamp: 1_700_000_000_000, timestampStep: 40_000, valueBytesMax: 700,
            hasGaps: true),
        // Some records go the other way in between.
        Shape(
            base: 70_000, timestamp: 1_700_000_000_000, timestampStep: 1, valueBytesMax: 300,
            hasHeaders: true),
        Shape(
            base: 70_000, timestamp: 1_700_000_000_000, timestampStep: 1, valueBytesMax: 40_000),
        Shape(
            base: 70_000, timestamp: 1_700_000_000_000, timestampStep: 1, valueBytesMax: 100,
            isLogAppendTime: true),
    ]

    @Test(arguments: shapes, [1, 2, 3, 250]) func bothWaysWriteTheSame(
        _ shape: Shape, _ count: Int
    ) throws {
        for seed in UInt64(1)...4 {
            let batch = batch(shape, count, seed)
            let expected = try slowly(batch)
            let fixture = DecodeFixture()
            let builder = fixture.decode(batch, from: shape.base)
            #expect(builder.failure == nil)
            let slice = try #require(fixture.slice(shape.base))
            #expect(slice.recordCount == count)
            #expect(fixture.bytes(slice) == expected.bytes, "seed \(seed)")
            #expect(fixture.log.runs.flatMap(offsets) == expected.offsets, "seed \(seed)")
        }
    }

    @Test(arguments: shapes) func stepsAndStartsDoNotMatter(_ shape: Shape) throws {
        let batch = batch(shape, 200, 9)
        let expected = try slowly(batch)
        for budget in [1, 100, 5_000] {
            let fixture = DecodeFixture()
            fixture.decode(batch, from: shape.base, budget: budget)
            let slice = try #require(fixture.slice(shape.base))
            #expect(fixture.bytes(slice) == expected.bytes)
        }
        // The cache has what comes before, so that the batch is read from its middle.
        let fixture = DecodeFixture()
        let middle = expected.offsets[120]
        let run = RecordRun(base: shape.base)
        run.cover(to: middle)
        fixture.cache.insert(run, into: fixture.log)
        fixture.decode(batch, from: middle)
        let slice = try #require(fixture.slice(middle))
        #expect(slice.recordCount == 80)
        #expect(fixture.bytes(slice).map { Array($0.suffix(40)) } == expected.bytes.suffix(40))
    }

    /// Memory that had other records in it gives the same.
    @Test func usedMemoryDoesNotShowThrough() throws {
        let shape = Self.shapes[0]
        let fixture = DecodeFixture(budgetBytes: 200_000)
        for number in 0..<20 as Range<Int64> {
            var next = shape
            next.base += number * 1_000
            let batch = batch(next, 900, UInt64(number))
            fixture.decode(batch, from: next.base)
            let slice = try #require(fixture.slice(next.base))
            #expect(fixture.bytes(slice) == (try slowly(batch)).bytes)
        }
    }

    private func offsets(_ run: RecordRun) -> [Int64] {
        (0..<run.recordCount).map { run.offset(ofRecord: $0) }
    }

    private func batch(_ shape: Shape, _ count: Int, _ seed: UInt64) -> [UInt8] {
        var random = SeededRandom(seed: seed)
        var writer = RecordBatchWriter(
            RecordBatchHeader(
                baseOffset: shape.base, attributes: shape.isLogAppendTime ? 0x08 : 0))
        var delta: Int32 = -1
        for number in 0..<count {
            delta += shape.hasGaps ? Int32.random(in: 1...300, using: &random) : 1
            let back = Int64.random(in: 0...3, using: &random)
            writer.append(
                key: bytes(40, &random), value: bytes(shape.valueBytesMax, &random),
                headers: shape.hasHeaders && Int.random(in: 0...2, using: &random) == 0
                    ? [(Array("name".utf8), Array("value".utf8))] : [],
                timestamp: shape.timestamp &+ Int64(number - Int(back)) &* shape.timestampStep,
                offsetDelta: delta)
        }
        var out = ByteWriter()
        writer.finish(&out)
        return out.array
    }

    private func bytes(_ most: Int, _ random: inout SeededRandom) -> [UInt8]? {
        guard Int.random(in: 0...5, using: &random) > 0 else { return nil }
        let edges = [0, 1, 31, 32, 33, 63, 64, 127, 128, 511, 512, 513].filter { $0 <= most }
        let count =
            Bool.random(using: &random)
            ? edges.randomElement(using: &random) ?? 0 : Int.random(in: 0...most, using: &random)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private func slowly(_ batch: [UInt8]) throws -> (bytes: [UInt8], offsets: [Int64]) {
        try batch.withUnsafeBytes { raw in
            var set = RecordSetReader(raw)
            let batch = try #require(try set.next())
            var reader = RecordReader(batch.header, payload: batch.payload)
            var record = Record()
            var out = ByteWriter()
            var offsets: [Int64] = []
            while try reader.next(&record) {
                let headers = UnsafeRawBufferPointer(
                    start: record.headers, count: record.headersByteCount)
                KafkaMessageWriter.write(
                    offset: record.offset, timestamp: record.timestamp, key: record.key,
                    keyCount: record.key == nil ? -1 : record.keyCount, value: record.value,
                    valueCount: record.value == nil ? -1 : record.valueCount,
                    headers: record.headerCount == 0
                        ? .none : try RecordHeaders(headers, count: record.headerCount),
                    appendTime: batch.header.isLogAppendTime, into: &out)
                offsets.append(record.offset)
            }
            return (out.array, offsets)
        }
    }
}
