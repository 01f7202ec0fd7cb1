import Bytes
import JSON

/// Writes the fields of a reply in a session's format. Plain fields with their default are left
/// out, as proto3 does; `pubsub.text`, made for eyes, shows them.
struct FieldWriter {
    let format: MessageFormat

    func int64(_ number: Int, _ name: StaticString, _ value: Int64, to out: inout ByteWriter) {
        if value != 0 || format == .text { present(number, name, value, to: &out) }
    }

    /// Nil is absent, 0 is not.
    func int64(_ number: Int, _ name: StaticString, _ value: Int64?, to out: inout ByteWriter) {
        if let value { present(number, name, value, to: &out) }
    }

    private func present(
        _ number: Int, _ name: StaticString, _ value: Int64, to out: inout ByteWriter
    ) {
        switch format {
        case .binary:
            out.uvarint(UInt64(number) << 3)
            out.uvarint(UInt64(bitPattern: value))
        case .json, .text:
            out.jsonKey(name)
            out.jsonInt64(value, as: format)
        }
    }

    /// On the wire a negative int32 is sign-extended to 64 bits.
    func int32(_ number: Int, _ name: StaticString, _ value: Int32, to out: inout ByteWriter) {
        guard value != 0 || format == .text else { return }
        guard format != .binary else {
            present(number, name, Int64(value), to: &out)
            return
        }
        out.jsonKey(name)
        out.jsonInteger(Int64(value))
    }

    /// JSON has the names of an enum's values.
    func enumeration(
        _ number: Int, _ name: StaticString, _ value: Int32, _ valueName: StaticString,
        to out: inout ByteWriter
    ) {
        guard format != .binary else {
            int32(number, name, value, to: &out)
            return
        }
        guard value != 0 || format == .text else { return }
        out.jsonKey(name)
        out.jsonString("\(valueName)")
    }

    func bool(_ number: Int, _ name: StaticString, _ value: Bool, to out: inout ByteWriter) {
        guard value || format == .text else { return }
        guard format != .binary else {
            present(number, name, 1, to: &out)
            return
        }
        out.jsonKey(name)
        out.jsonBool(value)
    }

    func string(_ number: Int, _ name: StaticString, _ value: String, to out: inout ByteWriter) {
        guard !value.isEmpty || format == .text else { return }
        guard format != .binary else {
            out.uvarint(UInt64(number) << 3 | 2)
            out.uvarint(UInt64(value.utf8.count))
            out.string(value)
            return
        }
        out.jsonKey(name)
        out.jsonString(value)
    }

    /// A message; a `oneof` member or an element of a list, which are written even when empty.
    func message(
        _ number: Int, _ name: StaticString, to out: inout ByteWriter,
        _ body: (inout ByteWriter) -> Void
    ) {
        guard format != .binary else {
            element(number, to: &out, body)
            return
        }
        out.jsonKey(name)
        object(to: &out, body)
    }

    /// A list of messages; an empty one is left out in every format.
    func list<T>(
        _ number: Int, _ name: StaticString, _ values: [T], to out: inout ByteWriter,
        _ body: (T, inout ByteWriter) -> Void
    ) {
        guard !values.isEmpty else { return }
        guard format != .binary else {
            for value in values { element(number, to: &out) { body(value, &$0) } }
            return
        }
        out.jsonKey(name)
        out.jsonBeginArray()
        for value in values {
            out.jsonElement()
            object(to: &out) { body(value, &$0) }
        }
        out.jsonEndArray()
    }

    func object(to out: inout ByteWriter, _ body: (inout ByteWriter) -> Void) {
        out.jsonBeginObject()
        body(&out)
        out.jsonEndObject()
    }

    func element(
        _ number: Int, to out: inout ByteWriter, _ body: (inout ByteWriter) -> Void
    ) {
        out.uvarint(UInt64(number) << 3 | 2)
        let start = out.count
        body(&out)
        out.insertLength(from: start)
    }
}

extension ByteWriter {
    /// Puts the length of what was written from `start` on in front of it. For replies of a few
    /// fields: the bytes are moved.
    mutating func insertLength(from start: Int) {
        let length = count - start
        let size = varintSize(UInt64(length))
        _ = extend(size)
        withMutableBytes { bytes in
            let place = bytes.baseAddress.unsafelyUnwrapped + start
            (place + size).copyMemory(from: place, byteCount: length)
        }
        let end = count
        truncate(to: start)
        uvarint(UInt64(length))
        truncate(to: start + size)
        _ = extend(end - start - size)
    }

    /// `pubsub.text` shows numbers where every JSON reader keeps all digits, up to 2^53.
    mutating func jsonInt64(_ value: Int64, as format: MessageFormat) {
        if format == .text && value.magnitude <= 1 << 53 {
            jsonInteger(value)
        } else {
            jsonQuotedInteger(value)
        }
    }
}
