import Bytes
import RecordFormat
import TestSupport
import Testing

/// Records as protobuf. Google's parser reads every combination in Tests/check-pubsub.
@Suite struct KafkaMessageWriterTests {
    @Test func nullIsAbsentAndEmptyIsPresent() throws {
        #expect(try record(offset: 0, key: nil, value: nil) == hex("0a00"))
        #expect(try record(offset: 0, key: [], value: []) == hex("0a04 1a00 2200"))
        #expect(try record(offset: 1, key: nil, value: []) == hex("0a04 0801 2200"))
    }

    @Test func everyFieldStandsInTheOrderOfItsNumber() throws {
        let bytes = try record(
            offset: 300, timestamp: -1, key: [1], value: [2, 3], headers: [("k", [9]), ("", nil)],
            appendTime: true)
        #expect(
            bytes
                == hex(
                    "0a24 08ac02 10ffffffffffffffffff01 1a0101 22020203"
                        + "aa0606 0a016b 120109 aa0600 b00601"))
    }

    @Test func aHeaderKeyThatIsNotUTF8IsRepaired() throws {
        let raw: [UInt8] = [0x02, 0xff, 0x01]
        try raw.withUnsafeBytes { raw in
            var out = ByteWriter()
            KafkaMessageWriter.write(
                offset: 0, timestamp: 0, key: nil, keyCount: -1, value: nil, valueCount: -1,
                headers: try RecordHeaders(raw, count: 1), into: &out)
            #expect(out.array == hex("0a08 aa0605 0a03efbfbd"))
        }
    }

    @Test(arguments: [
        ("", 1), ("02", 1), ("026b", 1), ("026b0461", 1), ("026b016b", 1), ("00 03", 1),
        ("01 01", 1), ("00 01", 2), ("00 01", -1), ("ffffffff0f 00", 1),
    ])
    func headersThatDoNotFitAreRefused(row: (String, Int)) {
        hex(row.0).withUnsafeBytes { raw in
            _ = #expect(throws: BytesError.self) { try RecordHeaders(raw, count: row.1) }
        }
    }
}
