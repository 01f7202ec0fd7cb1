import Bytes
import RecordFormat
import TestSupport
import Testing

/// Records as hosts get them are what was written.
@Suite struct KafkaMessageReaderTests {
    private func written() throws -> [UInt8] {
        var out = ByteWriter()
        KafkaMessageWriter.write(
            offset: 0, timestamp: 0, key: nil, keyCount: -1, value: nil, valueCount: -1,
            into: &out)
        let key: [UInt8] = [1, 2], value: [UInt8] = []
        // Two headers: "a" with a value, "" with null.
        let headers: [UInt8] = [2, 0x61, 4, 7, 8, 0, 1]
        try headers.withUnsafeBytes { raw in
            let headers = try RecordHeaders(raw, count: 2)
            key.withUnsafeBytes { key in
                value.withUnsafeBytes { value in
                    _ = KafkaMessageWriter.write(
                        offset: .max, timestamp: -1, key: key.baseAddress, keyCount: 2,
                        value: value.baseAddress, valueCount: 0, headers: headers,
                        appendTime: true, into: &out)
                }
            }
        }
        return out.array
    }

    @Test func readsWhatWasWritten() throws {
        try written().withUnsafeBytes { bytes in
            var reader = KafkaMessageReader(bytes)
            let first = try #require(try reader.next())
            #expect(first.offset == 0 && first.timestamp == 0 && first.headerCount == 0)
            #expect(first.key == nil && first.value == nil && !first.isAppendTime)
            let second = try #require(try reader.next())
            #expect(second.offset == .max && second.timestamp == -1 && second.isAppendTime)
            #expect(second.key.map(Array.init) == [1, 2] && second.value?.count == 0)
            #expect(second.value?.baseAddress != nil, "an empty value is not null")
            #expect(second.headerCount == 2 && second.headerNameBytes == 1)
            var headers: [([UInt8], [UInt8]?)] = []
            try second.forEachHeader { headers.append((Array($0.name), $0.value.map(Array.init))) }
            #expect(headers.count == 2 && headers[0] == ([0x61], [7, 8]))
            #expect(headers[1].0 == [] && headers[1].1 == nil)
            #expect(try reader.next() == nil)
        }
    }

    @Test("bytes that are cut or changed never trap")
    func hostile() throws {
        let whole = try written()
        for count in 0..<whole.count {
            for flip in 0..<8 {
                var bytes = Array(whole[...count])
                bytes[count] ^= UInt8(1 << flip)
                bytes.withUnsafeBytes { raw in
                    var reader = KafkaMessageReader(raw)
                    var left = 100
                    while left > 0, let record = try? reader.next() {
                        try? record.forEachHeader { _ in }
                        left -= 1
                    }
                    #expect(left > 0)
                }
            }
        }
    }
}
