import JSON

/// One object of a configuration while it is read: hands out its members, remembers which, and
/// in the end refuses what nobody knows.
struct ConfigurationReader {
    private let object: JSONObject
    private let position: JSONPosition
    /// Keys from the document's root to this object.
    private let path: [String]
    /// How many keys at the start of `path` stay out of the reasons; nil: reasons name no keys.
    /// Inside of a plugin reasons are nested as the original's schema checker words them.
    private var reasonsFrom: Int?
    private var known: [String] = []

    /// Nothing that a host writes has more than ten levels, and each takes of its thread's stack.
    private static let depthMax = 32

    /// The whole document, which has to be an object.
    static func document(
        _ json: UnsafeRawBufferPointer
    ) throws(ConfigurationError) -> (ConfigurationReader, JSONValue) {
        let value: JSONValue
        do {
            value = try JSONValue.parse(json, depthMax: depthMax)
        } catch {
            throw ConfigurationError(
                key: "", line: error.position.line, column: error.position.column,
                reason: "\(error.reason)")
        }
        return (try ConfigurationReader(value, path: []), value)
    }

    private init(
        _ value: JSONValue, path: [String], reasonsFrom: Int? = nil
    ) throws(ConfigurationError) {
        self.path = path
        self.reasonsFrom = reasonsFrom
        position = value.position
        object = value.object ?? JSONObject()
        guard value.object != nil else { throw wrongType("object", value) }
    }

    var keyCount: Int { object.members.count }

    // MARK: Members

    /// Any value but null, which counts as absent.
    mutating func value(_ key: String) -> JSONValue? {
        known.append(key)
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    mutating func has(_ key: String) -> Bool { value(key) != nil }

    /// Whether there is a member of that name, without reading it.
    func holds(_ key: String) -> Bool { object[key] != nil }

    mutating func string(_ key: String) throws(ConfigurationError) -> String? {
        guard let value = value(key) else { return nil }
        guard let string = value.string else { throw wrongType("string", value, key) }
        return string
    }

    mutating func bool(_ key: String) throws(ConfigurationError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard let bool = value.bool else { throw wrongType("boolean", value, key) }
        return bool
    }

    mutating func integer(
        _ key: String, _ range: ClosedRange<Int64>
    ) throws(ConfigurationError) -> Int64? {
        guard let value = value(key) else { return nil }
        guard value.number != nil else { throw wrongType("integer", value, key) }
        guard let number = value.int64 else {
            throw fault(key, "wrong type: expected integer, got number", at: value.position)
        }
        guard range.contains(number) else {
            throw fault(
                key, "expected \(range.lowerBound) to \(range.upperBound), got \(number)",
                at: value.position)
        }
        return number
    }

    mutating func count(
        _ key: String, _ range: ClosedRange<Int>
    ) throws(ConfigurationError) -> Int? {
        try integer(key, Int64(range.lowerBound)...Int64(range.upperBound)).map { Int($0) }
    }

    /// Seconds, with a fraction perhaps, as milliseconds.
    mutating func seconds(_ key: String) throws(ConfigurationError) -> Int64? {
        guard let value = value(key) else { return nil }
        guard let number = value.number else { throw wrongType("number", value, key) }
        guard let seconds = Double(number.text), seconds > 0, seconds <= 86_400 else {
            throw fault(key, "expected seconds: more than 0, at most 86400", at: value.position)
        }
        return max(1, Int64(seconds * 1000))
    }

    mutating func reader(_ key: String) throws(ConfigurationError) -> ConfigurationReader? {
        guard let value = value(key) else { return nil }
        return try ConfigurationReader(value, path: path + [key], reasonsFrom: reasonsFrom)
    }

    /// The configuration of a plugin, whose reasons are worded from here on.
    mutating func plugin(_ key: String) throws(ConfigurationError) -> ConfigurationReader? {
        guard let value = value(key) else { return nil }
        return try ConfigurationReader(
            value, path: path + [key], reasonsFrom: path.count + 1)
    }

    /// A member whose value was looked at already, as an object.
    func member(
        _ key: String, _ value: JSONValue
    ) throws(ConfigurationError) -> ConfigurationReader {
        try ConfigurationReader(value, path: path + [key], reasonsFrom: reasonsFrom)
    }

    /// An element of an array as an object.
    func element(
        _ key: String, _ index: Int, _ value: JSONValue
    ) throws(ConfigurationError) -> ConfigurationReader {
        try ConfigurationReader(value, path: path + ["\(key)[\(index)]"], reasonsFrom: reasonsFrom)
    }

    mutating func strings(
        _ key: String
    ) throws(ConfigurationError) -> [(text: String, position: JSONPosition)]? {
        guard let value = value(key) else { return nil }
        guard let array = value.array else { throw wrongType("array", value, key) }
        var strings: [(String, JSONPosition)] = []
        for element in array {
            guard let text = element.string else { throw wrongType("string", element, key) }
            strings.append((text, element.position))
        }
        return strings
    }

    /// All members, which have to be strings, in their order.
    func texts() throws(ConfigurationError) -> [(name: String, text: String)] {
        var texts: [(String, String)] = []
        for member in object.members {
            guard let text = member.value.string else {
                throw wrongType("string", member.value, member.key)
            }
            texts.append((member.key, text))
        }
        return texts
    }

    // MARK: What is left

    /// Notes for keys that the original knows and that mean nothing here.
    mutating func ignore(_ keys: [String], into notes: inout [String]) {
        for key in keys where has(key) { notes.append("\(name(key)): has no effect here") }
    }

    /// Keys that would take rights away: to ignore one would open what it protects.
    mutating func refuse(_ keys: [String], _ reason: String) throws(ConfigurationError) {
        for key in keys where has(key) { throw unknown(key, reason) }
    }

    /// Refuses members that were not asked for.
    func end() throws(ConfigurationError) {
        for member in object.members where !known.contains(member.key) {
            throw unknown(member.key, "unknown key (known: \(known.joined(separator: ", ")))")
        }
    }

    func unknown(_ key: String, _ reason: String) -> ConfigurationError {
        let member = object.members.first { $0.key == key }
        return fault(key, reason, at: member?.keyPosition ?? position)
    }

    // MARK: Errors

    func missing(_ key: String) -> ConfigurationError {
        fault(nil, "property \"\(key)\" is required", at: position)
    }

    func fault(
        _ key: String?, _ reason: String, at place: JSONPosition? = nil
    ) -> ConfigurationError {
        let place = place ?? key.flatMap { object[$0]?.position } ?? position
        let keys = path + (key.map { [$0] } ?? [])
        var text = reason
        for key in keys.dropFirst(reasonsFrom ?? keys.count).reversed() {
            text = "property \"\(key)\" validation failed: \(text)"
        }
        return ConfigurationError(
            key: keys.joined(separator: "."), line: place.line, column: place.column,
            reason: text)
    }

    private func wrongType(
        _ expected: String, _ value: JSONValue, _ key: String? = nil
    ) -> ConfigurationError {
        fault(
            key, "wrong type: expected \(expected), got \(Self.name(value.kind))",
            at: value.position)
    }

    func name(_ key: String) -> String { (path + [key]).joined(separator: ".") }

    private static func name(_ kind: JSONReader.Kind) -> String {
        switch kind {
        case .null: "null"
        case .bool: "boolean"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
