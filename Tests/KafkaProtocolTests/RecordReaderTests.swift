import Bytes
import KafkaProtocol
import KafkaTestCodecs
import Testing

/// Payloads that are written byte by byte: `count` records are promised.
private func reason(
    _ payload: [UInt8], count: Int32 = 1, lastOffsetDelta: Int32 = 10
) -> RecordError.Reason? {
    payload.withUnsafeBytes { bytes in
        let header = RecordBatchHeader(lastOffsetDelta: lastOffsetDelta, recordCount: count)
        do {
            _ = try owned(header, bytes)
            return nil
        } catch { return (error as? RecordError)?.reason }
    }
}

@Suite struct RecordReaderTests {
    /// length 7 - 1, attributes, timestamp 0, offset 0, null key, null value, no headers.
    let smallest: [UInt8] = [12, 0, 0, 0, 1, 1, 0]

    @Test func theSmallestRecord() { #expect(reason(smallest) == nil) }

    @Test func recordsThatAreMissingOrTooMany() {
        #expect(reason(smallest, count: 2) == .truncated)
        #expect(reason(smallest + [0], count: 1) == .trailingBytes)
        #expect(reason([], count: 1) == .truncated)
        #expect(reason([], count: 0) == nil)
    }

    @Test("Trap 18: varints of more than 5 or 10 bytes are refused")
    func longVarints() {
        let five: [UInt8] = [0x80, 0x80, 0x80, 0x80, 0x10]
        #expect(reason(five + smallest) == .varintTooLong)
        #expect(reason([0x80, 0x80, 0x80, 0x80, 0x80, 0] + smallest) == .varintTooLong)
        let ten = [UInt8](repeating: 0xff, count: 9)
        #expect(reason([30, 0] + ten + [1, 0, 1, 1, 0]) == nil)
        #expect(reason([30, 0] + ten + [2, 0, 1, 1, 0]) == .varintTooLong)
        #expect(reason([32, 0] + ten + [0x80, 0, 0, 1, 1, 0]) == .varintTooLong)
    }

    @Test("Trap 18: a timestamp delta may need 64 bits") func longTimestampDelta() throws {
        let bytes = batch {
            $0.append(key: nil, value: nil, timestamp: 0)
            $0.append(key: nil, value: nil, timestamp: .max)
            $0.append(key: nil, value: nil, timestamp: .min + 1)
        }
        #expect(try records(ofSet: bytes).map(\.timestamp) == [0, .max, .min + 1])
    }

    @Test func lengthsThatReachBeyondTheirRecord() {
        // The key, the value, the header's name and value each claim a byte too many.
        #expect(reason([14, 0, 0, 0, 8, 1, 1, 0]) == .invalidLength)
        #expect(reason([14, 0, 0, 0, 1, 6, 1, 0]) == .invalidLength)
        #expect(reason([16, 0, 0, 0, 1, 1, 2, 4, 1]) == .invalidLength)
        #expect(reason([16, 0, 0, 0, 1, 1, 2, 0, 2]) == .invalidLength)
        // The record claims more than the batch has.
        #expect(reason([14, 0, 0, 0, 1, 1, 0]) == .invalidLength)
    }

    @Test func negativeLengths() {
        #expect(reason([11]) == .invalidLength)
        #expect(reason([12, 0, 0, 0, 3, 1, 0]) == .invalidLength)
        #expect(reason([12, 0, 0, 0, 1, 3, 0]) == .invalidLength)
        #expect(reason([16, 0, 0, 0, 1, 1, 2, 1, 0]) == .invalidLength)
        #expect(reason([16, 0, 0, 0, 1, 1, 2, 0, 3]) == .invalidLength)
    }

    @Test func headerCountsThatTheRecordCannotHold() {
        #expect(reason([12, 0, 0, 0, 1, 1, 1]) == .invalidCount)
        #expect(reason([12, 0, 0, 0, 1, 1, 2]) == .invalidCount)
        #expect(reason([20, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f]) == .invalidCount)
    }

    @Test func bytesBehindARecordsLastField() {
        #expect(reason([14, 0, 0, 0, 1, 1, 0, 0]) == .trailingBytes)
    }

    @Test func offsetsThatDoNotGrow() {
        #expect(reason(smallest + smallest, count: 2) == .invalidOffset)
        #expect(reason([12, 0, 0, 1, 1, 1, 0]) == .invalidOffset)
    }

    @Test("A reader of the front of a batch tells whether the next record is whole, and goes on")
    func parts() throws {
        let payload = Array(
            batch {
                $0.append(key: [1, 2], value: [3], headers: [([1], [2])], timestamp: 300)
                $0.append(key: nil, value: [UInt8](repeating: 7, count: 300), timestamp: 70_000)
                $0.append(key: nil, value: nil, timestamp: 0)
            }[61...])
        for cut in 0..<payload.count {
            let header = RecordBatchHeader(lastOffsetDelta: 2, recordCount: 3)
            try payload.withUnsafeBytes { bytes in
                var reader = RecordReader(
                    header, payload: UnsafeRawBufferPointer(rebasing: bytes[..<cut]))
                var record = Record()
                var offsets: [Int64] = []
                while reader.hasWholeRecord {
                    #expect(try reader.next(&record))
                    offsets.append(record.offset)
                }
                #expect(offsets.count < 3)
                let rest = bytes[(cut - reader.bytesLeft)...]
                reader.goOn(with: UnsafeRawBufferPointer(rebasing: rest))
                while try reader.next(&record) { offsets.append(record.offset) }
                #expect(offsets == [0, 1, 2])
            }
        }
    }

    @Test func everyTruncationIsAnError() {
        let whole = batch {
            $0.append(key: [1, 2], value: [3], headers: [([1], [2])], timestamp: 300)
            $0.append(key: nil, value: nil, timestamp: 70_000)
        }
        let payload = Array(whole[61...])
        #expect(reason(payload, count: 2) == nil)
        for count in 0..<payload.count {
            #expect(reason(Array(payload[..<count]), count: 2) != nil)
        }
    }
}
