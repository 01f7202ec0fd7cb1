import Bytes

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

    @usableFromInline
    init(_ raw: UnsafeRawBufferPointer, _ count: Int, encodedBytes: Int) {
        self.raw = raw
        self.count = count
        self.encodedBytes = encodedBytes
    }

    /// `raw` must hold `count` headers and nothing else. It is borrowed.
    @inlinable
    public init(_ raw: UnsafeRawBufferPointer, count: Int) throws(BytesError) {
        // Most records have none.
        let bytes =
            count == 0 && raw.isEmpty ? 0 : try RecordHeaders.encodedBytes(raw, count: count)
        self.init(raw, count, encodedBytes: bytes)
    }

    @usableFromInline
    static func encodedBytes(
        _ raw: UnsafeRawBufferPointer, count: Int
    ) throws(BytesError) -> Int {
        var reader = ByteReader(raw)
        var bytes = 0
        // Every header has two bytes at least, so that a wrong count ends soon.
        var left = count
        while left > 0 {
            let header = try Header(&reader)
            bytes += 2 + varintSize(UInt64(header.bodyBytes)) + header.bodyBytes
            left -= 1
        }
        guard left == 0, reader.isAtEnd else {
            throw BytesError(.invalidLength, at: reader.position)
        }
        return bytes
    }

    /// Whether one of the `count` headers in `raw` has a name that `body` is true of.
    public static func contains(
        _ raw: UnsafeRawBufferPointer, count: Int, where body: (UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        var reader = ByteReader(raw)
        for _ in 0..<count {
            guard let header = try? Header(&reader) else { return false }
            if body(header.key) { return true }
        }
        return false
    }

    @usableFromInline
    func write(into out: inout ByteWriter) {
        var reader = ByteReader(raw)
        for _ in 0..<count {
            guard let header = try? Header(&reader) else { return }
            header.write(into: &out)
        }
    }
}

/// One `KafkaHeader`.
private struct Header {
    let key: UnsafeRawBufferPointer
    let value: UnsafeRawBufferPointer?
    /// Bytes of the key as it is written.
    let keyBytes: Int
    /// Whether the key is not UTF-8, which a proto3 string must be, and is written repaired.
    let isRepaired: Bool

    init(_ reader: inout ByteReader) throws(BytesError) {
        key = try reader.slice(Int(try reader.varint()))
        let length = try reader.varint()
        value = length == -1 ? nil : try reader.slice(Int(length))
        isRepaired = UTF8Check.firstFault(in: key) != nil
        keyBytes = isRepaired ? String(decoding: key, as: UTF8.self).utf8.count : key.count
    }

    var bodyBytes: Int {
        var bytes = keyBytes == 0 ? 0 : 1 + varintSize(UInt64(keyBytes)) + keyBytes
        if let value { bytes += 1 + varintSize(UInt64(value.count)) + value.count }
        return bytes
    }

    func write(into out: inout ByteWriter) {
        let body = bodyBytes
        var place = out.extend(2 + varintSize(UInt64(body)) + body)
        // Field 101, a tag of two bytes.
        place.storeBytes(of: 0xaa, as: UInt8.self)
        place += 1
        KafkaMessageWriter.put(0x06, UInt64(body), at: &place)
        if keyBytes > 0 {
            KafkaMessageWriter.put(0x0a, UInt64(keyBytes), at: &place)
            writeKey(at: &place)
        }
        if let value {
            KafkaMessageWriter.put(0x12, UInt64(value.count), at: &place)
            KafkaMessageWriter.copy(value.baseAddress, value.count, to: &place)
        }
    }

    private func writeKey(at place: inout UnsafeMutableRawPointer) {
        guard isRepaired else {
            KafkaMessageWriter.copy(key.baseAddress, key.count, to: &place)
            return
        }
        for byte in String(decoding: key, as: UTF8.self).utf8 {
            place.storeBytes(of: byte, as: UInt8.self)
            place += 1
        }
    }
}
