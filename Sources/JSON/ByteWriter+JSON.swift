import Bytes

/// Writing JSON into a buffer. The writer keeps no state: whether a comma is due shows in the
/// byte written last, since no value ends with an opening bracket.
extension ByteWriter {
    public mutating func jsonBeginObject() { uint8(UInt8(ascii: "{")) }
    public mutating func jsonEndObject() { uint8(UInt8(ascii: "}")) }
    public mutating func jsonBeginArray() { uint8(UInt8(ascii: "[")) }
    public mutating func jsonEndArray() { uint8(UInt8(ascii: "]")) }

    /// The next member's key, with comma and colon. The name must not need any escape.
    public mutating func jsonKey(_ name: StaticString) {
        jsonComma()
        let count = name.utf8CodeUnitCount
        let place = extend(count + 3)
        place.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        (place + 1).copyMemory(from: name.utf8Start, byteCount: count)
        place.storeBytes(of: UInt8(ascii: "\""), toByteOffset: count + 1, as: UInt8.self)
        place.storeBytes(of: UInt8(ascii: ":"), toByteOffset: count + 2, as: UInt8.self)
    }

    /// The next member's key, whatever it holds.
    public mutating func jsonKey(_ name: String) {
        jsonComma()
        jsonString(name)
        uint8(UInt8(ascii: ":"))
    }

    /// Goes before each element of an array.
    public mutating func jsonElement() { jsonComma() }

    private mutating func jsonComma() {
        let last = withBytes { $0.last }
        guard let last, last != UInt8(ascii: "{"), last != UInt8(ascii: "[") else { return }
        uint8(UInt8(ascii: ","))
    }

    public mutating func jsonNull() { literal("null") }
    public mutating func jsonBool(_ value: Bool) { literal(value ? "true" : "false") }

    /// A number. Readers that hold numbers as doubles lose digits beyond 2^53.
    public mutating func jsonInteger(_ value: Int64) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { room in
            var at = room.count
            var rest = value.magnitude
            repeat {
                at -= 1
                room[at] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
                rest /= 10
            } while rest > 0
            if value < 0 {
                at -= 1
                room[at] = UInt8(ascii: "-")
            }
            bytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[at...]))
        }
    }

    /// An integer in quotes, as the proto3 mapping has 64-bit ones.
    public mutating func jsonQuotedInteger(_ value: Int64) {
        uint8(UInt8(ascii: "\""))
        jsonInteger(value)
        uint8(UInt8(ascii: "\""))
    }

    public mutating func jsonString(_ value: String) {
        var value = value
        value.withUTF8 { _ = jsonString(utf8: UnsafeRawBufferPointer($0)) }
    }

    /// A string of bytes that may be anything. If they are not UTF-8, nothing is written and the
    /// answer is false.
    public mutating func jsonString(utf8 value: UnsafeRawBufferPointer) -> Bool {
        let start = count
        reserve(value.count + 2)
        uint8(UInt8(ascii: "\""))
        var run = 0
        var at = 0
        while at < value.count {
            if at + 8 <= value.count,
                !needsCare(value.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            {
                at += 8
                continue
            }
            let byte = value[at]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                bytes(UnsafeRawBufferPointer(rebasing: value[run..<at]))
                jsonEscape(byte)
                at += 1
                run = at
                continue
            }
            let length = UTF8Check.sequence(at: at, in: value)
            guard length > 0 else {
                truncate(to: start)
                return false
            }
            at += length
        }
        bytes(UnsafeRawBufferPointer(rebasing: value[run...]))
        uint8(UInt8(ascii: "\""))
        return true
    }

    private mutating func jsonEscape(_ byte: UInt8) {
        switch byte {
        case 0x08: literal("\\b")
        case 0x09: literal("\\t")
        case 0x0a: literal("\\n")
        case 0x0c: literal("\\f")
        case 0x0d: literal("\\r")
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            uint8(UInt8(ascii: "\\"))
            uint8(byte)
        default:
            literal("\\u00")
            uint8(hexDigit(byte >> 4))
            uint8(hexDigit(byte & 15))
        }
    }

    /// Bytes as base64 in quotes: the standard alphabet, padded (RFC 4648 section 4).
    public mutating func jsonBase64(_ value: UnsafeRawBufferPointer) {
        uint8(UInt8(ascii: "\""))
        base64(value)
        uint8(UInt8(ascii: "\""))
    }

    public mutating func jsonValue(_ value: JSONValue) {
        switch value.content {
        case .null: jsonNull()
        case .bool(let value): jsonBool(value)
        case .number(let value): string(value.text)
        case .string(let value): jsonString(value)
        case .array(let elements):
            jsonBeginArray()
            for element in elements {
                jsonElement()
                jsonValue(element)
            }
            jsonEndArray()
        case .object(let object):
            jsonBeginObject()
            for member in object.members {
                jsonKey(member.key)
                jsonValue(member.value)
            }
            jsonEndObject()
        }
    }

    private mutating func literal(_ text: StaticString) {
        bytes(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

private func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? nibble + 0x30 : nibble + 0x57 }
