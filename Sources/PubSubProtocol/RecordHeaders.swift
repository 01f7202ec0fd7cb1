import Bytes
import JSON

/// The headers of one record in the form of Kafka's record format 2: for each a zigzag varint
/// length and the key, a zigzag varint length (-1: null) and the value. They are checked once, so
/// that writing them cannot fail.
public struct RecordHeaders {
    /// Bytes of the `headers` fields of a `KafkaMessage`.
    @usableFromInline let encodedBytes: Int
    private let raw: UnsafeRawBufferPointer
    private let count: Int

    @inlinable public static var none: RecordHeaders { RecordHeaders() }

    @usableFromInline
    init() { self.init(UnsafeRawBufferPointer(start: nil, count: 0), 0, encodedBytes: 0) }

    private init(_ raw: UnsafeRawBufferPointer, _ count: Int, encodedBytes: Int) {
        self.raw = raw
        self.count = count
        self.encodedBytes = encodedBytes
    }

    /// `raw` must hold `count` headers and nothing else. It is borrowed.
    public init(_ raw: UnsafeRawBufferPointer, count: Int) throws(BytesError) {
        guard count > 0 else {
            guard count == 0, raw.isEmpty else { throw BytesError(.invalidLength, at: 0) }
            self.init()
            return
        }
        var reader = ByteReader(raw)
        var bytes = 0
        for _ in 0..<count {
            let header = try Header(&reader)
            bytes += 2 + varintSize(UInt64(header.bodyBytes)) + header.bodyBytes
        }
        guard reader.isAtEnd else { throw BytesError(.invalidLength, at: reader.position) }
        self.init(raw, count, encodedBytes: bytes)
    }

    @usableFromInline
    func write(into out: inout ByteWriter) {
        var reader = ByteReader(raw)
        for _ in 0..<count {
            guard let header = try? Header(&reader) else { return }
            out.uvarint(UInt64(KafkaMessageField.headers << 3 | WireType.length))
            out.uvarint(UInt64(header.bodyBytes))
            header.write(into: &out)
        }
    }
}

/// One `KafkaHeader`.
private struct Header {
    let key: UnsafeRawBufferPointer
    let value: UnsafeRawBufferPointer?
    /// Set if the key is not UTF-8, which a proto3 string must be.
    let repairedKey: String?

    init(_ reader: inout ByteReader) throws(BytesError) {
        key = try reader.slice(Int(try reader.varint()))
        let length = try reader.varint()
        value = length == -1 ? nil : try reader.slice(Int(length))
        repairedKey =
            UTF8Check.firstFault(in: key) == nil ? nil : String(decoding: key, as: UTF8.self)
    }

    var keyBytes: Int { repairedKey?.utf8.count ?? key.count }

    var bodyBytes: Int {
        var bytes = keyBytes == 0 ? 0 : 1 + varintSize(UInt64(keyBytes)) + keyBytes
        if let value { bytes += 1 + varintSize(UInt64(value.count)) + value.count }
        return bytes
    }

    func write(into out: inout ByteWriter) {
        if keyBytes > 0 {
            out.uint8(1 << 3 | 2)
            out.uvarint(UInt64(keyBytes))
            if let repairedKey { out.string(repairedKey) } else { out.bytes(key) }
        }
        if let value {
            out.uint8(2 << 3 | 2)
            out.uvarint(UInt64(value.count))
            out.bytes(value)
        }
    }
}

/// Numbers of `KafkaMessage`'s fields.
enum KafkaMessageField {
    static let offset = 1
    static let timestamp = 2
    static let key = 3
    static let value = 4
    static let headers = 101
    static let appendTime = 102
}
