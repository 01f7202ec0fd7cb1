import Bytes
import JSON

/// Turns records as `KafkaMessageWriter` wrote them into JSON, message by message, so that a long
/// reply can be made in pieces.
public enum RecordTranscoder {
    /// Appends the `KafkaMessage` field that starts at `place` as an element of a JSON list, with
    /// its comma unless it is the `first`. Answers where the next field starts. Bytes that are no
    /// such field throw; what was appended by then is of no use.
    public static func write(
        at place: Int, in records: UnsafeRawBufferPointer, first: Bool,
        as format: MessageFormat, into out: inout ByteWriter
    ) throws(BytesError) -> Int {
        guard place >= 0, place < records.count else { throw BytesError(.truncated, at: place) }
        var reader = ByteReader(records)
        reader.seek(to: place)
        guard try reader.uint8() == 0x0a else { throw BytesError(.invalidValue, at: place) }
        let body = try reader.lengthPrefixed()
        if !first { out.uint8(UInt8(ascii: ",")) }
        let message = try RecordFields(body)
        try message.writeJSON(as: format, into: &out)
        return reader.position
    }

    /// Appends all of `records`.
    public static func writeAll(
        _ records: UnsafeRawBufferPointer, as format: MessageFormat, into out: inout ByteWriter
    ) throws(BytesError) {
        var place = 0
        while place < records.count {
            place = try write(at: place, in: records, first: place == 0, as: format, into: &out)
        }
    }
}

/// The fields of one `KafkaMessage`, still in its bytes.
private struct RecordFields {
    let body: UnsafeRawBufferPointer
    var offset: Int64 = 0
    var timestamp: Int64 = 0
    var key: UnsafeRawBufferPointer?
    var value: UnsafeRawBufferPointer?
    var hasHeaders = false
    var appendTime = false

    init(_ body: UnsafeRawBufferPointer) throws(BytesError) {
        self.body = body
        var reader = ByteReader(body)
        while !reader.isAtEnd {
            let start = reader.position
            switch try reader.uvarint64() {
            case 0x08: offset = Int64(bitPattern: try reader.uvarint64())
            case 0x10: timestamp = Int64(bitPattern: try reader.uvarint64())
            case 0x1a: key = try reader.lengthPrefixed()
            case 0x22: value = try reader.lengthPrefixed()
            case RecordFields.headersTag:
                _ = try reader.lengthPrefixed()
                hasHeaders = true
            case RecordFields.appendTimeTag: appendTime = try reader.uvarint64() != 0
            default: throw BytesError(.invalidValue, at: start)
            }
        }
    }

    static let headersTag = UInt64(KafkaMessageField.headers << 3 | WireType.length)
    static let appendTimeTag = UInt64(KafkaMessageField.appendTime << 3 | WireType.varint)

    func writeJSON(as format: MessageFormat, into out: inout ByteWriter) throws(BytesError) {
        let fields = FieldWriter(format: format)
        out.jsonBeginObject()
        fields.int64(KafkaMessageField.offset, "offset", offset, to: &out)
        fields.int64(KafkaMessageField.timestamp, "timestamp", timestamp, to: &out)
        out.jsonOptionalBytes("key", "keyBase64", key, as: format)
        out.jsonOptionalBytes("value", "valueBase64", value, as: format)
        if hasHeaders { try writeHeaders(as: format, into: &out) }
        if appendTime {
            fields.bool(KafkaMessageField.appendTime, "appendTime", true, to: &out)
        }
        out.jsonEndObject()
    }

    private func writeHeaders(
        as format: MessageFormat, into out: inout ByteWriter
    ) throws(BytesError) {
        out.jsonKey("headers")
        out.jsonBeginArray()
        var reader = ByteReader(body)
        while !reader.isAtEnd {
            let tag = try reader.uvarint64()
            guard tag & 7 == WireType.length else {
                _ = try reader.uvarint64()
                continue
            }
            let payload = try reader.lengthPrefixed()
            if tag == RecordFields.headersTag {
                out.jsonElement()
                try HeaderFields(payload).writeJSON(as: format, into: &out)
            }
        }
        out.jsonEndArray()
    }
}

/// The fields of one `KafkaHeader`.
private struct HeaderFields {
    var key = UnsafeRawBufferPointer(start: nil, count: 0)
    var value: UnsafeRawBufferPointer?

    init(_ body: UnsafeRawBufferPointer) throws(BytesError) {
        var reader = ByteReader(body)
        while !reader.isAtEnd {
            let start = reader.position
            switch try reader.uvarint64() {
            case 0x0a: key = try reader.lengthPrefixed()
            case 0x12: value = try reader.lengthPrefixed()
            default: throw BytesError(.invalidValue, at: start)
            }
        }
    }

    func writeJSON(as format: MessageFormat, into out: inout ByteWriter) throws(BytesError) {
        out.jsonBeginObject()
        if !key.isEmpty || format == .text {
            out.jsonKey("key")
            guard out.jsonString(utf8: key) else { throw BytesError(.invalidUTF8, at: 0) }
        }
        out.jsonOptionalBytes("value", "valueBase64", value, as: format)
        out.jsonEndObject()
    }
}

extension ByteWriter {
    /// Null bytes are left out as proto3 JSON does; `pubsub.text` shows them.
    fileprivate mutating func jsonOptionalBytes(
        _ name: StaticString, _ base64Name: StaticString, _ value: UnsafeRawBufferPointer?,
        as format: MessageFormat
    ) {
        if let value {
            jsonBytes(name, base64Name, value, as: format)
        } else if format == .text {
            jsonKey(name)
            jsonNull()
        }
    }
}

extension ByteReader {
    /// The bytes behind a varint that tells how many they are.
    fileprivate mutating func lengthPrefixed() throws(BytesError) -> UnsafeRawBufferPointer {
        let start = position
        let length = try uvarint64()
        guard length <= UInt64(remaining) else { throw BytesError(.truncated, at: start) }
        return try slice(Int(length))
    }
}
