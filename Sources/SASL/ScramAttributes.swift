import Digests

/// The `a=value,b=value` form of all SCRAM messages (RFC 5802 section 7). Values are borrowed from
/// the message as ranges; a value may hold `=`, never `,`.
struct ScramAttributes {
    private let message: [UInt8]
    private var position = 0

    init(_ message: [UInt8]) throws(SASLError) {
        guard message.count <= ScramLimits.messageBytesMax else {
            throw .messageTooLong(message.count)
        }
        self.message = message
    }

    /// The next attribute's letter and value; nil at the end.
    mutating func next() throws(SASLError) -> (name: UInt8, value: ArraySlice<UInt8>)? {
        guard position < message.count else { return nil }
        let end = message[position...].firstIndex(of: UInt8(ascii: ",")) ?? message.count
        guard end - position >= 2, message[position + 1] == UInt8(ascii: "="),
            isLetter(message[position])
        else { throw .malformedMessage("attribute at byte \(position)") }
        defer { position = end + 1 }
        return (message[position], message[position + 2..<end])
    }

    /// The value of the next attribute, which must be `name`.
    mutating func required(_ name: Character) throws(SASLError) -> ArraySlice<UInt8> {
        guard let attribute = try next(), attribute.name == name.asciiValue else {
            throw .malformedMessage("\(name)= is missing")
        }
        return attribute.value
    }
}

/// RFC 5802 section 5.1: `=` and `,` of a user name are sent as `=3D` and `=2C`.
///
/// Deliberately no SASLprep beyond that: Kafka's brokers take user names and passwords as the
/// UTF-8 that was stored (`ScramFormatter.normalize`), and a normalised password would not match.
func scramEscaped(_ name: String) -> [UInt8] {
    var escaped: [UInt8] = []
    for byte in name.utf8 {
        switch byte {
        case UInt8(ascii: "="): escaped += Array("=3D".utf8)
        case UInt8(ascii: ","): escaped += Array("=2C".utf8)
        default: escaped.append(byte)
        }
    }
    return escaped
}

/// The inverse; nil for a `=` that escapes nothing, or for what is not UTF-8.
public func scramUnescaped(_ value: ArraySlice<UInt8>) -> String? {
    var bytes: [UInt8] = []
    var rest = value
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "=") else {
            bytes.append(byte)
            continue
        }
        switch Array(rest.prefix(2)) {
        case Array("3D".utf8): bytes.append(UInt8(ascii: "="))
        case Array("2C".utf8): bytes.append(UInt8(ascii: ","))
        default: return nil
        }
        rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
}

func fromBase64(_ value: ArraySlice<UInt8>) -> [UInt8]? {
    value.withUnsafeBytes { base64Decode($0) }
}
