import Bytes
import PubSubProtocol
import TestSupport
import Testing

private func transcode(_ records: [UInt8], _ format: MessageFormat) throws -> String {
    var out = ByteWriter()
    try records.withUnsafeBytes { try RecordTranscoder.writeAll($0, as: format, into: &out) }
    return String(decoding: out.array, as: UTF8.self)
}

/// Records in JSON, in both flavours. json_format judges random ones in Tests/check-pubsub.
@Suite struct RecordTranscoderTests {
    @Test func recordsAreWrittenInBothFlavours() throws {
        let records =
            try record(offset: 5, timestamp: 1 << 60, key: [0xff], value: Array("é\n".utf8))
            + record(
                offset: 6, key: nil, value: [], headers: [("h", [0]), ("n", nil)],
                appendTime: true)
        #expect(
            try transcode(records, .json)
                == #"{"offset":"5","timestamp":"1152921504606846976","key":"/w==","value":"w6kK"},"#
                + #"{"offset":"6","value":"","headers":[{"key":"h","value":"AA=="},{"key":"n"}],"#
                + #""appendTime":true}"#)
        #expect(
            try transcode(records, .text)
                == #"{"offset":5,"timestamp":"1152921504606846976","keyBase64":"/w==","#
                + #""value":"é\n"},"#
                + #"{"offset":6,"timestamp":0,"key":null,"value":"","#
                + #""headers":[{"key":"h","value":"\u0000"},{"key":"n","value":null}],"#
                + #""appendTime":true}"#)
    }

    @Test func piecesMakeTheSameList() throws {
        var records: [UInt8] = []
        for offset in 0..<5 {
            records += try record(offset: Int64(offset), key: nil, value: [0x61])
        }
        var out = ByteWriter()
        try records.withUnsafeBytes { raw in
            var place = 0
            while place < raw.count {
                let next = try RecordTranscoder.write(
                    at: place, in: raw, first: place == 0, as: .text, into: &out)
                #expect(next > place)
                place = next
            }
        }
        #expect(String(decoding: out.array, as: UTF8.self) == (try transcode(records, .text)))
    }

    @Test func placesOutsideAreErrors() {
        [UInt8](repeating: 0x0a, count: 4).withUnsafeBytes { raw in
            for place in [-1, 4, 5, Int.max, Int.min] {
                var out = ByteWriter()
                #expect(throws: BytesError.self) {
                    try RecordTranscoder.write(
                        at: place, in: raw, first: true, as: .json, into: &out)
                }
            }
        }
    }
}
