import JSON

/// What is wrong with a request, in which field, and where.
public struct MalformedMessage: Error, Equatable, Sendable {
    public enum Place: Equatable, Sendable {
        /// Of a binary message, from 0: the value's first byte behind the tag (a length counts as
        /// its value's), or the first byte that is not UTF-8.
        case byte(Int)
        /// Of a JSON text.
        case text(line: Int, column: Int)
    }

    public enum Reason: Equatable, Sendable {
        /// The message, or the message around the field, ends inside of the value.
        case truncated
        /// A varint of more than ten bytes.
        case varintTooLong
        /// Field number 0, or a tag beyond 32 bits.
        case invalidTag
        /// Wire types 3 and 4. Protobuf skips groups; nothing that we speak to ever sent one, and
        /// skipping them needs a stack as deep as the sender likes.
        case group
        /// Wire types 6 and 7, which do not exist.
        case invalidWireType(Int)
        case invalidUTF8
        case negative
        /// None of the enumeration's values, which are `known`.
        case unknownValue(String, known: String)
        /// Above a limit of `RequestLimits`.
        case tooMany(max: Int)
        case tooLong(max: Int)
        /// JSON: not a number of the field's type.
        case notAnInteger(bits: Int)
        case invalidBase64
        /// JSON: no field has that name; those of the message are `known`.
        case unknownField(known: String)
        /// JSON: the same field twice.
        case repeatedField
        /// JSON: two fields of a `oneof`.
        case oneofConflict
        case json(JSONError.Reason)
    }

    /// For example `cmd_kafka_fetch.topic`, or `field 77` for one without a name; empty for the
    /// message itself.
    public var field: String
    public var place: Place
    public var reason: Reason
    /// The request's, as far as it could be read; 0 otherwise. The error reply carries it.
    public var sequence: Int64 = 0

    public init(_ reason: Reason, at place: Place, field: String = "") {
        self.reason = reason
        self.place = place
        self.field = field
    }

    public var code: ReplyCode {
        switch reason {
        case .tooMany, .tooLong: .limit
        default: .malformed
        }
    }

    /// Text of the client as errors show it, which are sent back and logged: no more than 60
    /// characters, and ASCII that a terminal only prints.
    static func shown(_ text: String) -> String {
        let cut = text.unicodeScalars.prefix(60)
        let plain = cut.map { $0.value >= 0x20 && $0.value < 0x7f ? Character($0) : "?" }
        return String(plain) + (cut.count < text.unicodeScalars.count ? "..." : "")
    }

    /// The same error seen from around `parent`.
    func within(_ parent: String) -> MalformedMessage {
        var error = self
        if field.isEmpty {
            error.field = parent
        } else {
            error.field = parent + (field.hasPrefix("[") ? "" : ".") + field
        }
        return error
    }
}

extension MalformedMessage: CustomStringConvertible {
    /// For example `cmd_kafka_fetch.topic at byte 7: not UTF-8`.
    public var description: String {
        let subject = field.isEmpty ? "request" : field
        switch place {
        case .byte(let offset): return "\(subject) at byte \(offset): \(reason)"
        case .text(let line, let column):
            return "\(subject) at line \(line) column \(column): \(reason)"
        }
    }
}

extension MalformedMessage.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated: "the message ends inside of the value"
        case .varintTooLong: "a varint of more than 10 bytes"
        case .invalidTag: "not a field's tag"
        case .group: "groups are not supported"
        case .invalidWireType(let type): "wire type \(type) does not exist"
        case .invalidUTF8: "not UTF-8"
        case .negative: "must not be negative"
        case .unknownValue(let value, let known): "\(value) is none of its values (\(known))"
        case .tooMany(let max): "more than \(max) entries"
        case .tooLong(let max): "more than \(max) bytes"
        case .notAnInteger(let bits): "not an integer of \(bits) bits"
        case .invalidBase64: "not base64"
        case .unknownField(""): "no such field (it has none)"
        case .unknownField(let known): "no such field (known: \(known))"
        case .repeatedField: "given twice"
        case .oneofConflict: "another field excludes it"
        case .json(let reason): "\(reason)"
        }
    }
}
