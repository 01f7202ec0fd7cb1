import Bytes
import JSON
import RecordFormat

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
        let message = try KafkaMessageReader.Record(body)
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

extension KafkaMessageReader.Record {
    fileprivate func writeJSON(as format: MessageFormat, into out: inout ByteWriter)
        throws(BytesError)
    {
        let fields = FieldWriter(format: format)
        out.jsonBeginObject()
        fields.int64(KafkaMessageField.offset, "offset", offset, to: &out)
        fields.int64(KafkaMessageField.timestamp, "timestamp", timestamp, to: &out)
        out.jsonOptionalBytes("key", "keyBase64", key, as: format)
        out.jsonOptionalBytes("value", "valueBase64", value, as: format)
        if headerCount > 0 { try writeHeaders(as: format, into: &out) }
        if isAppendTime {
            fields.bool(KafkaMessageField.appendTime, "appendTime", true, to: &out)
        }
        out.jsonEndObject()
    }

    private func writeHeaders(
        as format: MessageFormat, into out: inout ByteWriter
    ) throws(BytesError) {
        out.jsonKey("headers")
        out.jsonBeginArray()
        try forEachHeader { header throws(BytesError) in
            out.jsonElement()
            try header.writeJSON(as: format, into: &out)
        }
        out.jsonEndArray()
    }
}

extension KafkaMessageReader.Header {
    fileprivate func writeJSON(as format: MessageFormat, into out: inout ByteWriter)
        throws(BytesError)
    {
        out.jsonBeginObject()
        if !name.isEmpty || format == .text {
            out.jsonKey("key")
            guard out.jsonString(utf8: name) else { throw BytesError(.invalidUTF8, at: 0) }
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
