import Bytes
import Digests
import KafkaProtocol
import KafkaTestCodecs
import Testing

@Suite struct RecordBatchTests {
    @Test func whatIsWrittenIsRead() throws {
        let bytes = batch(baseOffset: 100) {
            $0.append(key: [1], value: [2, 3], timestamp: 1_000)
            $0.append(
                key: nil, value: [], headers: [([104], [7]), ([104], nil), ([], [])],
                timestamp: 900)
            $0.append(key: [], value: nil, timestamp: 5_000_000_000_000, offsetDelta: 300)
        }
        let read = try records(ofSet: bytes)
        #expect(
            read == [
                OwnedRecord(offset: 100, timestamp: 1_000, key: [1], value: [2, 3]),
                OwnedRecord(
                    offset: 101, timestamp: 900, key: nil, value: [],
                    headers: [
                        OwnedHeader(name: [104], value: [7]), OwnedHeader(name: [104], value: nil),
                        OwnedHeader(name: [], value: []),
                    ]),
                OwnedRecord(offset: 400, timestamp: 5_000_000_000_000, key: [], value: nil),
            ])
    }

    @Test("Trap 17: null and empty keys and values stay different") func nullIsNotEmpty() throws {
        let read = try records(
            ofSet: batch {
                $0.append(key: nil, value: [], timestamp: 0)
                $0.append(key: [], value: nil, timestamp: 0)
            })
        #expect(read[0].key == nil && read[0].value == [])
        #expect(read[1].key == [] && read[1].value == nil)
    }

    @Test("Trap 7: the time of appending is that of the batch, for every record")
    func logAppendTime() throws {
        let bytes = batch(attributes: 0x08) {
            $0.append(key: nil, value: nil, timestamp: 10)
            $0.append(key: nil, value: nil, timestamp: 30)
            $0.append(key: nil, value: nil, timestamp: 20)
        }
        #expect(try records(ofSet: bytes).map(\.timestamp) == [30, 30, 30])
    }

    @Test("Trap 8: deltas are added to the base timestamp even if it is a delete horizon")
    func deleteHorizon() throws {
        let bytes = batch(attributes: 0x40) {
            $0.append(key: nil, value: nil, timestamp: 1_700_000_000_000)
            $0.append(key: nil, value: nil, timestamp: 1_600_000_000_000)
        }
        #expect(
            try records(ofSet: bytes).map(\.timestamp) == [1_700_000_000_000, 1_600_000_000_000])
    }

    @Test("Trap 9: reading goes on behind the last offset that a batch covers, records or not")
    func nextOffset() throws {
        let empty = batch(baseOffset: 50, lastOffsetDelta: 9) { _ in }
        let gaps = batch(baseOffset: 60, lastOffsetDelta: 9) {
            $0.append(key: nil, value: nil, timestamp: 0, offsetDelta: 2)
        }
        try (empty + gaps).withUnsafeBytes { bytes in
            var reader = RecordSetReader(bytes)
            let first = try reader.next()
            #expect(first?.nextOffset == 60)
            #expect(first?.header.recordCount == 0)
            #expect(first?.header.baseTimestamp == -1)
            let second = try reader.next()
            #expect(second?.nextOffset == 70)
            let last = try reader.next()
            #expect(last?.place == nil)
            #expect(!reader.isCut)
        }
        #expect(try records(ofSet: empty + gaps).map(\.offset) == [62])
    }

    @Test("Trap 9: counts that the bytes cannot hold are refused", arguments: [-1, 1, 3, .max])
    func impossibleCounts(count: Int32) {
        var bytes = batch { $0.append(key: nil, value: nil, timestamp: 0, offsetDelta: 40) }
        if count == 1 { bytes.removeLast(bytes.count - 61) }
        bytes.setInt32(Int32(bytes.count - 12), at: 8)
        bytes.setInt32(count, at: 57)
        bytes.sign()
        #expect(recordError(bytes) == .invalidCount)
    }

    @Test("A last offset that the header understates bounds no record")
    func understatedEnd() throws {
        let understated = batch(baseOffset: 5, lastOffsetDelta: 0) {
            for _ in 0..<3 { $0.append(key: nil, value: [1], timestamp: 0) }
        }
        #expect(try records(ofSet: understated).map(\.offset) == [5, 6, 7])
        // The largest offset is one that another can follow.
        let top = batch(baseOffset: .max - 2, lastOffsetDelta: 0) {
            for _ in 0..<2 { $0.append(key: nil, value: [1], timestamp: 0) }
        }
        #expect(try records(ofSet: top).map(\.offset) == [.max - 2, .max - 1])
        let beyond = batch(baseOffset: .max - 2, lastOffsetDelta: 0) {
            for _ in 0..<3 { $0.append(key: nil, value: [1], timestamp: 0) }
        }
        #expect(recordError(beyond) == .invalidOffset)
    }

    @Test("Trap 3: a cut batch at the end is no error", arguments: [1, 11, 12, 16, 17, 60, 61, 70])
    func cutBatch(count: Int) throws {
        let whole = batch(baseOffset: 5) { $0.append(key: nil, value: [1, 2], timestamp: 0) }
        let set = whole + whole.prefix(min(count, whole.count - 1))
        try set.withUnsafeBytes { bytes in
            var reader = RecordSetReader(bytes)
            let first = try reader.next()
            #expect(first?.header.baseOffset == 5)
            let last = try reader.next()
            #expect(last?.place == nil)
            #expect(reader.isCut)
            #expect(reader.position == whole.count)
        }
    }

    @Test("Trap 10: the magic byte decides, and an unknown one can be passed over")
    func unknownMagic() throws {
        var odd = batch(baseOffset: 5) { $0.append(key: nil, value: nil, timestamp: 0) }
        odd[16] = 3
        let good = batch(baseOffset: 6) { $0.append(key: nil, value: nil, timestamp: 0) }
        (odd + good).withUnsafeBytes { bytes in
            var reader = RecordSetReader(bytes)
            do {
                _ = try reader.next()
                Issue.record("an unknown format was read")
            } catch { #expect(error as? RecordError == RecordError(.unknownMagic(3), at: 0)) }
            #expect(reader.baseOffset == 5)
            #expect((try? reader.next())??.header.baseOffset == 6)
        }
    }

    @Test func unknownCompressionCanBePassedOver() {
        var bytes = batch { $0.append(key: nil, value: nil, timestamp: 0) }
        bytes[22] |= 5
        bytes.sign()
        #expect(recordError(bytes) == .unknownCodec(5))
    }

    @Test("Trap 12: a wrong checksum is an error") func checksum() {
        var bytes = batch { $0.append(key: nil, value: [1, 2, 3], timestamp: 0) }
        bytes[bytes.count - 2] ^= 1
        #expect(recordError(bytes) == .checksumMismatch)
    }

    @Test(arguments: [-1, 0, 4, 16, 48]) func batchLengthsTooShort(length: Int32) {
        var bytes = batch { $0.append(key: nil, value: nil, timestamp: 0) }
        bytes.setInt32(length, at: 8)
        #expect(recordError(bytes) == .invalidLength)
    }

    @Test func offsetsThatOverflowAreRefused() {
        let bytes = batch(baseOffset: .max - 1) {
            $0.append(key: nil, value: nil, timestamp: 0)
            $0.append(key: nil, value: nil, timestamp: 0)
        }
        #expect(recordError(bytes) == .invalidOffset)
    }

    @Test("Trap 5: a control batch tells what became of a transaction")
    func controlBatch() throws {
        for marker in [ControlMarker.abort, .commit] {
            let bytes = batch {
                $0.appendMarker(marker, coordinatorEpoch: 7, timestamp: 1)
            }
            try bytes.withUnsafeBytes { bytes in
                var reader = RecordSetReader(bytes)
                let batch = try #require(try reader.next())
                try batch.verifyChecksum()
                #expect(batch.header.isControl && batch.header.isTransactional)
                #expect(try batch.controlMarker() == marker)
            }
        }
    }
}

extension [UInt8] {
    mutating func setInt32(_ value: Int32, at place: Int) {
        let bits = UInt32(bitPattern: value)
        for index in 0..<4 {
            self[place + index] = UInt8(truncatingIfNeeded: bits >> (24 - 8 * UInt32(index)))
        }
    }

    /// Makes the checksum of the one batch right again.
    mutating func sign() {
        let checksum = withUnsafeBytes { crc32c(UnsafeRawBufferPointer(rebasing: $0[21...])) }
        setInt32(Int32(bitPattern: checksum), at: 17)
    }
}
