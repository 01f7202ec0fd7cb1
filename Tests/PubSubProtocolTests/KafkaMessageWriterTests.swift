import Bytes
import PubSubProtocol
import Testing

/// Writes one record; nil is null.
func record(
    offset: Int64, timestamp: Int64 = 0, key: [UInt8]?, value: [UInt8]?,
    headers: [(String, [UInt8]?)] = [], appendTime: Bool = false
) throws -> [UInt8] {
    let raw = written { out in
        for (name, value) in headers {
            out.varint(Int64(name.utf8.count))
            out.string(name)
            out.varint(Int64(value?.count ?? -1))
            out.bytes(value ?? [])
        }
    }
    var out = ByteWriter()
    try raw.withUnsafeBytes { raw in
        let headers = try RecordHeaders(raw, count: headers.count)
        (key ?? []).withUnsafeBytes { keyBytes in
            (value ?? []).withUnsafeBytes { valueBytes in
                let count = KafkaMessageWriter.write(
                    offset: offset, timestamp: timestamp,
                    key: keyBytes.baseAddress, keyCount: key?.count ?? -1,
                    value: valueBytes.baseAddress, valueCount: value?.count ?? -1,
                    headers: headers, appendTime: appendTime, into: &out)
                #expect(count == out.count)
            }
        }
    }
    return out.array
}

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
