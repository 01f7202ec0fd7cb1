/// What is wrong with a JSON text, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        /// The text ends inside of a value.
        case unexpectedEnd
        /// Another byte than the grammar allows.
        case unexpected(UInt8, expected: String)
        /// A value of another kind than the caller's.
        case wrongKind(JSONReader.Kind, expected: String)
        /// More than `depthMax` objects and arrays inside of each other.
        case tooDeep(depthMax: Int)
        /// A key occurs twice in one object. RFC 8259 section 4 leaves the meaning open, so two
        /// readers on the path may disagree: refused.
        case duplicateKey(String)
        case invalidUTF8
        /// RFC 8259 section 7: control characters MUST be escaped.
        case controlCharacter(UInt8)
        case invalidEscape
        /// Half of a surrogate pair, which no UTF-8 can express.
        case loneSurrogate
        case invalidNumber
    }

    public var reason: Reason
    public var position: JSONPosition

    public init(_ reason: Reason, at position: JSONPosition) {
        self.reason = reason
        self.position = position
    }

    /// For example `line 3 column 14: expected ':', found '}'`.
    public var description: String {
        "line \(position.line) column \(position.column): \(reason)"
    }
}

extension JSONError.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unexpectedEnd: "the text ends inside of a value"
        case .unexpected(let byte, let expected): "expected \(expected), found \(name(of: byte))"
        case .wrongKind(let kind, let expected): "expected \(expected), found \(kind)"
        case .tooDeep(let depthMax): "more than \(depthMax) levels"
        case .duplicateKey(let key): "the key \"\(key)\" occurs twice"
        case .invalidUTF8: "not UTF-8"
        case .controlCharacter(let byte): "\(name(of: byte)) must be escaped"
        case .invalidEscape: "no such escape"
        case .loneSurrogate: "half of a surrogate pair"
        case .invalidNumber: "not a number"
        }
    }
}

private func name(of byte: UInt8) -> String {
    if byte > 0x20 && byte < 0x7f { return "'\(Character(Unicode.Scalar(byte)))'" }
    let digits = String(byte, radix: 16)
    return "byte 0x" + (digits.count < 2 ? "0" + digits : digits)
}
