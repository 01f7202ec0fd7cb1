import Bytes
import Compression
import Digests
import KafkaProtocol
import KafkaTestCodecs
import Testing

/// The formats before Kafka 0.11 (trap 11).
@Suite struct LegacyRecordTests {
    @Test func plainMessages() throws {
        let set =
            message(magic: 0, offset: 5, key: [1], value: nil)
            + message(magic: 1, offset: 6, timestamp: 99, key: nil, value: [2])
        #expect(
            try records(ofSet: set) == [
                OwnedRecord(offset: 5, timestamp: -1, key: [1], value: nil),
                OwnedRecord(offset: 6, timestamp: 99, key: nil, value: [2]),
            ])
    }

    @Test("Trap 11: offsets inside of a wrapper of magic 1 count up to the wrapper's own")
    func relativeOffsets() throws {
        #expect(try offsets(magic: 1, wrapper: 102, inner: [0, 1, 2]) == [100, 101, 102])
        // Compaction took the first and the middle one.
        #expect(try offsets(magic: 1, wrapper: 110, inner: [1, 5]) == [106, 110])
    }

    @Test("Trap 11: offsets inside of a wrapper of magic 0 are absolute")
    func absoluteOffsets() throws {
        #expect(try offsets(magic: 0, wrapper: 102, inner: [100, 101, 102]) == [100, 101, 102])
    }

    @Test("Trap 11: in a wrapper of offset 0 the offsets stay as they are")
    func wrapperOfOffsetZero() throws {
        #expect(try offsets(magic: 1, wrapper: 0, inner: [7, 8]) == [7, 8])
        let wrapper = wrap(magic: 1, offset: 0, [message(magic: 1, offset: 7)])
        try wrapper.withUnsafeBytes { bytes in
            var reader = RecordSetReader(bytes)
            let batch = try reader.next()
            #expect(batch != nil && batch?.nextOffset == nil)
        }
    }

    @Test("Trap 11: a wrapper whose last message lies beyond itself is refused")
    func wrapperBelowItsMessages() {
        #expect(throws: RecordError(.invalidOffset, at: 0)) {
            try offsets(magic: 1, wrapper: 3, inner: [0, 9])
        }
    }

    @Test("A message inside of a wrapper does not lie beyond it, even near the largest offset")
    func messageBeyondItsWrapper() throws {
        for wrapper in [1, 100, .max - 1] as [Int64] {
            #expect(throws: RecordError(.invalidOffset, at: 0)) {
                try offsets(magic: 1, wrapper: wrapper, inner: [1, 0])
            }
        }
        #expect(try offsets(magic: 1, wrapper: .max - 1, inner: [0, 1]) == [.max - 2, .max - 1])
        #expect(recordError(wrap(magic: 1, offset: .max, [message(magic: 1)])) == .invalidOffset)
    }

    @Test("Trap 7: the time of appending stands in the wrapper") func logAppendTime() throws {
        let inner = [message(magic: 1, offset: 0, timestamp: 5)]
        #expect(try records(ofSet: wrap(magic: 1, offset: 9, inner)).map(\.timestamp) == [5])
        let appended = wrap(magic: 1, offset: 9, attributes: 0x08, timestamp: 77, inner)
        #expect(try records(ofSet: appended).map(\.timestamp) == [77])
    }

    @Test func wrappersInWrappersAndMixedFormatsAreRefused() {
        let nested = wrap(magic: 1, offset: 3, [wrap(magic: 1, offset: 0, [message(magic: 1)])])
        #expect(recordError(nested) == .invalidWrapper)
        #expect(recordError(wrap(magic: 1, offset: 3, [message(magic: 0)])) == .invalidWrapper)
    }

    @Test("Trap 12: checksums outside and inside of a wrapper") func checksums() {
        var plain = message(magic: 1, offset: 1, value: [1, 2, 3])
        plain[plain.count - 1] ^= 1
        #expect(recordError(plain) == .checksumMismatch)
        var inner = message(magic: 1, offset: 0, value: [1, 2, 3])
        inner[inner.count - 1] ^= 1
        #expect(recordError(wrap(magic: 1, offset: 3, [inner])) == .checksumMismatch)
    }

    @Test func damagedMessages() {
        let whole = message(magic: 1, offset: 0, key: [1, 2], value: [3])
        // A wrapper is never cut: what is missing in it is an error.
        for count in 1..<whole.count {
            let set = wrap(magic: 1, offset: 3, [Array(whole[..<count])])
            #expect(recordError(set) != nil, "\(count) bytes")
        }
        // Key and value claim too much, or less than null.
        for (place, value) in [(26, Int32(9)), (26, -2), (32, 9), (32, -2), (26, .max)] {
            var bytes = whole
            bytes.setInt32(value, at: place)
            bytes.signLegacy()
            #expect(recordError(bytes) != nil, "\(value) at \(place)")
        }
        #expect(recordError(message(magic: 1, offset: -1)) == .invalidOffset)
        #expect(recordError(message(magic: 1, offset: .max)) == .invalidOffset)
    }

    private func offsets(magic: UInt8, wrapper: Int64, inner: [Int64]) throws -> [Int64] {
        let messages = inner.map { message(magic: magic, offset: $0) }
        return try records(ofSet: wrap(magic: magic, offset: wrapper, messages)).map(\.offset)
    }

    private func message(
        magic: UInt8, offset: Int64 = 0, attributes: UInt8 = 0, timestamp: Int64 = 1,
        key: [UInt8]? = nil, value: [UInt8]? = nil
    ) -> [UInt8] {
        var body = ByteWriter()
        body.uint8(magic)
        body.uint8(attributes)
        if magic == 1 { body.int64(timestamp) }
        for part in [key, value] {
            body.int32(part.map { Int32($0.count) } ?? -1)
            body.bytes(part ?? [])
        }
        var w = ByteWriter()
        w.int64(offset)
        w.int32(Int32(body.count + 4))
        w.uint32(body.withBytes { crc32($0) })
        body.withBytes { w.bytes($0) }
        return w.array
    }

    /// Compressed with gzip, the one codec that is always there.
    private func wrap(
        magic: UInt8, offset: Int64, attributes: UInt8 = 0, timestamp: Int64 = 1,
        _ messages: [[UInt8]]
    ) -> [UInt8] {
        let value = try? Codec.gzip.compress(messages.flatMap { $0 })
        return message(
            magic: magic, offset: offset, attributes: attributes | 1, timestamp: timestamp,
            value: value)
    }
}

extension [UInt8] {
    fileprivate mutating func signLegacy() {
        let checksum = withUnsafeBytes { crc32(UnsafeRawBufferPointer(rebasing: $0[16...])) }
        setInt32(Int32(bitPattern: checksum), at: 12)
    }
}
