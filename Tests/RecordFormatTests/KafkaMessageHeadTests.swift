import Bytes
import RecordFormat
import TestSupport
import Testing

@Suite struct KafkaMessageHeadTests {
    private func heads(_ bytes: [UInt8], isCut: Bool = false) -> [KafkaMessageHead?] {
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            var found: [KafkaMessageHead?] = []
            while !reader.isAtEnd {
                found.append(KafkaMessageHead(&reader, isCut: isCut))
                if found.last == .some(nil) { break }
            }
            return found
        }
    }

    @Test("one record after the other, those at offset 0 and of no time too")
    func records() throws {
        let rows: [(Int64, Int64)] = [(0, 0), (7, 0), (0, 5), (300, -1), (.max, .max)]
        let bytes = try rows.flatMap { offset, timestamp in
            try record(
                offset: offset, timestamp: timestamp, key: [8, 1], value: [16, 2],
                headers: [("h", nil)])
        }
        let found = heads(bytes)
        #expect(found.map { $0?.offset } == rows.map(\.0))
        #expect(found.map { $0?.timestamp } == rows.map(\.1))
    }

    @Test("the front of a record is enough for its head, where it is taken for one")
    func front() throws {
        let bytes = try record(
            offset: .max, timestamp: .max, key: nil, value: [UInt8](repeating: 1, count: 999))
        let front = Array(bytes.prefix(KafkaMessageHead.bytesMax))
        #expect(heads(front, isCut: true) == [heads(bytes)[0]])
        #expect(heads(front) == [nil])
    }

    @Test("what is no record, or ends in its head, is none", arguments: ["", "08", "0a", "0a0108"])
    func others(_ text: String) {
        let bytes = hex(text)
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            #expect(KafkaMessageHead(&reader, isCut: true) == nil)
        }
    }
}
