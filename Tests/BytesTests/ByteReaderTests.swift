import Bytes
import Testing

/// Varints on the wire, and what the reader says of them.
@Suite struct ByteReaderTests {
    func reading<R>(_ bytes: [UInt8], _ body: (inout ByteReader) throws -> R) rethrows -> R {
        try bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            return try body(&reader)
        }
    }

    @Test(arguments: [Int64.min, -300, -1, 0, 1, 63, 64, 127, 128, 1 << 31, Int64.max])
    func zigzagVarintsSurviveTheRoundTrip(value: Int64) throws {
        var writer = ByteWriter()
        writer.varint(value)
        let back = try reading(writer.array) { reader in
            let value = try reader.varint64()
            #expect(reader.isAtEnd)
            return value
        }
        #expect(back == value)
    }

    @Test func aVarintOfElevenBytesIsRefused() {
        let bytes = [UInt8](repeating: 0x80, count: 10) + [0]
        #expect(throws: BytesError(.varintTooLong, at: 0)) {
            try reading(bytes) { try $0.uvarint64() }
        }
    }

    @Test func the64thBitIsTheLast() throws {
        let most = [UInt8](repeating: 0xff, count: 9) + [1]
        #expect(try reading(most) { try $0.uvarint64() } == .max)
        let tooMuch = [UInt8](repeating: 0xff, count: 9) + [2]
        #expect(throws: BytesError(.varintTooLong, at: 0)) {
            try reading(tooMuch) { try $0.uvarint64() }
        }
    }

    @Test func a32BitVarintRefusesTheThirtyThirdBit() throws {
        #expect(try reading([0xff, 0xff, 0xff, 0xff, 0x0f]) { try $0.uvarint() } == .max)
        #expect(throws: BytesError(.varintTooLong, at: 0)) {
            try reading([0xff, 0xff, 0xff, 0xff, 0x1f]) { try $0.uvarint() }
        }
    }

    @Test func everyCutIsTruncationAtTheValuesStart() {
        for count in 0..<8 {
            #expect(throws: BytesError(.truncated, at: 0)) {
                try reading([UInt8](repeating: 1, count: count)) { try $0.int64() }
            }
        }
    }

    @Test func aNegativeLengthIsInvalidNotATrap() {
        #expect(throws: BytesError(.invalidLength, at: 0)) {
            try reading([1, 2, 3]) { try $0.slice(-1) }
        }
    }
}
