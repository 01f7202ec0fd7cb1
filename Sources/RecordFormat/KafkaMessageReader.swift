import Bytes

/// Reads what `KafkaMessageWriter` wrote, record by record, without a copy.
public struct KafkaMessageReader {
    private var reader: ByteReader

    public init(_ records: UnsafeRawBufferPointer) { reader = ByteReader(records) }

    /// nil behind the last one. Bytes that are no records throw.
    public mutating func next() throws(BytesError) -> Record? {
        guard !reader.isAtEnd else { return nil }
        let start = reader.position
        guard try reader.uint8() == 0x0a else { throw BytesError(.invalidValue, at: start) }
        return try Record(try reader.lengthPrefixed())
    }

    /// One `KafkaMessage`; its parts lie in the bytes that were read.
    public struct Record {
        public private(set) var offset: Int64 = 0
        /// Milliseconds since 1970; -1: none.
        public private(set) var timestamp: Int64 = 0
        /// nil: null.
        public private(set) var key: UnsafeRawBufferPointer?
        public private(set) var value: UnsafeRawBufferPointer?
        public private(set) var headerCount = 0
        /// UTF-8 of all headers' names.
        public private(set) var headerNameBytes = 0
        /// The timestamp is the broker's.
        public private(set) var isAppendTime = false
        private let body: UnsafeRawBufferPointer

        /// - Parameter body: what stands behind the field's tag and length.
        public init(_ body: UnsafeRawBufferPointer) throws(BytesError) {
            self.body = body
            var reader = ByteReader(body)
            while !reader.isAtEnd {
                let start = reader.position
                switch try reader.uvarint64() {
                case 0x08: offset = Int64(bitPattern: try reader.uvarint64())
                case 0x10: timestamp = Int64(bitPattern: try reader.uvarint64())
                case 0x1a: key = try reader.lengthPrefixed()
                case 0x22: value = try reader.lengthPrefixed()
                case headersTag:
                    headerNameBytes += try Header(try reader.lengthPrefixed()).name.count
                    headerCount += 1
                case appendTimeTag: isAppendTime = try reader.uvarint64() != 0
                default: throw BytesError(.invalidValue, at: start)
                }
            }
        }

        /// In order.
        public func forEachHeader(
            _ take: (Header) throws(BytesError) -> Void
        ) throws(BytesError) {
            var reader = ByteReader(body)
            var left = headerCount
            while left > 0, !reader.isAtEnd {
                let tag = try reader.uvarint64()
                guard tag & 7 == KafkaMessageField.lengthType else {
                    _ = try reader.uvarint64()
                    continue
                }
                let payload = try reader.lengthPrefixed()
                guard tag == headersTag else { continue }
                try take(try Header(payload))
                left -= 1
            }
        }
    }

    /// One `KafkaHeader`.
    public struct Header {
        public private(set) var name = UnsafeRawBufferPointer(start: nil, count: 0)
        public private(set) var value: UnsafeRawBufferPointer?

        init(_ body: UnsafeRawBufferPointer) throws(BytesError) {
            var reader = ByteReader(body)
            while !reader.isAtEnd {
                let start = reader.position
                switch try reader.uvarint64() {
                case 0x0a: name = try reader.lengthPrefixed()
                case 0x12: value = try reader.lengthPrefixed()
                default: throw BytesError(.invalidValue, at: start)
                }
            }
        }
    }

    private static let headersTag =
        UInt64(KafkaMessageField.headers) << 3 | KafkaMessageField.lengthType
    private static let appendTimeTag = UInt64(KafkaMessageField.appendTime) << 3
}
