/// A JSON value with its place in the text, for documents that people write.
public struct JSONValue: Equatable, Sendable {
    public enum Content: Equatable, Sendable {
        case null
        case bool(Bool)
        case number(JSONNumber)
        case string(String)
        case array([JSONValue])
        case object(JSONObject)
    }

    public var content: Content
    /// Where the value starts.
    public var position: JSONPosition

    public init(_ content: Content, at position: JSONPosition = .start) {
        self.content = content
        self.position = position
    }

    public var isNull: Bool { content == .null }

    public var bool: Bool? {
        if case .bool(let value) = content { value } else { nil }
    }

    /// Nil for a number that is not an integer or not within 64 bits, too.
    public var int64: Int64? {
        if case .number(let value) = content { value.int64 } else { nil }
    }

    public var number: JSONNumber? {
        if case .number(let value) = content { value } else { nil }
    }

    public var string: String? {
        if case .string(let value) = content { value } else { nil }
    }

    public var array: [JSONValue]? {
        if case .array(let value) = content { value } else { nil }
    }

    public var object: JSONObject? {
        if case .object(let value) = content { value } else { nil }
    }

    /// The member of an object; nil for other kinds, too.
    public subscript(key: String) -> JSONValue? { object?[key] }

    public var kind: JSONReader.Kind {
        switch content {
        case .null: .null
        case .bool: .bool
        case .number: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }
}

/// The members of an object in the order of the text; no key occurs twice.
public struct JSONObject: Equatable, Sendable {
    public struct Member: Equatable, Sendable {
        public var key: String
        /// Where the key's opening quote stands.
        public var keyPosition: JSONPosition
        public var value: JSONValue

        public init(key: String, keyPosition: JSONPosition = .start, value: JSONValue) {
            self.key = key
            self.keyPosition = keyPosition
            self.value = value
        }
    }

    public private(set) var members: [Member] = []

    public init() {}

    public subscript(key: String) -> JSONValue? {
        members.first { sameBytes($0.key, key) }?.value
    }

    mutating func append(_ member: Member) { members.append(member) }
}

/// Swift's `==` takes canonically equivalent strings for equal; to JSON they are two.
func sameBytes(_ a: String, _ b: String) -> Bool {
    a.utf8.count == b.utf8.count && a.utf8.elementsEqual(b.utf8)
}
