/// A field of a message as both encodings name it.
struct Field: Sendable {
    let number: Int
    /// As in the proto file; accepted in JSON and used in errors.
    let name: String
    /// lowerCamelCase: what proto3 JSON writes, and accepts as well.
    let jsonName: String
    /// A `bytes` field; `pubsub.text` writes it under two names.
    let isBytes: Bool
    /// Fields of one message with the same number above 0 exclude each other.
    let oneof: Int

    init(_ number: Int, _ name: String, isBytes: Bool = false, oneof: Int = 0) {
        self.number = number
        self.name = name
        self.isBytes = isBytes
        self.oneof = oneof
        jsonName = Field.camelCase(name)
    }

    /// As errors tell them to who writes JSON.
    static func list(_ fields: [Field]) -> String {
        fields.map(\.jsonName).joined(separator: ", ")
    }

    static func camelCase(_ name: String) -> String {
        var camel = ""
        var raise = false
        for character in name {
            if character == "_" {
                raise = true
            } else {
                camel += raise ? character.uppercased() : String(character)
                raise = false
            }
        }
        return camel
    }
}

/// A message that a client sends. `read` is the one description of its fields' types, for both
/// encodings.
protocol RequestMessage {
    /// Whether a JSON text may hold members that only the host knows.
    static var takesHostFields: Bool { get }
    /// At most 64.
    static var fields: [Field] { get }
    init()
    /// Sets the field from the source's present value, if the value is one of the field's type.
    mutating func read<S: FieldSource>(_ number: Int, from source: inout S) throws(MalformedMessage)
    /// A member of the host's, and where its value lies in the text.
    mutating func readHost(_ number: Int, _ value: Range<Int>)
}

extension RequestMessage {
    static var takesHostFields: Bool { false }
    mutating func readHost(_ number: Int, _ value: Range<Int>) {}

    static func name(of number: Int) -> String {
        fields.first { $0.number == number }?.name ?? "field \(number)"
    }
}

/// An enumeration of the proto file.
protocol WireEnum: RawRepresentable, Sendable where RawValue == Int32 {
    static var names: [String: Int32] { get }
}

extension WireEnum {
    /// As errors tell them: `LATEST 0, EARLIEST 1`.
    static var list: String {
        names.sorted { $0.value < $1.value }.map { "\($0.key) \($0.value)" }.joined(
            separator: ", ")
    }
}

/// Where field values come from. Every accessor answers nil, and sets nothing, for a value that
/// protobuf would skip (another wire type) or that stands for an absent one (JSON's null).
protocol FieldSource {
    var limits: RequestLimits { get }

    mutating func int64() throws(MalformedMessage) -> Int64?
    mutating func int32() throws(MalformedMessage) -> Int32?
    mutating func bool() throws(MalformedMessage) -> Bool?
    mutating func string() throws(MalformedMessage) -> String?
    /// Where the bytes lie: in the message, or in what the source decoded them to.
    mutating func bytes() throws(MalformedMessage) -> Range<Int>?
    /// Where the UTF-8 of a string lies, likewise.
    mutating func utf8() throws(MalformedMessage) -> Range<Int>?
    mutating func enumeration<E: WireEnum>(_ type: E.Type) throws(MalformedMessage) -> E?
    /// Reads on top of `current`, as protobuf merges a message that comes in pieces.
    mutating func message<M: RequestMessage>(_ current: M) throws(MalformedMessage) -> M?
    /// The same, for messages that are too large to be copied. False where `message` answers nil.
    mutating func merge<M: RequestMessage>(into message: inout M) throws(MalformedMessage) -> Bool

    /// Hands on the messages that the present value holds, one or several. Answers how many there
    /// are, with the `have` that came before.
    mutating func each<M: RequestMessage>(
        _ have: Int, max: Int, _ body: (inout Self, M) -> Void
    ) throws(MalformedMessage) -> Int
    /// Append what the present value holds: one element or several.
    mutating func append(to list: inout [Int32], max: Int) throws(MalformedMessage)
    mutating func append(to list: inout [String], max: Int) throws(MalformedMessage)

    /// Headers of records as they stand in a batch, one behind the other.
    var headers: [UInt8] { get }
    /// Appends one to `headers`. The ranges are answers of `utf8` and `bytes`.
    mutating func appendHeader(key: Range<Int>, value: Range<Int>?)

    /// An error at the present value.
    func fault(_ reason: MalformedMessage.Reason) -> MalformedMessage
}

extension FieldSource {
    mutating func append<M: RequestMessage>(
        to list: inout [M], max: Int
    ) throws(MalformedMessage) {
        _ = try each(list.count, max: max) { list.append($1) }
    }

    mutating func nonNegativeInt32() throws(MalformedMessage) -> Int32? {
        let value = try int32()
        if let value, value < 0 { throw fault(.negative) }
        return value
    }

    mutating func nonNegativeInt64() throws(MalformedMessage) -> Int64? {
        let value = try int64()
        if let value, value < 0 { throw fault(.negative) }
        return value
    }
}
