import Bytes
import KafkaProtocol
import KafkaTestCodecs
import Testing
import Timing

/// The record reader against a plain one that was written from the format's description, on
/// batches of which some bytes were changed.
@Suite struct RecordMutationTests {
    @Test(arguments: 0..<8) func bothReadersAgree(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var failures = 0
        for _ in 0..<400 {
            let (header, payload) = randomBatch(&random)
            #expect(read(header, payload) == reference(header, payload))
            for _ in 0..<10 {
                var damaged = payload
                for _ in 0...random.below(3) {
                    let place = random.below(damaged.count)
                    damaged[place] = UInt8(truncatingIfNeeded: random.below(256))
                }
                let result = read(header, damaged)
                #expect(result == reference(header, damaged), "\(header) \(damaged)")
                if !result.isWhole { failures += 1 }
            }
        }
        #expect(failures > 500, "damage that nobody notices")
    }

    struct Result: Equatable {
        var records: [OwnedRecord] = []
        var isWhole = false
    }

    private func randomBatch(
        _ random: inout SeededRandom
    ) -> (RecordBatchHeader, [UInt8]) {
        var writer = RecordBatchWriter(RecordBatchHeader(baseOffset: 1_000))
        var delta: Int32 = -1
        for _ in 0...random.below(6) {
            delta += Int32(1 + random.below(random.below(9) == 0 ? 40_000 : 3))
            let sizes = [0, 1, 3, 30, 70, 200]
            func bytes() -> [UInt8]? {
                if random.below(5) == 0 { return nil }
                return [UInt8](repeating: 7, count: sizes[random.below(sizes.count)])
            }
            var headers: [(name: [UInt8], value: [UInt8]?)] = []
            for _ in 0..<(random.below(3) == 0 ? random.below(4) : 0) {
                headers.append((name: [1, 2], value: bytes()))
            }
            let timestamps: [Int64] = [0, 5, 100, 9_000, 3_000_000, 1 << 40, -7]
            writer.append(
                key: bytes(), value: bytes(), headers: headers,
                timestamp: timestamps[random.below(timestamps.count)], offsetDelta: delta)
        }
        var w = ByteWriter()
        writer.finish(&w)
        return (writer.header, Array(w.array[RecordBatchHeader.byteCount...]))
    }

    private func read(_ header: RecordBatchHeader, _ payload: [UInt8]) -> Result {
        payload.withUnsafeBytes { bytes in
            var result = Result()
            var reader = RecordReader(header, payload: bytes)
            var record = Record()
            do {
                while try reader.next(&record) { result.records.append(try OwnedRecord(record)) }
                result.isWhole = true
            } catch {}
            return result
        }
    }

    private func reference(_ header: RecordBatchHeader, _ payload: [UInt8]) -> Result {
        payload.withUnsafeBytes { bytes in
            var result = Result()
            var r = ByteReader(bytes)
            var last: Int32 = -1
            do {
                for _ in 0..<header.recordCount {
                    var one = ByteReader(try r.slice(Int(try r.varint())))
                    result.records.append(try record(&one, header, &last))
                }
                result.isWhole = r.isAtEnd
            } catch {}
            return result
        }
    }

    private func record(
        _ r: inout ByteReader, _ header: RecordBatchHeader, _ last: inout Int32
    ) throws -> OwnedRecord {
        try r.skip(1)
        let timestamp = header.baseTimestamp &+ (try r.varint64())
        let delta = try r.varint()
        guard delta > last else { throw Bad() }
        last = delta
        var record = OwnedRecord(
            offset: header.baseOffset + Int64(delta), timestamp: timestamp,
            key: try bytes(&r), value: try bytes(&r))
        let count = try r.varint()
        guard count >= 0 else { throw Bad() }
        for _ in 0..<count {
            guard let name = try bytes(&r) else { throw Bad() }
            record.headers.append(OwnedHeader(name: name, value: try bytes(&r)))
        }
        guard r.isAtEnd else { throw Bad() }
        return record
    }

    private func bytes(_ r: inout ByteReader) throws -> [UInt8]? {
        let count = try r.varint()
        return count == -1 ? nil : [UInt8](try r.slice(Int(count)))
    }

    private struct Bad: Error {}
}
